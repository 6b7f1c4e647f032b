"""`make try`: nothing of it is left."""

import signal
import sys
from pathlib import Path

import pexpect

from tests.aws_server.client import ROOT
from tests.programs import memory


def test_nothing_is_left_when_the_window_is_closed() -> None:
    """What a terminal does then: its processes get SIGHUP, and it is gone."""
    arguments = ["-m", "scripts.playground"]
    child = pexpect.spawn(sys.executable, arguments, cwd=str(ROOT), timeout=60, encoding="utf-8")
    child.expect_exact("(keyturn) $ ")
    child.sendline("echo home=$HOME=; keyturn agent start")
    child.expect(r"home=(/\S+)=\r\n")
    home = Path(str(child.after).split("=")[1])
    child.expect_exact("(keyturn) $ ")
    assert home.is_dir()
    assert memory.pids_with(str(home))
    child.kill(signal.SIGHUP)
    child.expect(pexpect.EOF)
    child.close()
    assert not home.exists()
    assert not memory.pids_with(str(home))
