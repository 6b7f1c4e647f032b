"""Which file systems are in memory, and who sees the same files."""

import os
import subprocess
from pathlib import Path

import pytest

from keyturn.processes import mounts
from tests.parts import needs


def test_shared_memory_is_in_memory_and_the_root_is_not(tmp_path: Path) -> None:
    assert mounts.is_in_memory(Path("/dev/shm"))
    assert not mounts.is_in_memory(Path("/proc"))
    assert not mounts.is_in_memory(Path("/none/of/it"))
    if os.stat("/").st_dev == os.stat(tmp_path).st_dev:
        assert not mounts.is_in_memory(tmp_path)


def test_a_process_of_ours_sees_our_files_and_one_that_is_gone_none() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        assert mounts.sees_our_files(process.pid)
        process.kill()
    assert not mounts.sees_our_files(process.pid)


@pytest.mark.needs("root")
def test_a_process_below_another_root_does_not(tmp_path: Path) -> None:
    script = "import os, sys; os.chroot(sys.argv[1]); print(flush=True); sys.stdin.read()"
    words = [needs("python3"), "-IS", "-c", script, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert not mounts.sees_our_files(process.pid)
        process.kill()
