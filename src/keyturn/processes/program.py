"""What the program of a process is called."""

from __future__ import annotations

import os
import subprocess
import sys

if sys.platform == "linux":

    def name(pid: int) -> str:
        """The first 15 bytes of the program's file name (proc(5)); empty for a process that is gone."""
        try:
            with open(f"/proc/{pid}/comm", "rb") as stream:
                return stream.read().rstrip(b"\n").decode("utf-8", "replace")
        except OSError:
            return ""

else:

    def name(pid: int) -> str:
        """The program's file name; empty for a process that is gone. Not yet run on a Mac."""
        done = subprocess.run(
            ["/bin/ps", "-o", "comm=", "-p", str(pid)], capture_output=True, check=False, text=True
        )
        # A login shell is called `-zsh`.
        return os.path.basename(done.stdout.strip().removeprefix("-"))
