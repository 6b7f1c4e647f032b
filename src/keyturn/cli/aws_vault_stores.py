"""Where aws-vault keeps keys on this machine, and reading them from there with the person's help."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keyturn.aws import aws_vault
from keyturn.aws.aws_vault_opening import (
    LARGEST,
    LOCKED,
    WRONG,
    Entry,
    Opened,
    OpenFiles,
    ReadCollection,
    Task,
    results,
    tasks,
)
from keyturn.cli.context import Context, read_password
from keyturn.ground import files
from keyturn.ground.errors import (
    ConfigurationError,
    DamagedError,
    DeniedError,
    LockedError,
    MissingError,
    NotFoundError,
    UsageError,
)
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError

FILE, SECRET_SERVICE, PASS = "file", "secret-service", "pass"
STORES = (FILE, SECRET_SERVICE, PASS)
# aws-vault's own names of them (its --help), which its variables share.
_BACKENDS = {"file": FILE, "secret-service": SECRET_SERVICE, "pass": PASS}
LARGEST_FILE = 64 * 1024
TRIES = 3
SECONDS = 120


@dataclass(frozen=True)
class Store:
    """One store, and the profiles that it has keys of, by what it calls them."""

    kind: str
    where: str
    profiles: tuple[str, ...]


class Stores:
    """aws-vault's stores; the person's variables for aws-vault say where they are, as it reads them."""

    def __init__(self, context: Context, passphrase_file: str | None) -> None:
        self._context = context
        self._passphrase_file = passphrase_file
        self._variables = context.world.environment

    def find(self, kind: str, names: Sequence[str]) -> Store:
        """The store of this kind, or the only one that there is. Raises MissingError, UsageError.

        In pass without a prefix, the entries called `names` count: whatever else is in there is not ours to
        decrypt.
        """
        kind = kind or _BACKENDS.get(self._variables.get("AWS_VAULT_BACKEND", ""), "")
        if kind:
            return self._of_kind(kind, names)
        found, reasons = [], []
        for each in STORES:
            try:
                found.append(self._of_kind(each, names))
            except (MissingError, NotFoundError, LockedError) as error:
                reasons.append(f"{each}: {error.message}")
        if not found:
            raise MissingError("aws-vault has no keys here", *reasons)
        if len(found) > 1:
            there = " and ".join(f"{store.kind} ({store.where})" for store in found)
            raise UsageError(f"aws-vault has keys in several stores: {there}", "choose: --store NAME")
        return found[0]

    def read(self, store: Store, names: Sequence[str]) -> list[Entry]:
        """The entries of these profiles. Raises DeniedError for a passphrase that opens none, LockedError."""
        if store.kind == FILE:
            return self._read_files(names)
        if store.kind == PASS:
            return [self._shown(name) for name in names]
        return self._collection(list(names)).entries

    def _of_kind(self, kind: str, names: Sequence[str]) -> Store:
        if kind == FILE:
            profiles = tuple(sorted(self._files()))
            where = str(self._directory)
        elif kind == PASS:
            profiles, where = self._in_pass(names), str(self._pass_directory / self._prefix)
        else:
            profiles = tuple(sorted(entry.name for entry in self._collection(None).entries))
            where = f"collection {printable(self._collection_name)}"
        if not profiles:
            raise MissingError(f"no keys are in {where}", "is it the store that aws-vault uses?")
        return Store(kind, where, profiles)

    @property
    def _directory(self) -> Path:
        return self._path(self._variables.get("AWS_VAULT_FILE_DIR") or "~/.awsvault/keys")

    def _path(self, written: str) -> Path:
        home = self._context.world.home
        return Path(home + written[1:] if written == "~" or written.startswith("~/") else written)

    def _files(self) -> dict[str, Path]:
        """The files with keys, by their profiles."""
        try:
            paths = [path for path in self._directory.iterdir() if path.is_file()]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise ConfigurationError(f"cannot look into {self._directory}: {files.reason(error)}") from None
        named = ((aws_vault.profile_of_file(path.name), path) for path in paths)
        return {name: path for name, path in named if aws_vault.is_profile(name) and not name.startswith(".")}

    def _read_files(self, names: Sequence[str]) -> list[Entry]:
        there = self._files()
        contents: dict[str, bytes] = {}
        for name in names:
            try:
                contents[name], _ = files.read(there[name], LARGEST_FILE)
            except (OSError, DamagedError) as error:
                why = files.reason(error) if isinstance(error, OSError) else error.message
                raise ConfigurationError(f"cannot read {there[name]}: {why}") from None
        question = f"passphrase of aws-vault's keys in {printable(str(self._directory))}"
        for tries in range(TRIES):
            entries = self._opened(OpenFiles(contents, self._passphrase(question))).entries
            if any(entry.problem != WRONG for entry in entries):
                return entries
            if self._passphrase_file is not None or tries == TRIES - 1:
                break
            question = "that opens none of them; once more"
        raise DeniedError(
            f"the passphrase opens none of the keys in {self._directory}",
            "it is the one that aws-vault asks for: aws-vault list",
        )

    def _passphrase(self, question: str) -> Secret:
        if self._passphrase_file is not None:
            return read_password(self._passphrase_file)
        self._context.require_input("aws-vault's passphrase", "give it: --passphrase-file PATH")
        return self._context.terminal.secret(question)

    @property
    def _collection_name(self) -> str:
        return self._variables.get("AWS_VAULT_SECRET_SERVICE_COLLECTION_NAME") or "awsvault"

    def _collection(self, names: list[str] | None) -> Opened:
        bus = self._variables.get("DBUS_SESSION_BUS_ADDRESS")
        if not bus:
            raise MissingError("there is no session bus here", "is there a desktop? another store: --store")
        opened = self._opened(ReadCollection(self._collection_name, names), {"DBUS_SESSION_BUS_ADDRESS": bus})
        called = f"aws-vault's collection “{printable(self._collection_name)}”"
        if opened.problem == LOCKED:
            raise LockedError(f"{called} is locked", "unlock it, by `aws-vault list` for one, and try again")
        if opened.problem:
            raise MissingError(f"{called} cannot be read: {opened.why}", "another store: --store")
        return opened

    @property
    def _pass_directory(self) -> Path:
        named = self._variables.get("AWS_VAULT_PASS_PASSWORD_STORE_DIR")
        return self._path(named or self._variables.get("PASSWORD_STORE_DIR") or "~/.password-store")

    @property
    def _prefix(self) -> str:
        named = self._variables.get("AWS_VAULT_PASS_PREFIX", "").strip("/")
        return named or ("aws-vault" if (self._pass_directory / "aws-vault").is_dir() else "")

    def _in_pass(self, names: Sequence[str]) -> tuple[str, ...]:
        top = self._pass_directory / self._prefix
        found = [str(path.relative_to(top))[: -len(".gpg")] for path in sorted(top.rglob("*.gpg"))]
        found = [name for name in found if aws_vault.is_profile(name)]
        if self._prefix:
            return tuple(found)
        wanted = tuple(name for name in names if name in found)
        if found and not wanted:
            raise MissingError(
                f"{top} has no entries known to be aws-vault's",
                "name the profiles, or set AWS_VAULT_PASS_PREFIX",
            )
        return wanted

    def _shown(self, name: str) -> Entry:
        """An entry as the person's own `pass` shows it; gpg may ask them for a passphrase meanwhile."""
        command = self._variables.get("AWS_VAULT_PASS_CMD") or "pass"
        program = shutil.which(command, path=self._variables.get("PATH", ""))
        if program is None:
            raise NotFoundError(f"{printable(command)}: command not found", "aws-vault's store pass needs it")
        done = subprocess.run(
            [program, "show", f"{self._prefix}/{name}" if self._prefix else name],
            env={**self._variables, "PASSWORD_STORE_DIR": str(self._pass_directory)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
        )
        if done.returncode != 0:
            raise DeniedError(
                f"pass did not show “{printable(name)}”: it ended with status {done.returncode}",
                "what it says is above; try it by itself: pass show",
            )
        return Entry(name, Secret(done.stdout[:LARGEST].decode("utf-8", "replace")))

    def _opened(self, task: Task, variables: dict[str, str] | None = None) -> Opened:
        """What another process makes of a task: what decrypts others' files is much code, not all ours."""
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-m", "keyturn.cli.aws_vault_reading"],
                input=tasks.encode(task),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**self._context.world.agent_environment, **(variables or {})},
                cwd="/",
                timeout=SECONDS,
                check=False,
            )
            return results.decode(done.stdout)
        except subprocess.TimeoutExpired:
            raise LockedError(
                "aws-vault's store did not answer in time", "was a question left open?"
            ) from None
        except WireError:
            raise DamagedError("aws-vault's store could not be read", "its files may be damaged") from None
