"""Work in a child that nobody reads: its status, its death, its limits."""

import signal
import subprocess
import sys
import time

import pytest

CODE = """
import os, resource, signal, sys, time
from keyturn.processes import private
def work():
{work}
status = private.run_privately(work)
print("parent", os.getpid(), resource.getrlimit(resource.RLIMIT_CORE)[0], flush=True)
raise SystemExit(status)
"""


def run(work: str, limit: str = "") -> tuple[int, str]:
    body = "\n".join("    " + line for line in work.split("\n"))
    command = [sys.executable, "-c", CODE.format(work=body)]
    if limit:
        command = ["bash", "-c", f'{limit}; exec "$@"', "-", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("work", "status"), [("return 0", 0), ("return 190", 190), ("raise SystemExit(5)", 1)]
)
def test_the_status_is_the_works(work: str, status: int) -> None:
    assert run(work)[0] == status


def test_a_killed_child_is_128_and_the_signal() -> None:
    assert run("os.kill(os.getpid(), signal.SIGKILL)")[0] == 128 + signal.SIGKILL


def test_output_comes_out_once() -> None:
    _, output = run("print('from the child')\nreturn 0")
    assert output.count("from the child") == 1
    assert output.count("parent") == 1


def test_the_child_is_another_process_without_core_files_and_the_parents_limit_stays() -> None:
    status, output = run(
        "print('child', os.getpid(), resource.getrlimit(resource.RLIMIT_CORE)[0])\nreturn 0",
        limit="ulimit -S -c 0; ulimit -H -c unlimited; ulimit -S -c 1000",
    )
    child, parent = output.splitlines()
    assert status == 0
    assert child.split()[1] != parent.split()[1]
    assert child.split()[2] == "0"
    assert parent.split()[2] != "0", "the parent may become the person's command: its limits are not ours"


def test_the_child_ends_with_its_parent() -> None:
    code = CODE.format(work="    print(os.getpid(), flush=True)\n    time.sleep(60)\n    return 0")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
        # The pipe ends when the last process that holds it has ended: long before the work would have.
        began = time.monotonic()
        assert parent.stdout.read() == ""
    assert time.monotonic() - began < 20, f"the child {child} went on"
