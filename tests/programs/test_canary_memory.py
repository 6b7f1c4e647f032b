"""After a lock no process of the user holds a secret: all of their memory is read.

However it came to be locked, whatever was going on; the wrapped commands that still run are left out.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.parts import absent
from tests.programs import memory
from tests.programs.planted import Planted, recovery_code, wait_for
from tests.programs.user import Terminal

pytestmark = [pytest.mark.needs("root"), pytest.mark.needs("strace")]

HOUR = 3600.0
CODE = "press Enter when you have it: "


@pytest.fixture
def planted() -> Iterator[Planted]:
    with Planted() as found:
        found.observe()
        found.run("settings", "set", "lock.idle_hours", "1")
        yield found


def prepare(planted: Planted) -> Terminal:
    """An item, and a wrapped command that is set up."""
    password = ("--password-file", "password")
    planted.run("item", "create", "--title", "t", "key=@value", *password)
    planted.run(
        "plugin",
        "init",
        "aws",
        "--import-profile",
        "default",
        "--remove-plaintext",
        "--no-verify",
        "--no-input",
        *password,
    )
    planted.run("lock")
    return planted.user.terminal()


def use_everything(planted: Planted, terminal: Terminal) -> None:
    """One terminal: unlocked by its password, a value read, a recovery code made, a command that stays."""
    terminal.type("keyturn signin")
    terminal.answer("password of account “Test”: ", planted.secrets["password"])
    terminal.ready()
    terminal.run("keyturn item get t --field key | cat >/dev/null")
    terminal.type("keyturn account slot add recovery --title other")
    planted.secrets["made code"] = recovery_code(terminal.expect(CODE))
    terminal.type("")
    terminal.ready()
    terminal.run(f"source {planted.user.config}/plugins.sh")
    terminal.type("aws s3api stay 2>/dev/null &")
    wait_for(lambda: memory.pids_with(f"tail\0-f\0{planted.user.home}"), "the wrapped command runs")
    terminal.ready()


def wait_at_a_question(planted: Planted) -> None:
    """Two more terminals: a command at its prompt, and a launcher that waits for the same answer."""
    first, second = planted.user.terminal(), planted.user.terminal()
    first.type("keyturn item list")
    first.expect("password of account “Test”: ")
    second.type("keyturn plugin run -- aws s3 ls")
    wait_for(lambda: memory.pids_with(f"{planted.user.data}/launcher\0aws\0s3"), "a launcher waits")


def helpers(planted: Planted) -> list[int]:
    """Looked for by their words first: they do not live long."""
    home = str(planted.user.home).encode()
    found = []
    for pid in memory.pids_with("keyturn.agent.helper"):
        with contextlib.suppress(OSError):
            if home in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
    return found


def stopped_with(planted: Planted, name: str) -> bool:
    """Whether a helper holds the secret; if so it has been stopped, to go on holding it."""
    pids = helpers(planted)[-1:]
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGSTOP and name in found_in(planted, pids):
            return True
    return False


def wrapped(planted: Planted) -> list[int]:
    return memory.pids_with(f"tail\0-f\0{planted.user.home}")


def found_in(planted: Planted, pids: list[int]) -> set[str]:
    """The names of the secrets that these processes hold; one that ends meanwhile holds nothing."""
    names = {secret: name for name, secret in planted.secrets.items()}
    found: set[str] = set()
    for pid in pids:
        try:
            found |= {names[secret] for secret in memory.held(pid, list(names))}
        except (OSError, AssertionError):
            if os.path.exists(f"/proc/{pid}/root"):
                raise
    return found


def others(planted: Planted) -> list[int]:
    """All processes of the user but the wrapped commands."""
    found = set(memory.pids_of(planted.user.home)) - set(wrapped(planted))
    assert len(found) >= len(planted.agents())
    return sorted(found)


def locked(planted: Planted, keeper: int) -> bool:
    agents = planted.agents()
    return len(agents) == 2 and keeper not in agents


def by_command(planted: Planted) -> None:
    planted.user.keyturn("lock").succeeds()


def by_the_idle_limit(planted: Planted) -> None:
    """Its timer finds it out; nobody calls."""
    planted.sleep(1.01 * HOUR)


def by_a_suspend(planted: Planted) -> None:
    """The machine slept; a request comes before the timer."""
    planted.sleep(100 * HOUR)
    planted.user.keyturn("item", "list", "--no-input")


def by_a_kill(planted: Planted) -> None:
    os.kill(planted.agents()[-1], signal.SIGKILL)


SOAKED = [pytest.param(each, marks=pytest.mark.soak) for each in (by_the_idle_limit, by_a_suspend, by_a_kill)]


@pytest.mark.parametrize("lock", [by_command, *SOAKED])
def test_after_a_lock_no_process_holds_a_secret(planted: Planted, lock: Callable[[Planted], None]) -> None:
    terminal = prepare(planted)
    assert not found_in(planted, others(planted)), "before"
    use_everything(planted, terminal)
    held = found_in(planted, planted.agents())
    assert {"password", "value", "aws"} <= held, "they can be found while it is unlocked"
    assert "aws" in found_in(planted, wrapped(planted)), "and in the command that got one"
    keeper = planted.agents()[-1]
    lock(planted)
    wait_for(lambda: locked(planted, keeper), "another keeper")
    wait_at_a_question(planted)
    looked_at = others(planted)
    assert len(looked_at) >= 8, "agent, shells, commands at their questions"
    assert not found_in(planted, looked_at)
    assert wrapped(planted), "the command goes on"


def test_before_the_idle_limit_it_stays_unlocked(planted: Planted) -> None:
    use_everything(planted, prepare(planted))
    keeper = planted.agents()[-1]
    planted.sleep(0.9 * HOUR)
    time.sleep(1)
    assert keeper in planted.agents()
    assert "password" in found_in(planted, [keeper])


@pytest.mark.soak
def test_a_lock_ends_the_helpers(planted: Planted) -> None:
    """A slot's password is on its way through a helper, with age's own choice of work, when it is locked."""
    planted.user.keyturn("signin", "--password-file", "password").succeeds()
    terminal = planted.user.terminal()
    terminal.type(
        "keyturn account slot add password --title two --new-password-file second --password-file password"
    )

    wait_for(lambda: stopped_with(planted, "second"), "a helper has the secret")
    planted.user.keyturn("lock").succeeds()
    terminal.ready()
    assert not found_in(planted, others(planted))
    assert not helpers(planted)


def core_files(directory: Path) -> set[Path]:
    return {path for path in directory.glob("core*") if path.is_file()}


def test_no_core_file(planted: Planted) -> None:
    """With the limit lifted by the caller, whoever holds a secret leaves no core file when it crashes."""
    user = planted.user
    if Path("/proc/sys/kernel/core_pattern").read_text().strip() != "core":
        absent("core files in the working directory")
    planted.user.keyturn("agent", "stop").succeeds()
    user.prefix = ("prlimit", "--core=unlimited")
    before = core_files(Path("/"))
    user.run("/bin/sh", "-c", "kill -SEGV $$")
    (left,) = core_files(user.home)
    left.unlink()
    terminal = user.terminal()
    for number in (signal.SIGSEGV, signal.SIGABRT):
        terminal.type("keyturn signin")
        terminal.expect("password of account “Test”: ")
        asking = set(memory.pids_with("keyturn\0signin")) & set(memory.pids_of(user.home))
        assert len(asking) == 2
        os.kill(max(asking), number)
        terminal.ready()
        terminal.type("keyturn signin")
        terminal.answer("password of account “Test”: ", planted.secrets["password"])
        terminal.ready()
        keeper = planted.agents()[-1]
        os.kill(keeper, number)
        wait_for(lambda keeper=keeper: locked(planted, keeper), "another keeper")
    terminal.type(
        "keyturn account slot add password --title two --new-password-file second --password-file password"
    )
    for pid in wait_for(lambda: helpers(planted), "a helper"):
        os.kill(pid, signal.SIGABRT)
    terminal.ready()
    os.kill(planted.agents()[0], signal.SIGABRT)
    wait_for(lambda: not planted.agents(), "the agent has ended")
    assert not core_files(user.home)
    new = core_files(Path("/")) - before
    assert not any(
        secret.encode() in path.read_bytes() for path in new for secret in planted.secrets.values()
    )
