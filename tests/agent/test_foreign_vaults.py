"""Accounts in other programs' vaults, for the keeper: limits of time, the ways they open, wrong passwords."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from keyturn.agent import foreign_vaults
from keyturn.agent.accounts import Accounts
from keyturn.agent.foreign_unlocking import ByApprovalPassword, ByItself, ByKey
from keyturn.agent.foreign_vaults import ForeignVaults
from keyturn.agent.registry import Entry, Registry
from keyturn.agent.tasks import Helpers
from keyturn.agent.unlocking import ways
from keyturn.auth.protocol import Asking
from keyturn.ground.errors import (
    ConflictError,
    DeniedError,
    LockedError,
    MissingError,
    UnreachableError,
    UnusableError,
    WrongPasswordError,
)
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.vaults import operations
from keyturn.vaults.failed import Failed
from keyturn.vaults.operations import Answer, KeyWanted, Listing, Nothing, Opened, Task, Unlock
from keyturn.vaults.places import Place
from tests.agent.test_unlocking import Asked
from tests.vaults.templates import StoppedClock, make_item, make_machine
from tests.vaults.vault_in_memory import Vault

RIGHT = Secret("right EXAMPLE")
PROMPT = "passphrase of the key: "
ENVIRONMENT = {"HOME": "/home/ada", "GNUPGHOME": "/elsewhere"}
PLACE = Place("pass", "/store", environment={"GNUPGHOME": "/home/ada/.gnupg"})


class Answering(Helpers):
    """Helpers that answer at once, with what `answer` says of a task; None: they hang."""

    def __init__(self, answer: Callable[[Task], Answer | None]) -> None:
        super().__init__({})
        self._answer = answer
        self.tasks: list[Task] = []

    async def work(
        self,
        room: str,
        task: bytes,
        asking: Asking | None,
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        assert (room, asking) == ("vault", None), "nobody is asked"
        found = operations._tasks.decode(task)
        self.tasks.append(found)
        answer = self._answer(found)
        if answer is None:
            await asyncio.sleep(60)
        assert answer is not None
        return operations._answers.encode(answer)

    @property
    def looks(self) -> int:
        """How often it was tried without a key."""
        return len([task for task in self.tasks if isinstance(task.operation, Unlock) and task.key is None])


def protected(task: Task) -> Answer:
    """A vault that opens by what is typed, and by nothing else."""
    if not isinstance(task.operation, Unlock):
        return Nothing()
    if task.key is None:
        return KeyWanted(PROMPT)
    wrong = Failed.of(WrongPasswordError("this does not open it"))
    return Opened(task.key, typed=True) if task.key == RIGHT else wrong


def open_by_itself(task: Task) -> Answer:
    return Opened()


class World:
    """One account in another program's vault, listed and locked."""

    def __init__(self, place: Path, answer: Callable[[Task], Answer | None]) -> None:
        self.clock = StoppedClock()
        self.helpers = Answering(answer)
        self.foreign = ForeignVaults(
            self.helpers, {"HOME": "/home/ada", "GNUPGHOME": "/elsewhere"}, self.clock
        )
        self.entry = Entry(new_id(), "Mine", "", PLACE)
        registry = Registry(place / "accounts.json")
        machine = make_machine(place / "state", self.clock, os.getuid())
        self.accounts = Accounts(registry, machine, self.helpers, self.foreign, self.clock)


def run(
    place: Path, answer: Callable[[Task], Answer | None], test: Callable[[World], Awaitable[None]]
) -> None:
    async def work() -> None:
        await test(World(place, answer))

    asyncio.run(work())


def test_a_program_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        monkeypatch.setattr(foreign_vaults, "UNLOCK_SECONDS", 0.1)
        with pytest.raises(UnreachableError, match="pass gave no answer"):
            await world.foreign.unlock(PLACE, None)
        monkeypatch.setattr(foreign_vaults, "UNLOCK_SECONDS", 60.0)
        monkeypatch.setattr(foreign_vaults, "SECONDS", 0.1)
        account = world.foreign.account(world.entry, PLACE, None)
        with pytest.raises(UnreachableError, match="pass gave no answer"):
            await asyncio.to_thread(account.vaults)

    run(tmp_path, lambda task: None, test)


