"""Where sign-ins are kept: in the state directory, sealed by the identity of an account that is open.

An account in another program's vault has no identity: there they are sealed for one of this keeper's, and
nothing of them can be read after a lock.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from keyturn.agent.accounts import Accounts
from keyturn.aws.sso_tokens import TokenStore
from keyturn.ground import files
from keyturn.ground.errors import LockedError
from keyturn.ground.paths import Directories
from keyturn.ground.secret import Secret
from keyturn.ground.world import World
from keyturn.vaults.age import identities
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.directory import SEALED_SUFFIX
from keyturn.vaults.age.sealed import KeyRing
from keyturn.vaults.backend import Backend

T = TypeVar("T")


def path_of(directories: Directories, account: str) -> Path:
    return directories.sign_ins / f"{account}{SEALED_SUFFIX}"


def forget(directories: Directories, account: str) -> None:
    """Delete the sign-ins of an account that is not listed any more."""
    path_of(directories, account).unlink(missing_ok=True)


class SealedSignIns:
    """Implements `aws.sso_access.Stores`: without the account's identity nothing of a file is readable."""

    def __init__(self, accounts: Accounts, directories: Directories, world: World) -> None:
        self._accounts = accounts
        self._directories = directories
        self._world = world
        self._stores: dict[str, tuple[Backend, TokenStore]] = {}
        self._own = identities.generate()

    async def do(self, account: str, work: Callable[[TokenStore], T]) -> T:
        unlocked = self._accounts.unlocked(account)
        if unlocked is None:
            raise LockedError("the account is locked, and with it its sign-ins", "unlock it: keyturn signin")
        store = self._store(unlocked.backend)

        def in_place() -> T:
            files.private_directory(self._directories.sign_ins, self._world.uid)
            return work(store)

        return await unlocked.run(in_place)

    def _store(self, backend: Backend) -> TokenStore:
        found = self._stores.get(backend.id)
        # An account that was forgotten and added again is opened anew.
        if found is None or found[0] is not backend:
            path = path_of(self._directories, backend.id)
            made = TokenStore(path, backend.id, _Seal(backend, self._own), self._world.clock.now)
            found = self._stores[backend.id] = (backend, made)
        return found[1]


class _Seal:
    """Implements `aws.sso_tokens.Seal`."""

    def __init__(self, backend: Backend, own: Secret) -> None:
        self._ring = backend.ring if isinstance(backend, AgeAccount) else KeyRing(own)

    def seal(self, content: bytes) -> bytes:
        return identities.seal(content, identities.recipient_of(self._ring.current))

    def unseal(self, content: bytes) -> bytes | None:
        """After a change of identity the former one counts as long as the change is under way."""
        for identity in (self._ring.current, self._ring.previous):
            opened = None if identity is None else identities.unseal(content, identity)
            if opened is not None:
                return opened
        return None
