"""What a real polkit does not show of our text agent: strangers' calls, odd helpers, odd lines."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from jeepney import DBusAddress, HeaderFields, Message, new_method_call

from keyturn.auth import polkit_agent, system_bus
from keyturn.auth.polkit_agent import Agent, decode, find_helper
from keyturn.auth.polkit_authority import ACTION, CANCELLED, FAILED
from keyturn.auth.prompts import named
from keyturn.auth.system_bus import NoBusError
from keyturn.ground.errors import UnusableError
from tests.auth.person import Scripted

POLKIT, STRANGER = ":1.5", ":1.9"
OWN = [("unix-user", {"uid": ("u", os.getuid())})]


class Recorder(system_bus.Bus):
    """A bus that keeps what is answered."""

    def __init__(self) -> None:
        self.answers: list[str] = []

    async def answer(self, call: Any, error: str = "") -> None:
        self.answers.append(error)


def call(sender: str, member: str, *body: Any) -> Message:
    address = DBusAddress(polkit_agent.PATH, bus_name=":1.7", interface=polkit_agent.INTERFACE)
    message = new_method_call(address, member, "s", body)
    message.header.fields[HeaderFields.sender] = sender
    return message


def begin(sender: str = POLKIT, action: str = ACTION, identities: Any = OWN) -> Message:
    return call(sender, "BeginAuthentication", action, "message", "icon", {}, "cookie", identities)


def served(*calls: Message, seconds: float = 0.3) -> tuple[Agent, list[str]]:
    """An agent that was given these calls, and what it answered, its end included."""

    async def run() -> tuple[Agent, list[str]]:
        bus = Recorder()
        agent = Agent(bus, POLKIT, Scripted([]))
        queue: asyncio.Queue[Any] = asyncio.Queue()
        for each in calls:
            queue.put_nowait(each)
        task = asyncio.create_task(agent.serve(queue))
        await asyncio.sleep(seconds)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return agent, bus.answers

    return asyncio.run(run())


@pytest.fixture
def slow_helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A helper that leaves a trace and then says nothing."""
    helper = tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\necho $1 >{tmp_path}/trace\nexec sleep 20\n")
    helper.chmod(0o4755)
    monkeypatch.setattr(polkit_agent, "find_helper", lambda: str(helper))
    return tmp_path / "trace"


def test_only_polkit_is_answered_and_only_our_action(slow_helper: Path) -> None:
    for stranger in (begin(STRANGER), begin(action="org.example.other"), call(POLKIT, "Introspect")):
        assert served(stranger)[1] == [FAILED]
        assert not slow_helper.exists()
    served(begin())
    assert slow_helper.exists()


def test_polkit_can_take_it_back(slow_helper: Path) -> None:
    assert served(begin(), call(POLKIT, "CancelAuthentication", "other"))[1] == ["", CANCELLED]
    assert sorted(served(begin(), call(POLKIT, "CancelAuthentication", "cookie"))[1]) == ["", CANCELLED]


def test_without_a_helper_it_is_unusable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polkit_agent, "find_helper", lambda: "")
    agent, answers = served(begin())
    assert (type(agent.problem), answers) == (UnusableError, [FAILED])


def test_nobody_to_ask_is_unusable(slow_helper: Path) -> None:
    for identities in (
        [],
        [("unix-user", {"uid": ("u", 4_000_000_000)})],
        [("unix-group", {"gid": ("u", 0)})],
    ):
        agent, answers = served(begin(identities=identities))
        assert (type(agent.problem), answers) == (UnusableError, [FAILED])


def test_a_helper_that_cannot_be_run_is_unusable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polkit_agent, "find_helper", lambda: str(tmp_path / "gone"))
    agent, answers = served(begin())
    assert (type(agent.problem), answers) == (UnusableError, [FAILED])


def test_which_helper_is_taken(tmp_path: Path) -> None:
    helper, link = tmp_path / "helper", tmp_path / "link"
    places, owner = [str(tmp_path / "none"), str(helper)], os.getuid()
    helper.write_text("")
    link.symlink_to(helper)
    for mode, is_taken in [(0o755, False), (0o4775, False), (0o4757, False), (0o4755, True)]:
        helper.chmod(mode)
        assert (find_helper(places, owner) == str(helper)) is is_taken, oct(mode)
    assert find_helper(places, owner + 1) == ""
    assert find_helper([str(link)], owner) == ""


@pytest.mark.parametrize(
    ("line", "kind", "text"),
    [
        (b"PAM_PROMPT_ECHO_OFF Password: \n", "PAM_PROMPT_ECHO_OFF", "Password: "),
        (b'PAM_TEXT_INFO caf\\303\\251 \\"a\\\\b\\" \\n\\t\n', "PAM_TEXT_INFO", 'café "a\\b" \n\t'),
        (b"SUCCESS\n", "SUCCESS", ""),
        (b"PAM_ERROR_MSG \\377\\\n", "PAM_ERROR_MSG", "\ufffd\\"),
        (b"", "", ""),
    ],
)
def test_lines_of_the_helper(line: bytes, kind: str, text: str) -> None:
    assert decode(line) == (kind, text)


def test_a_bare_password_prompt_says_which() -> None:
    assert named("Password: ", "ada") == "login password of ada: "
    assert named("Verification code: ", "ada") == "Verification code: "


def connect(path: Path, owner: int) -> None:
    async def run() -> None:
        async with system_bus.connect(str(path), owner, seconds=0.1):
            pass

    asyncio.run(run())


def test_a_bus_has_to_be_there_and_roots(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    with pytest.raises(NoBusError):
        connect(path, os.getuid())
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        server.setblocking(False)
        with pytest.raises(NoBusError):
            connect(path, os.getuid() + 1)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_a_bus_that_says_nothing_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "bus"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(NoBusError):
            connect(path, os.getuid())
