"""The accounts that are unlocked, and how they come to be."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from keyturn.agent.foreign_vaults import ForeignVaults
from keyturn.agent.registry import Entry, Registry
from keyturn.agent.slot_keys import SlotKeys
from keyturn.agent.tasks import Helpers
from keyturn.auth.approval_password import ApprovalPasswords
from keyturn.auth.password import Attempts, Verifier
from keyturn.ground.clock import Clock
from keyturn.ground.errors import (
    LockedError,
    MisplacedError,
    MissingError,
    UnsupportedError,
    WhichAccountError,
    WrongPasswordError,
)
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.openers import Openers
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.age.pins import Machine
from keyturn.vaults.backend import Backend
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.operations import KeyWanted, Opened
from keyturn.vaults.places import KINDS, Place

T = TypeVar("T")

# A recovery code is an age identity; typed at the password's prompt it is taken for what it is.
RECOVERY_PREFIX = "AGE-SECRET-KEY-"


@dataclass
class Unlocked:
    """An account whose identity (or whose key, in another program's vault) the keeper holds.

    All work on its files is done by one thread, in order.
    """

    backend: Backend
    verifier: Verifier | None
    worker: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "account"))

    def own(self, missing: str) -> AgeAccount:
        """The account if it is one of Keyturn's own. Raises UnsupportedError, which says that it has no
        `missing`, for one in another program's vault."""
        if isinstance(self.backend, AgeAccount):
            return self.backend
        title = printable(self.backend.title)
        raise UnsupportedError(
            f"the account “{title}” is in another program's vault: it has no {missing}",
            "accounts of Keyturn's own do: keyturn account list",
        )

    async def fetch(self, item_id: str) -> None:
        """Have an item at hand, so that `backend.get` does not wait. Raises as that does, but for an item
        that is not there."""
        if isinstance(self.backend, ForeignAccount):
            with contextlib.suppress(MissingError):
                await self.run(lambda: self.backend.get(item_id))

    def forget_values(self) -> None:
        """Nobody may use the account for now: what is held of another program's vault goes, as soon as what
        is under way there is done."""
        if isinstance(self.backend, ForeignAccount):
            self.worker.submit(self.backend.forget_values)

    async def run(self, work: Callable[[], T]) -> T:
        """Do blocking work on the account off the loop."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, work)


class Accounts:
    """The registry, the unlocked accounts, and the counting of wrong passwords."""

    def __init__(
        self, registry: Registry, machine: Machine, helpers: Helpers, foreign: ForeignVaults, clock: Clock
    ) -> None:
        self.registry = registry
        self.foreign = foreign
        self.passwords = ApprovalPasswords(machine.state / "approval", machine.uid)
        self.machine = machine
        self.helpers = helpers
        self.openers = Openers(machine)
        self.keys = SlotKeys(helpers, machine)
        self._clock = clock
        self._unlocked: dict[str, Unlocked] = {}
        self._attempts: dict[str, Attempts] = {}

    @property
    def any_unlocked(self) -> bool:
        return bool(self._unlocked)

    def unlocked(self, account: str) -> Unlocked | None:
        return self._unlocked.get(account)

    def foreign_unlocked(self) -> list[tuple[str, Unlocked]]:
        """By id the unlocked accounts that are in other programs' vaults."""
        return [
            (account, each)
            for account, each in self._unlocked.items()
            if isinstance(each.backend, ForeignAccount)
        ]

    def choose(self, wanted: str, last: list[str]) -> Entry:
        """The account that is meant: the one named, the last of this terminal, the only one.

        Raises MissingError if there is none, WhichAccountError if it is not clear.
        """
        if wanted:
            return self.registry.find(wanted)
        entries = self.registry.entries()
        if not entries:
            raise MissingError(
                "there is no account yet",
                "create one: keyturn account create",
                "or begin with: keyturn plugin init aws",
            )
        if len(entries) == 1:
            return entries[0]
        for account in last:
            for entry in entries:
                if entry.id == account:
                    return entry
        titles = ", ".join(f"“{entry.title}”" for entry in entries)
        raise WhichAccountError(
            f"there are {len(entries)} accounts: {titles}", "name one: --account or KEYTURN_ACCOUNT"
        )

    async def unlock(self, entry: Entry, secret: Secret) -> Unlocked:
        """Open an account with its password or a recovery code.

        Raises WrongPasswordError, DeniedError while a pause lasts, and what a damaged, rolled back or
        foreign account raises.
        """
        return (await self.unlock_by(entry, secret))[0]

    async def unlock_by(self, entry: Entry, secret: Secret) -> tuple[Unlocked, str]:
        """As `unlock`; also the id of the slot that opened. One that is open already stays as it is."""
        attempts = self._attempts_of(entry.id)
        attempts.check_pause()
        if entry.place is not None:
            return await self._unlock_foreign(entry, entry.place, secret, attempts), ""
        verifying: asyncio.Task[Verifier] | None = None
        if not _is_recovery_code(secret):
            # Beside the derivation in the helper, which takes far longer.
            verifying = asyncio.create_task(asyncio.to_thread(Verifier, secret))
        opening = await self._open(entry, secret)
        try:
            backend = await asyncio.to_thread(opening.account, self.machine)
        except WrongPasswordError:
            attempts.failed()
            raise
        _refuse_another(backend, entry)
        attempts.succeeded()
        verifier = None if verifying is None else await verifying
        # Somebody else may have unlocked it meanwhile: one account is opened once.
        unlocked = self._unlocked.setdefault(entry.id, Unlocked(backend, verifier))
        unlocked.verifier = verifier or unlocked.verifier
        return unlocked, opening.slot_id

    async def _unlock_foreign(
        self, entry: Entry, place: Place, secret: Secret, attempts: Attempts
    ) -> Unlocked:
        if await asyncio.to_thread(self.passwords.matches, entry.id, secret):
            attempts.succeeded()
            return await self._agreed(entry, place, secret)
        try:
            opened = await self.foreign.unlock(place, secret)
        except WrongPasswordError:
            attempts.failed()
            raise
        if isinstance(opened, KeyWanted) or (not opened.typed and self.passwords.exists(entry.id)):
            attempts.failed()
            raise WrongPasswordError(f"this does not open the account “{printable(entry.title)}”")
        if not opened.typed:
            raise WrongPasswordError(
                f"what opens “{printable(entry.title)}” has no password: what is typed proves nothing",
                "agree by the system's authentication: keyturn system-auth --help",
            )
        attempts.succeeded()
        verifier = await asyncio.to_thread(Verifier, secret)
        unlocked = self.adopt_foreign(entry, place, opened)
        unlocked.verifier = verifier
        return unlocked

    async def _agreed(self, entry: Entry, place: Place, secret: Secret) -> Unlocked:
        """By the approval password, which opens nothing: the vault has to open by itself."""
        if entry.id not in self._unlocked:
            opened = await self.foreign.unlock(place, None)
            if isinstance(opened, KeyWanted):
                raise LockedError(f"{KINDS[place.backend].title} wants more: {opened.prompt.rstrip(': ')}")
            self.adopt_foreign(entry, place, opened)
        unlocked = self._unlocked[entry.id]
        unlocked.verifier = await asyncio.to_thread(Verifier, secret)
        return unlocked

    def adopt_foreign(self, entry: Entry, place: Place, opened: Opened) -> Unlocked:
        """Hold an account in another program's vault that has opened."""
        if entry.id not in self._unlocked:
            self._unlocked[entry.id] = Unlocked(self.foreign.account(entry, place, opened.key), None)
        return self._unlocked[entry.id]

    async def unlock_with_key(self, entry: Entry, mark: str, identity: Secret) -> Unlocked:
        """Open an account with the own identity of the slot with this mark.

        Raises KeyUnusableError if the slot does not open with it, and as `unlock`.
        """
        directory = Path(entry.directory)
        opening = await asyncio.to_thread(Opening.with_slot_identity, directory, mark, identity)
        backend = await asyncio.to_thread(opening.account, self.machine)
        _refuse_another(backend, entry)
        return self._unlocked.setdefault(entry.id, Unlocked(backend, None))

    async def _open(self, entry: Entry, secret: Secret) -> Opening:
        directory = Path(entry.directory)
        if _is_recovery_code(secret):
            return await asyncio.to_thread(Opening.with_recovery_code, directory, secret)
        opening = await asyncio.to_thread(Opening.with_password, directory, secret)
        while (task := opening.next_task()) is not None:
            opening.take(await self.helpers.derive(task))
        return opening

    async def verify(self, entry: Entry, secret: Secret) -> None:
        """Check that `secret` opens an account that is open already. Raises WrongPasswordError if not."""
        unlocked = self._unlocked[entry.id]
        attempts = self._attempts_of(entry.id)
        attempts.check_pause()
        if unlocked.verifier is not None and await asyncio.to_thread(unlocked.verifier.matches, secret):
            attempts.succeeded()
            return
        # It was opened by another slot, or another password slot is meant: the slots themselves decide.
        await self.unlock(entry, secret)

    def without_password(self, entry: Entry) -> str:
        """Why nobody can agree by the password of an open account; empty if they can."""
        unlocked = self._unlocked.get(entry.id)
        has_verifier = unlocked is not None and unlocked.verifier is not None
        if entry.place is None or has_verifier or self.passwords.exists(entry.id):
            return ""
        return f"{KINDS[entry.place.backend].title} was opened without one"

    async def trust(self, entry: Entry, secret: Secret, *, confirmed: bool) -> tuple[str | None, str]:
        """The fingerprint pinned here and the one found; pins the latter if confirmed."""
        if entry.place is not None:
            raise UnsupportedError(f"of {entry.where} nothing is pinned on this machine")
        opening = await self._open(entry, secret)
        return await asyncio.to_thread(opening.trust if confirmed else opening.fingerprints, self.machine)

    def adopt(self, account: str, backend: AgeAccount, password: Secret | None) -> Unlocked:
        """Hold an account that was just created."""
        unlocked = Unlocked(backend, Verifier(password) if password is not None else None)
        self._unlocked[account] = unlocked
        return unlocked

    def drop(self, account: str) -> None:
        """Stop using an account. This is not a lock: only the keeper's end forgets for certain."""
        self._unlocked.pop(account, None)

    async def finish(self) -> None:
        """Wait until nobody writes any more."""
        for unlocked in self._unlocked.values():
            await asyncio.to_thread(unlocked.worker.shutdown)

    def _attempts_of(self, account: str) -> Attempts:
        return self._attempts.setdefault(account, Attempts(self._clock))


def _refuse_another(backend: AgeAccount, entry: Entry) -> None:
    if backend.id != entry.id:
        raise MisplacedError(
            f"{entry.directory} holds another account than the one that is listed",
            "if you put it there: keyturn account forget, then keyturn account add DIRECTORY",
        )


def _is_recovery_code(secret: Secret) -> bool:
    return secret.reveal().strip().upper().startswith(RECOVERY_PREFIX)
