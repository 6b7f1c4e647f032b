"""Errors that a person may meet, each with its documented exit status.

An error is one lower-case line plus hints. Neither ever holds a secret, an argument
vector or the content of a file: what is raised here may end up in a log.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class Status(IntEnum):
    """Exit statuses (docs/reference/exit-status.md). A wrapped command's own status is passed through."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CANNOT_EXECUTE = 126
    NOT_FOUND = 127
    INTERRUPTED = 130
    LOCKED = 190
    NO_DEFAULT = 191
    MISSING = 192
    DAMAGED = 193
    UNREACHABLE = 194
    SERVICE_REFUSED = 195
    DENIED = 196
    EXECUTABLE_REFUSED = 197
    CONFIGURATION = 198


class KeyturnError(Exception):
    """Base of all errors that end a command with one line.

    `message` is one line without the `keyturn:` prefix; `hints` say what to try. `code` is
    stable: tests and JSON readers may rely on it.
    """

    status: ClassVar[Status] = Status.FAILED
    code: ClassVar[str] = "failed"

    def __init__(self, message: str, *hints: str) -> None:
        super().__init__(message)
        self.message = message
        self.hints = hints


class UsageError(KeyturnError):
    """The command line asks for something that cannot be meant."""

    status = Status.USAGE
    code = "usage"


class WhichAccountError(UsageError):
    """There is more than one account, and nothing says which one is meant."""

    code = "which-account"


class UnsupportedError(UsageError):
    """The vault that is meant cannot do this; others can."""

    code = "unsupported"


class NotFoundError(KeyturnError):
    """A command is not on PATH."""

    status = Status.NOT_FOUND
    code = "not-found"


class CancelledByPersonError(KeyturnError):
    """Somebody pressed Ctrl-C at one of our questions."""

    status = Status.INTERRUPTED
    code = "interrupted"


class LockedError(KeyturnError):
    """Unlocking or an approval is needed and there is nobody to ask."""

    status = Status.LOCKED
    code = "locked"


class SessionEndedError(LockedError):
    """The session with another program's vault is over: it has to be unlocked again."""

    code = "session-ended"


class NoDefaultError(KeyturnError):
    """No default applies here, so no item can be chosen."""

    status = Status.NO_DEFAULT
    code = "no-default"


class MissingError(KeyturnError):
    """An account, a vault, an item or a field is not there."""

    status = Status.MISSING
    code = "missing"


class MissingFieldError(MissingError):
    """An item lacks a field that a command needs; `item` is its id, where it is known."""

    code = "missing-field"
    item = ""


class UncarriedError(MissingError):
    """A field holds what cannot be given to a command in the way in which it takes the field."""

    code = "uncarried"


class AmbiguousError(MissingError):
    """A name fits more than one thing; both are named."""

    code = "ambiguous"


class DamagedError(KeyturnError):
    """A file does not open, does not parse, or is not what its place says it is."""

    status = Status.DAMAGED
    code = "damaged"


class NewerError(DamagedError):
    """A file was written by a newer Keyturn; the version needed is named."""

    code = "newer"


class RolledBackError(DamagedError):
    """A file is older than the one this machine saw last."""

    code = "rolled-back"


class ForkedError(DamagedError):
    """A file's history does not contain the one this machine saw last."""

    code = "forked"


class ForgedError(DamagedError):
    """A file opens with another identity than the one this machine trusts."""

    code = "another-identity"


class MisplacedError(DamagedError):
    """A whole file that belongs elsewhere: under another name, in another account, of another kind."""

    code = "misplaced"


class WorkFactorError(DamagedError):
    """A file asks for a key derivation that is too cheap to be safe or too costly to be run."""

    code = "work-factor"


class StorageError(KeyturnError):
    """A file could not be written or read: a full or read-only disk, an I/O error. What was there stays."""

    code = "storage"


class ConflictError(KeyturnError):
    """Something else was there first: a name or an id is taken, or somebody changed an item meanwhile."""

    code = "conflict"


class UnreachableError(KeyturnError):
    """The agent cannot be started or does not answer."""

    status = Status.UNREACHABLE
    code = "unreachable"


class DeniedError(KeyturnError):
    """The person said no, gave wrong passwords, or did not answer in time."""

    status = Status.DENIED
    code = "denied"


class WrongPasswordError(DeniedError):
    """The password opens no slot."""

    code = "wrong-password"


class KeyUnusableError(DeniedError):
    """The key of a slot is not there or does not answer. Nobody has said no: another way may open."""

    code = "key-unusable"


class CodeUnusableError(DeniedError):
    """What was typed as a one-time code is none, or one that was used already."""

    code = "code-unusable"


class UnusableError(DeniedError):
    """An authenticator that seemed usable is not: the next one is tried. Nobody has said no."""

    code = "unusable"


class FormerIdentityError(DeniedError):
    """A key fits a slot, but of the identity before or after a change; the message says what to use."""

    code = "former-identity"


class ExecutableRefusedError(KeyturnError):
    """The program found may not receive credentials."""

    status = Status.EXECUTABLE_REFUSED
    code = "executable-refused"


class ServiceRefusedError(KeyturnError):
    """A service that was asked for credentials refused."""

    status = Status.SERVICE_REFUSED
    code = "service-refused"


class ServiceUnreachableError(ServiceRefusedError):
    """A service that was asked for credentials gave no answer, or none that makes sense."""

    code = "service-unreachable"


class SignedOutError(ServiceRefusedError):
    """A sign-in (single sign-on) does not hold any more: its person has to sign in again."""

    code = "signed-out"


class ExpiredKeysError(ServiceRefusedError):
    """Temporary keys that an item holds have ended: a service would refuse them."""

    code = "expired-keys"


class ConfigurationError(KeyturnError):
    """A configuration file, an environment variable or a directory is not usable as it is."""

    status = Status.CONFIGURATION
    code = "configuration"


class PrivateFilesError(ConfigurationError):
    """A command gets its credential in a file, and there is no place where that would be private."""

    code = "private-files"


class NotYetError(ConfigurationError):
    """What is asked for is understood but not built yet; never a reason to fall through to something else."""

    code = "not-yet"


def all_errors() -> dict[str, type[KeyturnError]]:
    """Every error class by its code, so that an error can cross the wire and be raised again."""
    found: dict[str, type[KeyturnError]] = {}
    queue: list[type[KeyturnError]] = [KeyturnError]
    while queue:
        kind = queue.pop()
        found[kind.code] = kind
        queue.extend(kind.__subclasses__())
    return found
