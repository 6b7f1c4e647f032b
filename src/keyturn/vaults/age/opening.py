"""From a password, a recovery code or the key of a slot to an open account.

The slow part, scrypt, is not done here: `Opening` says which tasks to have done and takes their results.
What opens the first block of a slot from outside is done before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keyturn.ground import files
from keyturn.ground.errors import (
    DamagedError,
    FormerIdentityError,
    KeyturnError,
    KeyUnusableError,
    MisplacedError,
    MissingError,
    WrongPasswordError,
)
from keyturn.ground.secret import Secret
from keyturn.vaults.age import identities, rotation, slots
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.derive import Result, UnwrapPassword, Unwrapped
from keyturn.vaults.age.directory import AccountDirectory, storage
from keyturn.vaults.age.pins import Machine, Pinned
from keyturn.vaults.age.sealed import KeyRing
from keyturn.vaults.age.slots import Kind, Slot
from keyturn.vaults.failed import Failed


@dataclass(frozen=True)
class Opened:
    """A slot that opened, and the account identity in it."""

    slot: Slot
    identity: Secret


def read_slots(directory: Path) -> tuple[list[Slot], list[DamagedError]]:
    """The slots in an account directory, newest first, and what is wrong with the others.

    Raises MissingError if there is no slot file at all.
    """
    found: list[Slot] = []
    damage: list[DamagedError] = []
    folder = directory / "slots"
    with storage(folder, "read"):
        paths = sorted(folder.glob(f"*{slots.SUFFIX}")) if folder.is_dir() else []
        for path in paths:
            try:
                content, _ = files.read(path, slots.LARGEST)
                found.append(slots.parse_at(path, content))
            except DamagedError as error:
                damage.append(error)
            except FileNotFoundError:
                continue  # deleted just now, by a change in another process
    if not paths:
        raise MissingError(
            f"there is no account in {directory}: it has no slots",
            "if it was moved: keyturn account forget --account NAME, then keyturn account add DIRECTORY",
        )
    found.sort(key=lambda slot: (slot.header.created, slot.header.slot), reverse=True)
    return found, damage


def account_of(directory: Path) -> str:
    """The id of the account in `directory`, read from its slots without any key.

    Raises MissingError without slots, DamagedError if none parses, MisplacedError if they disagree.
    """
    found, damage = read_slots(directory)
    if not found:
        raise damage[0]
    _refuse_mixture(found, directory)
    return found[0].header.account


class Opening:
    """One try to open the account in `directory`, with one password or one recovery code.

    For a password, have every task that `next_task` gives done and hand its result to `take`, until
    there is none; then call `account`. A recovery code needs no task.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._slots, self._unreadable = read_slots(directory)
        self._refused: list[KeyturnError] = []
        self._opened: list[Opened] = []
        self._fits: Opened | None = None
        self._password = Secret("")
        self._blocks: Iterator[bytes] = iter(())
        self._block = b""
        self._no_fit: KeyturnError | None = None

    @classmethod
    def with_password(cls, directory: Path, password: Secret, slot: str | None = None) -> Opening:
        """With a password; `slot`, an id, keeps it to that slot.

        Raises as `read_slots`, DamagedError if no slot parses, MissingError if none has a password.
        """
        opening = cls(directory)
        blocks = [
            found.locked
            for found in opening._slots
            if found.header.kind is Kind.PASSWORD and slot in (None, found.header.slot)
        ]
        if not blocks:
            raise next(iter(opening._unreadable), MissingError("the account has no slot with a password"))
        opening._password = password
        # During a change the same block stands in an old and in a new slot: derived once, it opens both.
        opening._blocks = iter(dict.fromkeys(blocks))
        return opening

    @classmethod
    def with_recovery_code(cls, directory: Path, code: Secret) -> Opening:
        """With a recovery code as typed.

        Raises as `read_slots`, UsageError for what is no such code, and DamagedError if no slot with a
        recovery code parses and some slot is damaged.
        """
        opening = cls(directory)
        identity = slots.read_recovery_code(code)
        candidates = [slot for slot in opening._slots if slot.header.kind is Kind.RECOVERY]
        if not candidates and opening._unreadable:
            raise opening._unreadable[0]
        opening._try(identity, candidates)
        return opening

    @classmethod
    def with_slot_identity(cls, directory: Path, mark: str, identity: Secret) -> Opening:
        """With the own identity of the slot with this mark (slots.Slot.mark), wherever that was kept.

        Raises as `read_slots`.
        """
        opening = cls(directory)
        opening._no_fit = KeyUnusableError("the slot does not open with its key", "another way may open it")
        # During a change there is an old and a new slot with the same mark; one of them fits.
        opening._try(identity, [slot for slot in opening._slots if slot.mark == mark])
        return opening

    def next_task(self) -> UnwrapPassword | None:
        """The next derivation to be done; None when one has opened the account, or nothing is left."""
        if self._fits is not None:
            return None
        self._block = next(self._blocks, b"")
        return UnwrapPassword(self._block, self._password) if self._block else None

    def take(self, result: Result) -> None:
        """The result of the task that `next_task` gave last."""
        if isinstance(result, Unwrapped):
            self._try(result.identity, [slot for slot in self._slots if slot.blocks[0] == self._block])
        elif isinstance(result, Failed):
            error = result.error()
            if not isinstance(error, WrongPasswordError):
                self._refused.append(error)
        else:
            raise TypeError("the result of another task")

    @property
    def slot_id(self) -> str:
        """The id of the slot that opened the account; empty before `account` has returned."""
        return self._fits.slot.header.slot if self._fits is not None else ""

    def account(self, machine: Machine) -> AgeAccount:
        """The account, open; a change of identity that was cut short is finished or undone.

        Raises WrongPasswordError, FormerIdentityError if the key is for the identity before or after such
        a change, ForgedError, RolledBackError, ForkedError, and DamagedError and its kinds.
        """
        fits = self._fitting(machine)
        place = AccountDirectory(self._directory, machine.uid)
        place.check()
        account = AgeAccount(place, fits.slot.header.account, KeyRing(fits.identity), machine)
        with place.locked(reading=True):
            place.remove_leftovers()
            # The identity is compared with the pinned one here, before anything is mended on its word.
            document = account.file.load()
            if document.previous is not None:
                account.ring.previous = document.previous.identity
            rotation.settle(account)
        return account

    def fingerprints(self, machine: Machine) -> tuple[str | None, str]:
        """The identity pinned on this machine, if any, and the one found; for a person to compare."""
        fits = self._fitting(machine)
        pinned = machine.pinned(fits.slot.header.account)
        return (pinned.identity if pinned else None), identities.fingerprint(fits.identity)

    def trust(self, machine: Machine) -> tuple[str | None, str]:
        """Pin the identity found and forget what was pinned, generations included; both fingerprints."""
        fits, both = self._fitting(machine), self.fingerprints(machine)
        machine.trust(fits.slot.header.account, self._directory, both[1])
        return both

    def _try(self, slot_identity: Secret, candidates: list[Slot]) -> None:
        for slot in candidates:
            try:
                identity = slot.open(slot_identity)
            except DamagedError as error:
                self._refused.append(error)
                continue
            if identity is None:
                continue
            found = Opened(slot, identity)
            self._opened.append(found)
            if self._fits is None and identities.unseal(self._sealed(), identity) is not None:
                self._fits = found

    def _sealed(self) -> bytes:
        path = AccountDirectory(self._directory, 0).account
        with storage(path, "read"):
            try:
                return files.read(path)[0]
            except FileNotFoundError:
                pass
        raise DamagedError(f"{path} is missing", "older versions are in the directory `versions`")

    def _fitting(self, machine: Machine) -> Opened:
        if self._fits is not None:
            return self._fits
        if self._opened:
            _refuse_mixture(self._slots, self._directory)
            raise self._unfitting(machine.pinned(self._opened[0].slot.header.account))
        if self._refused:
            raise self._refused[0]
        raise self._no_fit or WrongPasswordError(
            "wrong password: it opens no slot of the account",
            *(error.message for error in self._unreadable),
            "a recovery code is taken in its place",
        )

    def _unfitting(self, pinned: Pinned | None) -> KeyturnError:
        """Why account.age does not open although a slot did."""
        found = {identities.fingerprint(opened.identity) for opened in self._opened}
        if pinned is not None and pinned.change is not None:
            if pinned.change.identity in found:
                return FormerIdentityError(
                    "a change of this account was cut short before it took effect",
                    "use the password or recovery code from before it; the change is then undone",
                )
            return FormerIdentityError(
                "this password or recovery code was replaced by a change that was cut short",
                "use the new one; the change is then finished",
            )
        if pinned is not None and pinned.identity in found:
            return DamagedError(
                f"{self._directory}/account.age is damaged", "older versions are in the directory `versions`"
            )
        return FormerIdentityError(
            "the slot opens, but account.age is not for the identity in it",
            "a change may have been cut short on another machine: use the password from before or after it",
        )


def _refuse_mixture(found: list[Slot], directory: Path) -> None:
    accounts = {slot.header.account: slot.header.slot for slot in found}
    if len(accounts) > 1:
        named = ", ".join(f"{slot} is of {account}" for account, slot in accounts.items())
        raise MisplacedError(f"{directory} holds slots of more than one account: {named}")
