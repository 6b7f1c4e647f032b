"""The ways to open an account: their order, what they ask for, and that a touch can be asked for again."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from keyturn.agent.accounts import Accounts
from keyturn.agent.foreign_vaults import ForeignVaults
from keyturn.agent.registry import Entry, Registry
from keyturn.agent.tasks import Helpers
from keyturn.agent.unlocking import TouchAgain, ways
from keyturn.agent.way import Way
from keyturn.auth.protocol import Asking
from keyturn.ground.errors import DeniedError, UnusableError
from keyturn.ground.secret import Secret
from keyturn.processes.facts import Process
from keyturn.vaults.age import identities, plugin_file, slots, ssh
from keyturn.vaults.age.openers import KeyringOpener, Opener, PluginOpener, SshOpener
from keyturn.vaults.age.slots import Kind
from tests.vaults.age_plugin import NAME, Device
from tests.vaults.people import Person
from tests.vaults.ssh_keys import PASSPHRASE, make_key
from tests.vaults.templates import Made, make_account

T = TypeVar("T")


class Asked:
    """Implements `Asking` for a person whose answers are there beforehand."""

    prompter: Process | None = None

    def __init__(self, *answers: str) -> None:
        self.person = Person(*answers)

    async def secret(self, prompt: str, warning: str = "") -> Secret:
        return self.person.secret(prompt, warning)

    async def text(self, prompt: str, warning: str = "") -> str:
        return self.person.text(prompt, warning)

    async def show(self, *lines: str) -> None:
        self.person.shown += lines

    async def unless_other_way(self, work: Coroutine[object, object, T]) -> T:
        return await work


class World:
    """A listed account, locked, and the slots that a test adds to it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.made: Made = make_account(place / "account", place / "state", recovery=True)
        self.entry = Entry(self.made.account.id, "Test", str(place / "account"))
        registry = Registry(place / "accounts.json")
        registry.add(self.entry)
        helpers = Helpers({"PATH": os.environ["PATH"], "HOME": str(place)})
        clock = self.made.machine.clock
        foreign = ForeignVaults(helpers, {}, clock)
        self.accounts = Accounts(registry, self.made.machine, helpers, foreign, clock)

    def keep(self, key: slots.SlotKey, opener: Opener | None) -> None:
        state = self.made.account.add_slot(key)
        if opener is not None:
            mark = slots.mark_of(state.kind, state.title, state.created, key.block)
            self.accounts.openers.keep(self.entry.id, mark, opener)

    async def add_ssh(self, title: str, passphrase: str, *, known: bool = True) -> Path:
        path = make_key(self.place / title, passphrase=passphrase)
        wrapped = await self.accounts.keys.wrap_for_ssh(ssh.look_at(str(path)).public)
        opener = SshOpener(str(path), unprotected=not passphrase) if known else None
        self.keep(slots.locked_key(Kind.SSH, wrapped, title), opener)
        return path

    async def add_plugin(self, title: str, *, silent: bool) -> Device:
        device = Device.make(self.place / title)
        found = plugin_file.look_at(str(device.program), os.getuid())
        identity = Secret(device.identity)
        wrapped = await self.accounts.keys.wrap_for_plugin(found, NAME, "", identity, Asked())
        opener = PluginOpener(NAME, found.path, found.digest, identity, silent)
        self.keep(slots.locked_key(Kind.PLUGIN, wrapped, title), opener)
        return device

    def add_keyring(self) -> None:
        key = slots.identity_key(Kind.KEYRING, identities.generate(), "login keyring")
        self.keep(key, KeyringOpener("unix:path=/nowhere/bus", "a" * 26))

    def ways(self) -> list[Way]:
        return ways(self.accounts, self.entry)

    def way(self, title: str) -> Way:
        return next(way for way in self.ways() if f"“{title}”" in way.name)


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Callable[[World], Awaitable[None]]], None]:
    def run(test: Callable[[World], Awaitable[None]]) -> None:
        async def whole() -> None:
            await test(World(tmp_path))

        asyncio.run(whole())

    return run


Run = Callable[[Callable[[World], Awaitable[None]]], None]


def test_what_opens_by_itself_is_first_and_wants_an_approval(run: Run) -> None:
    async def test(world: World) -> None:
        await world.add_ssh("protected", PASSPHRASE)
        await world.add_ssh("elsewhere", PASSPHRASE, known=False)
        await world.add_plugin("touched", silent=False)
        await world.add_plugin("another", silent=False)
        await world.add_ssh("bare", "")
        await world.add_plugin("silent", silent=True)
        world.add_keyring()
        found = [(way.name.split(",")[0].strip("“”"), way.needs_approval) for way in world.ways()]
        assert found == [
            ("login keyring", True),
            ("silent", True),
            ("bare", True),
            ("another", False),
            ("touched", False),
            ("protected", False),
            ("elsewhere", True),
            ("password", False),
        ]
        reasons = [way.unavailable() for way in world.ways()]
        assert [bool(reason) for reason in reasons] == [True, *[False] * 5, True, False]
        assert "session bus" in reasons[0]
        assert "not known on this machine" in reasons[6]

    run(test)