def test_what_a_helper_says_is_looked_at(tmp_path: Path) -> None:
    answers: list[Answer] = [Nothing(), Failed.of(ConflictError("taken", "try again")), Listing([], [])]

    async def test(world: World) -> None:
        with pytest.raises(UnreachableError, match="makes no sense"):
            await world.foreign.unlock(PLACE, None)
        account = world.foreign.account(world.entry, PLACE, RIGHT)
        with pytest.raises(ConflictError) as caught:
            await asyncio.to_thread(account.vaults)
        assert caught.value.hints == ("try again",)
        assert await asyncio.to_thread(account.vaults) == []
        task = world.helpers.tasks[-1]
        assert task.key == RIGHT
        assert task.environment == {"HOME": "/home/ada", "GNUPGHOME": "/home/ada/.gnupg"}, "the person's"
        with pytest.raises(RuntimeError, match="the loop cannot wait"):
            account.read_back(new_id())

    run(tmp_path, lambda task: answers.pop(0), test)


def test_what_wants_a_key_is_asked_for_once_and_by_its_own_words(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        itself, agreed, typed = ways(world.accounts, world.entry)
        assert (type(itself), type(agreed), type(typed)) == (ByItself, ByApprovalPassword, ByKey)
        assert (itself.needs_approval, agreed.needs_approval, typed.needs_approval) == (True, False, False)
        for way in (itself, agreed):
            with pytest.raises(UnusableError):
                await way.look()
        with pytest.raises(UnusableError):
            await itself.open(Asked())
        assert agreed.unavailable() == "there is none"
        world.accounts.passwords.keep(world.entry.id, Secret("agreed"))
        assert agreed.unavailable() == ""
        await typed.look()
        with pytest.raises(DeniedError, match="3 times") as caught:
            await typed.open(Asked("wrong", "wrong", "wrong"))
        assert "recovery" not in "".join(caught.value.hints), "such a vault has no recovery code"
        world.clock.seconds += 60
        asked = Asked("wrong", RIGHT.reveal())
        opened = await typed.open(asked)
        assert [prompt for prompt, _ in asked.person.asked] == [PROMPT, PROMPT]
        assert world.helpers.looks == 1, "each look may open a window of that program's"
        assert opened.verifier is not None

    run(tmp_path, protected, test)


def test_what_opens_by_itself_asks_for_nothing_typed(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        itself, _, typed = ways(world.accounts, world.entry)
        with pytest.raises(UnusableError):
            await typed.look()
        await itself.look()
        opened = await itself.open(Asked())
        assert opened.verifier is None
        assert world.helpers.looks == 1

    run(tmp_path, open_by_itself, test)


def test_what_was_typed_proves_nothing_where_it_did_not_open(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        with pytest.raises(WrongPasswordError, match="proves nothing"):
            await world.accounts.unlock(world.entry, Secret("anything"))
        assert world.accounts.unlocked(world.entry.id) is None
        world.accounts.passwords.keep(world.entry.id, RIGHT)
        for _ in range(3):
            with pytest.raises(WrongPasswordError, match="does not open"):
                await world.accounts.unlock(world.entry, Secret("anything"))
        with pytest.raises(DeniedError, match="too many"):
            await world.accounts.unlock(world.entry, RIGHT)
        world.clock.seconds += 60
        assert (await world.accounts.unlock(world.entry, RIGHT)).verifier is not None

    run(tmp_path, open_by_itself, test)


def test_wrong_keys_are_counted(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        for _ in range(3):
            with pytest.raises(WrongPasswordError, match="this does not open it"):
                await world.accounts.unlock(world.entry, Secret("wrong"))
        with pytest.raises(DeniedError, match="too many"):
            await world.accounts.unlock(world.entry, RIGHT)

    run(tmp_path, protected, test)


def test_agreeing_opens_nothing_that_wants_more(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        world.accounts.passwords.keep(world.entry.id, Secret("agreed EXAMPLE"))
        with pytest.raises(LockedError, match="passphrase of the key"):
            await world.accounts.unlock(world.entry, Secret("agreed EXAMPLE"))
        assert world.accounts.unlocked(world.entry.id) is None

    run(tmp_path, protected, test)


def test_values_go_when_nobody_may_use_them(tmp_path: Path) -> None:
    vault = Vault()
    item = make_item()
    vault.put(item)

    async def test(world: World) -> None:
        unlocked = world.accounts.adopt_foreign(world.entry, PLACE, Opened())
        await unlocked.fetch(new_id())
        vault.asked.clear()
        for _ in range(2):
            await unlocked.fetch(item.id)
        assert vault.asked == ["GetItem"]
        unlocked.forget_values()
        await unlocked.fetch(item.id)
        assert vault.asked == ["GetItem", "GetItem"]

    def answer(task: Task) -> Answer:
        try:
            return vault.perform(task.operation)
        except KeyError:
            return Failed.of(MissingError("gone"))

    run(tmp_path, answer, test)
