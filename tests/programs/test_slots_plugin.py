"""Slots of age plugins, end to end: a plugin that waits for a touch, and every way in which one can fail."""

import json
import os
import time
from pathlib import Path

import pytest

from keyturn.ground.errors import Status
from tests.programs.user import Result, Terminal, User
from tests.vaults.age_plugin import NAME, Device
from tests.vaults.templates import PASSWORD, make_item

PROGRAM = f"age-plugin-{NAME}"
ASKED = "password of account “Test”: "


@pytest.fixture
def device(user: User) -> Device:
    """A key whose plugin is on the user's PATH."""
    found = Device.make(user.home / "device")
    user.path.insert(0, str(found.program.parent))
    return found


@pytest.fixture
def slot(user: User, device: Device) -> Device:
    """The device as the slot “key” of the user's account, which is locked."""
    user.account(make_item())
    add(user, device).succeeds()
    user.keyturn("lock").succeeds()
    return device


def add(user: User, device: Device) -> Result:
    words = ("account", "slot", "add", "plugin", "--identity", device.identity_file(), "--touch")
    return user.keyturn(*words, "--title", "key", "--password-file", user.password_file())


def rows(user: User) -> dict[str, dict[str, str]]:
    listed = user.keyturn(
        "account", "slot", "list", "--format", "json", "--password-file", user.password_file()
    ).succeeds()
    return {slot["title"]: slot for slot in json.loads(listed.output)["slots"]}


def begin(user: User) -> Terminal:
    terminal = user.terminal()
    terminal.type("keyturn item list")
    return terminal


def until_gone(process: int) -> None:
    deadline = time.monotonic() + 10
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline, "the plugin is still there"
        time.sleep(0.05)


def opens_with_password(terminal: Terminal) -> None:
    terminal.answer(ASKED, PASSWORD)
    assert "AWS EXAMPLE" in terminal.ready()


class TestTouch:
    def test_the_agent_serves_others_while_the_plugin_waits(self, user: User, slot: Device) -> None:
        slot.behave("touch")
        user.variables["AWS_SECRET_ACCESS_KEY"] = "planted EXAMPLE"
        terminal = begin(user)
        terminal.expect(f"{PROGRAM}: touch the key")
        assert "\x1b[2J" not in str(terminal.child.after), "the plugin's words are not the terminal's"
        slot.wait_until_waiting()
        assert "Test" in user.keyturn("account", "list").succeeds().output
        slot.touch()
        assert "AWS EXAMPLE" in terminal.ready()
        assert not any("touch" in line for line in terminal.screen()), "the request is erased"
        seen = slot.environment_seen()
        own = {name for name in seen if name.startswith("KEYTURN_") and name.endswith("_DIR")}
        assert set(seen) - own <= {"HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PATH"}
        first, *system = seen["PATH"].split(":")
        assert system == ["/usr/bin", "/bin"]
        assert os.listdir(first) == [PROGRAM]

    def test_ctrl_c_ends_a_plugin_that_hangs_and_enter_leaves_it(self, user: User, slot: Device) -> None:
        slot.behave("hang")
        terminal = begin(user)
        first = slot.wait_until_waiting()
        terminal.press("c")
        terminal.ready()
        assert terminal.status() == Status.INTERRUPTED
        until_gone(first)
        (slot.directory / "waiting").unlink()
        terminal.type("keyturn item list")
        second = slot.wait_until_waiting()
        terminal.expect("another way")
        terminal.type("")
        opens_with_password(terminal)
        until_gone(second)


