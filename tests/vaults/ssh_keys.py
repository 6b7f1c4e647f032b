"""SSH keys as ssh-keygen makes them."""

import subprocess
from pathlib import Path

from tests.parts import needs

PASSPHRASE = "of the SSH key EXAMPLE"


def make_key(path: Path, kind: str = "ed25519", passphrase: str = PASSPHRASE, *more: str) -> Path:
    """A new key at `path`, its public half beside it as `.pub`; an empty passphrase leaves it unprotected."""
    words = [
        needs("ssh-keygen"),
        "-q",
        "-t",
        kind,
        "-N",
        passphrase,
        "-C",
        "a comment",
        *more,
        "-f",
        str(path),
    ]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL)
    return path
