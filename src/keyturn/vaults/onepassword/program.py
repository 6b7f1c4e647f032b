"""Running `op`: what it is given, and what it means when it fails.

It gets what it needs by standard input and by the variables that its documentation names; an item never comes
into an argument. A session of `op signin` and the tokens of a service account and of a Connect server have no
other way into it than a variable (developer.1password.com/docs/cli/reference, “Environment variables”).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from typing import TypeVar

import msgspec

from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    DeniedError,
    KeyturnError,
    MissingError,
    ServiceUnreachableError,
    SessionEndedError,
    UnreachableError,
    UsageError,
    WrongPasswordError,
)
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret, decode_secret, encode_secret

T = TypeVar("T")

# A person may have to find their finger: the app's own window waits for a minute.
SECONDS = 100.0
LARGEST = 64 * 1024 * 1024
SERVICE_TOKEN_PREFIX = "ops_"
SERVICE, CONNECT_HOST, CONNECT = "OP_SERVICE_ACCOUNT_TOKEN", "OP_CONNECT_HOST", "OP_CONNECT_TOKEN"


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `op` is let in by: a variable and its value."""

    variable: str
    value: Secret

    def packed(self) -> Secret:
        return Secret(msgspec.json.encode(self, enc_hook=encode_secret).decode())

    @classmethod
    def unpacked(cls, packed: Secret) -> Access | None:
        """None for text that is none: what a person typed."""
        try:
            return msgspec.json.decode(packed.reveal(), type=cls, dec_hook=decode_secret)
        except (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError):
            return None


class NotSignedInError(Exception):
    """`op` has no session, and no app that would give it one."""


class Op:
    """The program at one path, for one account (empty: its own choice)."""

    def __init__(
        self, path: str, account: str, access: Access | None, environment: Mapping[str, str]
    ) -> None:
        self._path = path
        self._account = account
        self._environment = dict(environment)
        if access is not None:
            self._environment[access.variable] = access.value.reveal()

    def json(self, kind: type[T], *words: str, content: bytes | None = None) -> T:
        """What a command prints with `--format json`. `content` goes to its standard input.

        Raises NotSignedInError, and KeyturnErrors for everything else that `op` says no by.
        """
        printed = self.run(*words, "--format", "json", content=content)
        try:
            return msgspec.json.decode(printed, type=kind, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        raise UnreachableError(
            f"1Password's op printed no answer that makes sense to `{' '.join(words[:2])}`",
            "see what it prints by itself; is it op?",
        )

    def run(self, *words: str, content: bytes | None = None) -> bytes:
        """What a command prints. Raises as `json`."""
        account = ["--account", self._account] if self._account and words[:1] != ("--version",) else []
        try:
            done = subprocess.run(
                [self._path, *words, *account],
                input=content or b"",
                capture_output=True,
                timeout=SECONDS,
                env=self._environment,
                cwd="/",
                start_new_session=True,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnreachableError(
                f"1Password's op gave no answer in {SECONDS:.0f} seconds",
                "does a window of 1Password wait for you?",
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"cannot run {printable(self._path, 300)}: {(error.strerror or '').lower()}",
                "if it moved: keyturn account forget, then keyturn account create --backend 1password",
            ) from None
        if done.returncode != 0:
            # With a template at its input it might repeat some of that.
            raise _reason(done.stderr[:4096].decode("utf-8", "replace"), may_repeat=content is None)
        if len(done.stdout) > LARGEST:
            raise UnreachableError("1Password's op printed far more than an answer")
        return done.stdout

    def sign_in(self, password: Secret) -> Access:
        """A session, as `op signin` prints it for a shell. Raises WrongPasswordError, and as `run`."""
        content = password.reveal().encode() + b"\n"
        printed = self.run("signin", "--force", content=content).decode("utf-8", "replace")
        found = re.search(r"""^export (OP_SESSION_\w+)=["']?([\w-]+)["']?$""", printed, re.MULTILINE)
        if found is None:
            raise UnreachableError("1Password's op signed in, but printed no session")
        return Access(found[1], Secret(found[2]))


# By what stands in the line that `op` ends with. Its exit status is 1 for all of them, and no page lists the
# lines: they are from its documentation's examples and people's reports (docs/explanation/other-vaults.md).
_NOT_SIGNED_IN = re.compile(
    r"not (currently )?signed in|could not find session token|no accounts configured"
    r"|session expired|invalid session|found no accounts|not been signed in",
    re.IGNORECASE,
)
_REASONS: tuple[tuple[str, KeyturnError], ...] = (
    (r"isn't an? item|no item|item .* not found", MissingError("1Password has no such item any more")),
    (r"isn't a vault|vault .* not found", MissingError("1Password has no such vault that is yours to see")),
    (r"more than one", UsageError("1Password finds more than one of this name", "use its id")),
    (r"dismissed|cancell?ed|denied", DeniedError("1Password was told no")),
    (r"authorization timeout|timed out waiting", DeniedError("nobody answered 1Password in time")),
    (
        r"wrong password|incorrect|unauthorized|invalid token|\(401\)",
        WrongPasswordError("1Password takes this for no password or token of the account"),
    ),
    (
        r"forbidden|permission|\(403\)",
        DeniedError("1Password does not let this account do that", "the vault may be read-only for it"),
    ),
    (
        r"\(409\)|conflict",
        ConflictError("1Password says that somebody changed it meanwhile", "look at it, then try again"),
    ),
    (
        r"rate|too many requests|\(429\)",
        ServiceUnreachableError("1Password was asked too often"),
    ),
    (
        r"dial|network|connection|no such host|\(5\d\d\)",
        ServiceUnreachableError("1Password cannot be reached", "is there a network?"),
    ),
)


def _reason(printed: str, *, may_repeat: bool) -> Exception:
    lines = [line for line in printed.splitlines() if "[ERROR]" in line] or printed.splitlines()[-1:]
    text = re.sub(r"^\[ERROR\]\s*([\d/]+ [\d:]+)?\s*", "", lines[0]) if lines else ""
    if _NOT_SIGNED_IN.search(text):
        return NotSignedInError()
    for pattern, error in _REASONS:
        if re.search(pattern, text, re.IGNORECASE):
            return type(error)(error.message, *error.hints)
    said = f": {printable(text, 200)}" if text and may_repeat else ""
    return UnreachableError(f"1Password's op failed{said}", "see whether it works by itself: op vault list")


def ended() -> SessionEndedError:
    """The session that there was is over."""
    return SessionEndedError("the session of 1Password is over", "try again: you are asked to sign in")