class TestRefusals:
    def test_a_plugin_that_fails_leaves_the_password(self, user: User, slot: Device) -> None:
        for mode in ("no", "die", "garbage"):
            slot.behave(mode)
            opens_with_password(begin(user))
            user.keyturn("lock").succeeds()

    def test_what_is_not_run(self, user: User, slot: Device) -> None:
        """Neither a plugin that others could exchange, nor one that was exchanged."""
        slot.behave("touch")
        slot.program.parent.chmod(0o777)
        opens_with_password(begin(user))
        assert "can be changed by other users" in rows(user)["key"]["note"]
        user.keyturn("lock").succeeds()
        slot.program.parent.chmod(0o755)
        ran = user.home / "ran"
        replaced = slot.program.with_name("new")
        replaced.write_text(f"#!/bin/sh\ntouch {ran}\n")
        replaced.chmod(0o755)
        replaced.rename(slot.program)
        opens_with_password(begin(user))
        assert not ran.exists()
        use = user.keyturn("account", "slot", "use", "key")
        assert use.status == Status.DENIED, "the new one was looked at, and run: it speaks no protocol"
        assert ran.exists()

    def test_no_slot_for_what_does_not_open(self, user: User, device: Device) -> None:
        user.account(make_item())
        device.behave("no")
        assert "the device says no" in add(user, device).errors
        device.program.chmod(0o777)
        add(user, device).fails(Status.DENIED, "can be changed by other users")
        device.program.chmod(0o755)
        unsaid = user.keyturn(
            *("account", "slot", "add", "plugin", "--identity", device.identity_file()),
            *("--password-file", user.password_file()),
        )
        assert unsaid.status == Status.USAGE
        assert "it is not known whether the plugin wants a touch" in unsaid.errors
        assert list(rows(user)) == ["password"]


class TestSlot:
    def test_shown_changed_and_removed(self, user: User, device: Device) -> None:
        user.account(make_item())
        done = add(user, device).succeeds()
        assert f"the plugin is {device.program} (" in done.errors
        assert "-rwxr-xr-x)" in done.errors
        assert rows(user)["key"]["note"] == PROGRAM
        assert "has a slot “key” already" in add(user, device).errors
        [kept] = (user.state / "openers").glob("*.json")
        assert kept.stat().st_mode & 0o777 == 0o600
        (user.home / "new").write_text("another EXAMPLE")
        file = ("--password-file", user.password_file())
        change = ("account", "password", "change", "--new-password-file", "new")
        user.keyturn(*change, *file).succeeds()
        user.keyturn("lock").succeeds()
        terminal = begin(user)
        assert "AWS EXAMPLE" in terminal.ready(), "the key opens what has a new identity"
        device.behave("die")
        printed, _ = terminal.run("keyturn account slot remove key")
        assert "AWS EXAMPLE (Private)" in printed, "and goes without being asked for"
        assert device.identity not in kept.read_text()
        device.behave("silent")
        user.keyturn("lock").succeeds()
        terminal.type("keyturn item list")
        terminal.answer(ASKED, "another EXAMPLE")
        assert "AWS EXAMPLE" in terminal.ready()

    def test_of_another_machine_and_after_an_update(self, user: User, device: Device) -> None:
        """Added by its recipient alone: whoever has the key opens it, where it was made known."""
        user.account(make_item())
        user.keyturn(
            *("account", "slot", "add", "plugin", "--recipient", device.recipient),
            *("--title", "key", "--password-file", user.password_file()),
        ).succeeds()
        assert rows(user)["key"]["note"] == "its key is not known on this machine"
        user.keyturn("lock").succeeds()
        slot_use = ("account", "slot", "use", "key")
        user.keyturn(*slot_use).fails(Status.USAGE, "the plugin's identity is missing")
        given = ("--identity", device.identity_file(), "--touch")
        device.behave("no")
        assert "the device says no" in user.keyturn(*slot_use, *given).errors
        device.behave("silent")
        user.keyturn(*slot_use, *given).succeeds()
        assert "AWS EXAMPLE" in begin(user).ready()
        user.keyturn("lock").succeeds()
        device.program.write_text(device.program.read_text() + "# updated\n")
        opens_with_password(begin(user))
        user.keyturn(*slot_use).succeeds()
        user.keyturn("lock").succeeds()
        assert "AWS EXAMPLE" in begin(user).ready()
