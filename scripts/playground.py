"""A shell to try Keyturn in: a throw-away home, a local AWS, and an access key in plaintext.

    make try

The tutorial is written for it. When the shell ends, the agent is stopped and the home removed.
"""

import os
import signal
import subprocess
import sys

from tests.aws_server.client import LocalAws
from tests.programs.user import User

NAME = "ada"
ENDS = (signal.SIGHUP, signal.SIGTERM)


def leave(*_: object) -> None:
    """The window was closed: that is leaving, too. What comes next must not be cut short."""
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


def main() -> int:
    for number in ENDS:
        signal.signal(number, leave)
    with LocalAws(NAME) as aws, User() as user:
        user.variables |= {
            **aws.environment(),
            "TERM": os.environ.get("TERM", "xterm"),
            "PS1": "(keyturn) $ ",
        }
        user.aws_files(aws.credentials_text(NAME), aws.config_text())
        print("A throw-away home with a local AWS and ada's access key in ~/.aws/credentials.")
        print("It is all gone when you leave this shell: exit, or Ctrl-D.", flush=True)
        # Ctrl-C is for what runs in the shell.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        shell = ["bash", "--norc", "--noprofile", "-i"]
        return subprocess.run(shell, env=user.environment, cwd=user.home, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
