"""`keyturn doctor`: every planted fault is found by its name, and on a clean set-up nothing."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keyturn.auth import polkit_policy
from keyturn.ground import paths
from keyturn.shells import launcher, plugins_sh, rc_files
from keyturn.shells.launcher import Interpreter
from tests.parts import needs
from tests.programs.doctor_faults import (
    NOTES,
    PROBLEMS,
    Case,
    plaintext_left,
    ptrace_open,
    wrappers_not_sourced,
)
from tests.programs.memory import pids_of
from tests.programs.shimmed import set_up
from tests.programs.user import BIN, User

SYSTEM = {
    "proc/sys/kernel/yama/ptrace_scope": "1\n",
    "proc/sys/dev/tty/legacy_tiocsti": "0\n",
    "proc/sys/fs/suid_dumpable": "0\n",
    "proc/sys/kernel/core_pattern": "",
    "proc/swaps": "Filename\tType\n/dev/zram0 partition 8 0 100\n/dev/dm-1 partition 8 0 -2\n",
    "usr/share/bash-completion/bash_completion": "",
    str(polkit_policy.FILE).lstrip("/"): "",
    "usr/bin/pinentry-qt": "",
}


@dataclass
class Clean:
    user: User
    home: Path
    root: Path
    bus: str


@pytest.fixture(scope="module")
def clean() -> Iterator[Clean]:
    """A home in which everything is in order, without an agent, and a copy of it."""
    with User() as user, tempfile.TemporaryDirectory(prefix="kt-") as place:
        set_up(user)
        user.variables["SHELL"] = "/bin/bash"
        directories = paths.resolve(user.environment, os.getuid())
        words = launcher.command(directories, Interpreter(Interpreter.current().bare, str(BIN / "python")))
        plugins_sh.update(directories.plugins_sh, ["aws"], words)
        line = plugins_sh.source_line(directories.plugins_sh)
        rc_files.add_source_line(user.home / ".bashrc", line, user.environment)
        user.variables[plugins_sh.HASH_VARIABLE] = plugins_sh.current_hash(directories.plugins_sh)
        user.keyturn("agent", "stop").succeeds()
        shutil.rmtree(user.runtime / "keyturn")
        home, root = Path(place) / "home", Path(place) / "root"
        shutil.copytree(user.home, home, symlinks=True)
        for name, text in SYSTEM.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        mounts = f"/dev/sda1 / ext4 rw 0 0\ntmpfs {user.runtime} tmpfs rw 0 0\n"
        (root / "proc/mounts").write_text(mounts)
        (root / "run/dbus").mkdir(parents=True)
        address = f"{root}/run/dbus/system_bus_socket"
        bus = subprocess.Popen(
            [needs("dbus-daemon"), "--session", f"--address=unix:path={address}", "--nofork", "--nopidfile"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: os.path.exists(address))
            yield Clean(user, home, root, address)
        finally:
            bus.terminate()
            bus.wait()


def until(is_so: Callable[[], bool]) -> None:
    for _ in range(200):
        if is_so():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come")


@pytest.fixture
def case(clean: Clean, tmp_path: Path) -> Case:
    """The clean home again, whatever the test before did to it."""
    shutil.rmtree(clean.user.home)
    shutil.copytree(clean.home, clean.user.home, symlinks=True)
    root = tmp_path / "root"
    shutil.copytree(clean.root, root, ignore=shutil.ignore_patterns("system_bus_socket"))
    (root / "run/dbus/system_bus_socket").symlink_to(clean.bus)
    return Case(clean.user, root)


def test_on_a_clean_set_up_nothing_is_found(case: Case) -> None:
    status, report = case.doctor()
    assert (status, report["findings"]) == (0, [])
    assert [each["because"] for each in report["paths"]] == ["below HOME"] * 3 + ["XDG_RUNTIME_DIR"]
    assert report["agent"]["state"] == "not running"
    assert report["wrappers"] == {"defined": ["aws"], "here": "sourced"}
    assert {"shell": "bash", "reads": ["~/.bashrc"], "shims": []} in report["shells"]
    assert [(each["executable"], each["first"]) for each in report["shims"]] == [("aws", True)]
    (command,) = report["commands"]
    assert command["runs"] == f"{case.user.home}/tools/aws"
    assert (command["item"], command["account"]) == ("AWS EXAMPLE", "Test")
    assert not list(case.user.runtime.glob("keyturn/*.sock")), "it started an agent"
    done = case.user.keyturn("doctor", "--root", str(case.root)).succeeds()
    assert done.output.splitlines()[-1] == "nothing is wrong"
    assert "as “AWS EXAMPLE” of account “Test”, the global default" in done.output


PLANTED = [
    pytest.param(name, severity, plant, id=plant.__name__)
    for severity, table in (("problem", PROBLEMS), ("note", NOTES))
    for name, plants in table.items()
    for plant in plants
]


@pytest.mark.parametrize(("name", "severity", "plant"), PLANTED)
def test_a_planted_fault_is_found_by_its_name_and_nothing_else(
    case: Case, name: str, severity: str, plant: Callable[[Case], None]
) -> None:
    plant(case)
    status, report = case.doctor()
    found = {each["name"]: each for each in report["findings"]}
    assert list(found) == [name]
    assert found[name]["severity"] == severity
    assert all(found[name][part] for part in ("what", "why", "mend"))
    assert status == (1 if severity == "problem" else 0)


def test_the_agent_is_looked_at(case: Case) -> None:
    user = case.user
    user.keyturn("agent", "start").succeeds()
    try:
        status, report = case.doctor()
        assert (status, report["agent"]["state"], report["findings"]) == (0, "running", [])
        pids = pids_of(user.home)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        status, report = case.doctor()
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        assert [each["name"] for each in report["findings"]] == ["agent-silent"]
        assert (status, report["agent"]["state"]) == (1, "no answer")
    finally:
        user.keyturn("agent", "stop").succeeds()


OTHER_VERSION = """
import sys, keyturn
from pathlib import Path
keyturn.__version__ = "9.9.9"
from keyturn.agent import supervisor
from keyturn.ground.paths import Directories
raise SystemExit(supervisor.start(Directories(*map(Path, sys.argv[1:]))))
"""


def test_an_agent_of_another_version_is_named_as_such(case: Case) -> None:
    directories = paths.resolve(case.user.environment, os.getuid())
    places = [directories.config, directories.data, directories.state, directories.runtime]
    case.user.run(str(BIN / "python"), "-c", OTHER_VERSION, *map(str, places)).succeeds()
    try:
        status, report = case.doctor()
        assert [each["name"] for each in report["findings"]] == ["agent-of-another-version"]
        assert (status, report["agent"]["version"]) == (1, "9.9.9")
    finally:
        case.user.keyturn("agent", "stop").succeeds()


def test_it_names_no_secret_asks_nothing_and_says_how_to_mend(case: Case) -> None:
    plaintext_left(case)
    ptrace_open(case)
    done = case.user.keyturn("doctor", "--root", str(case.root))
    assert done.status == 1
    assert "wJalr" not in done.output
    assert "AKIAIOSFODNN7EXAMPLE" not in done.output
    lines = done.output.splitlines()
    assert any(line.startswith("problem: credentials lie in plaintext: ~/.aws/cred") for line in lines)
    assert "  mend: keyturn plaintext scan, then keyturn plaintext remove" in lines
    assert lines[-1] == "1 problem, 1 note"
    assert lines.index("note: any program of yours may read the memory of another "
                       "(kernel.yama.ptrace_scope is 0)  [ptrace-open]") > 5  # fmt: skip


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("bash", "source {}/.config/keyturn/plugins.sh"),
        ("nu", "source ~/.keyturn.nu"),
        ("pwsh", "keyturn shell-init pwsh | Out-String | Invoke-Expression"),
    ],
)
def test_what_mends_a_shell_is_what_that_shell_can_read(case: Case, shell: str, line: str) -> None:
    wrappers_not_sourced(case)
    case.variables["SHELL"] = f"/usr/bin/{shell}"
    _, report = case.doctor()
    mends = {each["name"]: each["mend"] for each in report["findings"]}
    assert mends["wrappers-not-sourced"] == f"add this line to it: {line.format(case.user.home)}"