def test_each_way_opens(run: Run) -> None:
    async def test(world: World) -> None:
        await world.add_ssh("bare", "")
        await world.add_plugin("touched", silent=False)
        for title, asked in (("bare", Asked()), ("touched", Asked())):
            opened = await world.way(title).open(asked)
            assert opened.backend.items() == []
            assert opened.verifier is None, "the password is not known to the agent"
            assert world.accounts.unlocked(world.entry.id) is opened
            world.accounts.drop(world.entry.id)
        password = world.ways()[-1]
        asked = Asked(world.made.password.reveal())
        assert (await password.open(asked)).verifier is not None
        assert asked.person.asked == [("password of account “Test”: ", "")]

    run(test)


def test_a_key_that_has_lost_its_passphrase_is_not_used(run: Run) -> None:
    async def test(world: World) -> None:
        path = await world.add_ssh("laptop", PASSPHRASE)
        path.unlink()
        assert "no such file" in world.way("laptop").unavailable()
        make_key(path, passphrase="")
        assert "has no passphrase" in world.way("laptop").unavailable()
        with pytest.raises(UnusableError, match="has no passphrase"):
            await world.way("laptop").open(Asked())

    run(test)


def test_what_fails_leaves_the_next_way(run: Run) -> None:
    async def test(world: World) -> None:
        device = await world.add_plugin("key", silent=False)
        device.behave("die")
        with pytest.raises(UnusableError, match="unexpectedly died"):
            await world.way("key").open(Asked())
        device.behave("silent")
        device.program.write_text(device.program.read_text() + "#")
        with pytest.raises(UnusableError, match="is another file than when it was looked at"):
            await world.way("key").open(Asked())
        device.program.unlink()
        assert "no such file" in world.way("key").unavailable()
        assert world.accounts.unlocked(world.entry.id) is None

    run(test)


def test_an_account_that_cannot_be_read_has_the_password(run: Run) -> None:
    async def test(world: World) -> None:
        for path in (world.place / "account/slots").iterdir():
            path.unlink()
        [way] = world.ways()
        assert (way.name, way.unavailable()) == ("password", "")

    run(test)


def test_no_password_where_there_is_none(run: Run) -> None:
    async def test(world: World) -> None:
        await world.add_ssh("laptop", PASSPHRASE)
        assert world.ways()[-1].unavailable() == ""
        for path in (world.place / "account/slots").iterdir():
            if b"kind: ssh" not in path.read_bytes():
                path.unlink()
        assert world.ways()[-1].unavailable() == "the account has no password and no recovery code"

    run(test)


def test_damaged_openers_leave_the_password(run: Run) -> None:
    async def test(world: World) -> None:
        await world.add_ssh("laptop", PASSPHRASE)
        [path] = (world.place / "state/openers").glob("*.json")
        path.write_bytes(path.read_bytes() + b" ")
        way, password = world.ways()
        assert "not known on this machine" in way.unavailable()
        assert password.name == "password"

    run(test)


def test_a_cancelled_way_ends_its_plugin(run: Run) -> None:
    async def test(world: World) -> None:
        device = await world.add_plugin("key", silent=False)
        device.behave("hang")
        opening = asyncio.create_task(world.way("key").open(Asked()))
        process = await asyncio.to_thread(device.wait_until_waiting)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        for _ in range(200):
            try:
                os.kill(process, 0)
            except ProcessLookupError:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("the plugin is still there")

    run(test)


class TestTouchAgain:
    def test_a_touch_is_a_yes_and_nothing_else_is(self, run: Run) -> None:
        async def test(world: World) -> None:
            device = await world.add_plugin("key", silent=False)
            again = TouchAgain(world.accounts, world.entry)
            assert await again.unavailable() == "the account is locked"
            await world.way("key").open(Asked())
            assert await again.unavailable() == ""
            device.behave("touch")
            asked: Asking = Asked()
            agreeing = asyncio.create_task(again.approve(asked))
            await asyncio.to_thread(device.wait_until_waiting)
            assert not agreeing.done()
            device.touch()
            await agreeing
            device.behave("no")
            with pytest.raises(UnusableError, match="the device says no"):
                await again.approve(Asked())
            (device.directory / "secret").write_bytes(bytes(32))
            device.behave("silent")
            with pytest.raises(UnusableError, match="has not the key of the slot"):
                await again.approve(Asked())
            device.program.unlink()
            assert "no such file" in await again.unavailable()

        run(test)

    def test_what_opens_by_itself_proves_nobody(self, run: Run) -> None:
        async def test(world: World) -> None:
            await world.add_plugin("key", silent=True)
            await world.way("key").open(Asked())
            again = TouchAgain(world.accounts, world.entry)
            assert "wants a touch" in await again.unavailable()
            with pytest.raises(UnusableError):
                await again.approve(Asked())

        run(test)

    def test_a_key_that_opens_something_else(self, run: Run) -> None:
        """Whoever exchanges what is asked for gets no yes: the account's own list says what must come out."""

        async def test(world: World) -> None:
            await world.add_plugin("key", silent=False)
            await world.way("key").open(Asked())

            async def other(*arguments: object) -> Secret:
                return identities.generate()

            world.accounts.keys.open = other  # type: ignore[method-assign,assignment]  # a helper made to lie
            with pytest.raises(DeniedError, match="something else"):
                await TouchAgain(world.accounts, world.entry).approve(Asked())

        run(test)
