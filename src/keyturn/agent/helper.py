"""A short-lived process for what is slow: key derivation. One task by stdin, one result by stdout.

It forbids reading its memory and then forks, and only the child reads the task: the memory that an
exec leaves can still be open in somebody's hands (keyturn/processes/private.py).
"""

from __future__ import annotations

import sys

from keyturn.processes import private
from keyturn.vaults.age import derive


def work() -> int:
    task = derive.decode_task(sys.stdin.buffer.read())
    sys.stdout.buffer.write(derive.encode_result(derive.perform(task)))
    return 0


if __name__ == "__main__":
    raise SystemExit(private.run_privately(work))
