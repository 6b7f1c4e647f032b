"""With a fingerprint or PAM set up, no password of the account is asked after a screen lock."""

import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from keyturn.auth import pam
from tests.agent.login import PATH, LogindStandIn
from tests.auth.fingerprint import ENROLLED, Reader, with_reader
from tests.auth.machine import PASSWORD, UNIX, USER, wait_until
from tests.programs.test_desktop_logind import Bus
from tests.programs.user import Terminal, User
from tests.vaults.templates import PASSWORD as ACCOUNTS
from tests.vaults.templates import make_item

SESSION = f"{PATH}/session/_31"
QUESTION = "password of account “Test”: "


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with with_reader() as found:
        yield found


@pytest.fixture
def terminal(reader: Reader) -> Iterator[Terminal]:
    """A terminal whose approval has just ended with the screen lock; the account is unlocked."""
    machine = reader.machine
    with User() as user:
        user.account(make_item())
        user.keyturn("agent", "stop").succeeds()
        machine.adopt(user)
        uid = int(machine.run("id", "-u", USER))
        with closing(LogindStandIn(Bus(machine), {SESSION: uid})) as login:
            found = user.terminal()
            # The first time the account itself is opened: that needs its password, or a key's slot.
            found.type("keyturn signin")
            found.answer(QUESTION, ACCOUNTS)
            found.ready()
            wait_until(lambda: login.is_delayed)
            login.hint(SESSION, is_locked=True)
            wait_until(lambda: not approvals(user))
            yield found


def approvals(user: User) -> list[object]:
    shown = user.keyturn("status", "--format", "json").succeeds().output
    found: list[object] = json.loads(shown)["status"]["approvals"]
    return found


def test_a_finger_is_enough(reader: Reader, terminal: Terminal) -> None:
    terminal.type("keyturn item list")
    terminal.expect("finger")
    reader.touch(ENROLLED)
    assert "AWS EXAMPLE" in terminal.ready()
    assert QUESTION not in "".join(terminal.screen())
    assert terminal.run("keyturn item list")[1] == 0


def test_pams_answer_is_enough(reader: Reader, terminal: Terminal) -> None:
    reader.machine.write(str(pam.FILE), UNIX)
    try:
        terminal.run('keyturn settings set authentication.order \'["pam", "password"]\'')
        terminal.type("keyturn item list")
        terminal.answer("login password of ", PASSWORD)
        assert "AWS EXAMPLE" in terminal.ready()
        assert QUESTION not in "".join(terminal.screen())
    finally:
        reader.machine.path(str(pam.FILE)).unlink()
