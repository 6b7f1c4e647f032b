"""The process that opens aws-vault's stores: what decrypts them is much code, and not all ours.

    python -I -m keyturn.cli.aws_vault_reading

A task comes by stdin, and its result goes to stdout.
"""

from __future__ import annotations

import sys

from keyturn.aws import aws_vault_opening
from keyturn.aws.aws_vault_opening import LARGEST
from keyturn.processes import private


def work() -> int:
    task = aws_vault_opening.tasks.decode(sys.stdin.buffer.read(LARGEST + 1))
    sys.stdout.buffer.write(aws_vault_opening.results.encode(aws_vault_opening.perform(task)))
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(private.run_privately(work))
