"""Accounts in vaults of other programs: how the keeper has helpers open them and work in them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping

from keyturn.agent.registry import Entry
from keyturn.agent.tasks import Helpers
from keyturn.ground.clock import Clock
from keyturn.ground.errors import UnreachableError
from keyturn.ground.secret import Secret
from keyturn.vaults import operations
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.operations import Answer, KeyWanted, Opened, Operation, Task, Unlock
from keyturn.vaults.places import KINDS, Place

# A program that asks its person by a window of its own (1Password, a keyring) waits for them.
UNLOCK_SECONDS = 120.0
# `op` takes a second or two for an item, a slow network some more; so does a database's key derivation.
SECONDS = 45.0


class ForeignVaults:
    """Starts the helpers, one for each operation."""

    def __init__(self, helpers: Helpers, environment: Mapping[str, str], clock: Clock) -> None:
        """`environment` is the agent's own."""
        self._helpers = helpers
        self._environment = environment
        self._clock = clock

    async def unlock(self, place: Place, key: Secret | None) -> Opened | KeyWanted:
        """See whether the vault opens. Raises WrongPasswordError, and what stands in the way otherwise."""
        answer = await self._do(place, key, Unlock(), UNLOCK_SECONDS)
        if not isinstance(answer, Opened | KeyWanted):
            raise UnreachableError(f"{KINDS[place.backend].title} gave an answer that makes no sense")
        return answer

    def account(self, entry: Entry, place: Place, key: Secret | None) -> ForeignAccount:
        """The account, once it has opened with `key`. Its methods wait; call them off the loop."""
        loop, thread = asyncio.get_running_loop(), threading.get_ident()

        def perform(operation: Operation) -> Answer:
            if threading.get_ident() == thread:
                raise RuntimeError("the loop cannot wait for a helper")
            work = self._do(place, key, operation, SECONDS)
            return asyncio.run_coroutine_threadsafe(work, loop).result()

        return ForeignAccount(entry.id, entry.title, place, perform, self._clock.boot)

    async def _do(self, place: Place, key: Secret | None, operation: Operation, seconds: float) -> Answer:
        task = Task(place, operation, key, {**self._environment, **place.environment})
        try:
            async with asyncio.timeout(seconds):
                content = await self._helpers.work("vault", operations.encode_task(task), None)
        except TimeoutError:
            raise UnreachableError(
                f"{KINDS[place.backend].title} gave no answer in {seconds:.0f} seconds",
                "see whether it waits for you, then try again",
            ) from None
        answer = operations.decode_answer(content)
        if isinstance(answer, Failed):
            raise answer.error()
        return answer
