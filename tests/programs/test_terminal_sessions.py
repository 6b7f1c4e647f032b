"""Terminal sessions as the kernel makes them: sub-shells, tmux, setsid, nohup, script, cron, namespaces."""

import re
import subprocess
import time
from collections.abc import Iterator

import pytest

from keyturn.ground.errors import Status
from tests.parts import needs
from tests.programs.user import BIN, Terminal, User
from tests.vaults.age_plugin import Device
from tests.vaults.templates import PASSWORD, make_item

QUESTION = "password of account “Test”: "
LIST = f"{BIN}/keyturn item list"


@pytest.fixture(scope="module")
def keeper() -> Iterator[User]:
    with User() as user:
        user.account(make_item())
        user.password_file()
        yield user


@pytest.fixture
def approved(keeper: User) -> Terminal:
    """A terminal that has just been approved; no other is, and no grant holds."""
    keeper.keyturn("lock").succeeds()
    terminal = keeper.terminal()
    terminal.type("keyturn signin")
    terminal.answer(QUESTION, PASSWORD)
    terminal.ready()
    return terminal


@pytest.mark.parametrize(
    "command",
    [
        "sh -c '{}; true'",
        "(({}))",
        "setsid -w {}",
        "nohup {} 2>/dev/null",
        "sh -c 'setsid -w {}; true' </dev/null",
        "env -i PATH=$PATH HOME=$HOME XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR {}",
        "bash -ic '{}'",
        "true | {} | cat",
    ],
)
def test_who_comes_under_the_terminals_approval(keeper: User, approved: Terminal, command: str) -> None:
    line = command.format(LIST) if "((" not in command else f"({LIST})"
    printed, status = approved.run(f"{line} > listed; cat listed")
    assert "AWS EXAMPLE" in printed, printed
    assert status == 0


@pytest.mark.parametrize(
    "command",
    [
        "setsid -w setsid -w {}",  # two sessions away: a daemon's way
        "(setsid sh -c 'sleep 0.5; {} >>listed 2>&1' &); sleep 2",  # its parent is gone
        "unshare --user --map-root-user --pid --fork {}",
    ],
)
def test_who_does_not(keeper: User, approved: Terminal, command: str) -> None:
    if "unshare" in command:
        needs("unshare")
    approved.run("rm -f listed")
    line = command.format(LIST)
    approved.run(f"{line} >>listed 2>&1")
    printed, _ = approved.run("cat listed")
    assert "AWS EXAMPLE" not in printed
    assert "keyturn: this needs an approval and there is no terminal to ask on" in printed, printed


def test_an_inherited_use_does_not_renew_the_approval(keeper: User, approved: Terminal) -> None:
    time.sleep(2.1)
    approved.run(f"setsid -w {LIST}")
    left = left_in(keeper)
    assert left <= 598, "the setsid'ed use left it alone"
    approved.run(LIST)
    assert left_in(keeper) >= 599


def left_in(user: User) -> int:
    printed = user.keyturn("status", "--format", "json").succeeds().output
    found = re.search(r'"seconds_left": (\d+)', printed)
    assert found is not None
    return int(found[1])


def test_inheritance_can_be_turned_off(keeper: User, approved: Terminal) -> None:
    keeper.keyturn("settings", "set", "approval.inherit", "false").succeeds()
    try:
        printed, status = approved.run(f"setsid -w {LIST}")
        assert (status, "needs an approval" in printed) == (Status.LOCKED, True)
        assert approved.run(LIST)[1] == 0
    finally:
        keeper.keyturn("settings", "unset", "approval.inherit").succeeds()


def test_without_a_terminal_it_fails_in_under_a_second(keeper: User, approved: Terminal) -> None:
    began = time.monotonic()
    keeper.sh(LIST).fails(Status.LOCKED, "needs an approval")
    keeper.keyturn("lock").succeeds()
    keeper.sh(LIST).fails(Status.LOCKED, "the account is locked")
    assert time.monotonic() - began < 10, "nothing hangs"


def test_another_pseudo_terminal_asks_for_itself(keeper: User, approved: Terminal) -> None:
    """`script` opens a terminal of its own: what runs in it is as in another window."""
    needs("script")
    approved.type(f"script -qec '{LIST}' /dev/null")
    approved.answer(QUESTION, PASSWORD)
    assert "AWS EXAMPLE" in approved.ready()
    assert approved.run(LIST)[1] == 0


def test_two_panes_of_tmux_are_two_terminals(keeper: User, approved: Terminal) -> None:
    tmux = [needs("tmux"), "-f", "/dev/null", "-S", str(keeper.runtime / "tmux")]

    def run(*words: str) -> str:
        return keeper.run(*tmux, *words).succeeds().output

    def shows(pane: str, text: str) -> None:
        deadline = time.monotonic() + 20
        while text not in (screen := run("capture-pane", "-p", "-t", pane)):
            assert time.monotonic() < deadline, screen
            time.sleep(0.1)

    shell = "env PS1='ready> ' bash --norc --noprofile"
    run("new-session", "-d", "-x", "100", "-y", "50", "-s", "work", shell)
    try:
        run("split-window", "-t", "work", shell)
        for pane in ("work:0.0", "work:0.1"):
            shows(pane, "ready>")
            run("send-keys", "-t", pane, LIST, "Enter")
            shows(pane, "password of account")
            run("send-keys", "-t", pane, "-l", PASSWORD)
            run("send-keys", "-t", pane, "Enter")
            shows(pane, "AWS EXAMPLE")
            run("send-keys", "-t", pane, "clear", "Enter")
            run("send-keys", "-t", pane, f"sh -c '{LIST}'; echo once more", "Enter")
            shows(pane, "once more\n")
            shows(pane, "AWS EXAMPLE")
        assert keeper.keyturn("status").output.count("may use “Test”") == 3
    finally:
        subprocess.run([*tmux, "kill-server"], env=keeper.environment, check=False)


def test_what_the_agent_starts_is_never_approved(keeper: User, approved: Terminal) -> None:
    """A hardware key's plugin is started by the agent's helper; not even a grant for everybody is for it."""
    device = Device.make(keeper.home / "device", "ask the agent")
    (device.directory / "command").write_text(LIST)
    approved.run("keyturn grant --for 30m")
    keeper.sh(LIST).succeeds()
    paths = f"--identity {device.identity_file()} --plugin {device.program}"
    printed, status = approved.run(f"keyturn account slot add plugin {paths} --no-touch --no-input")
    assert status == 0, printed
    said = (device.directory / "said").read_text()
    assert said.startswith("keyturn: what the agent itself has started gets no approval"), said


def test_a_terminal_that_is_used_again_is_another_one(keeper: User, approved: Terminal) -> None:
    """The same device, a new shell: a closed window's approval is nobody's."""
    device = approved.run("tty")[0].strip()
    approved.close()
    for _ in range(20):
        again = keeper.terminal()
        if again.run("tty")[0].strip() == device:
            break
    else:
        pytest.fail("the kernel has not given the same terminal again")
    again.type(LIST)
    again.expect(re.escape(QUESTION))
    again.press("c")
    again.ready()
