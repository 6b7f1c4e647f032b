"""Other tools that run a command with credentials, set up in the home of the bench where they are installed.

A peer gets the same two values as Keyturn, in an encrypted file of its own, and opens it without a question:
its key comes from a variable, so each of its runs includes the opening.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field

from scripts.bench_home import CALL, KEY_ID, PASSWORD, SECRET, Home

KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


@dataclass(frozen=True)
class Peer:
    """What stands before a command that is run through a peer, the variables for it, and what it does."""

    name: str
    prefix: list[str]
    does: str
    variables: dict[str, str] = field(default_factory=dict, repr=False)

    def words(self, home: Home) -> list[str]:
        return [*self.prefix, str(home.probe), *CALL]


def aws_vault(home: Home, program: str) -> Peer:
    variables = {
        "AWS_VAULT_BACKEND": "file",
        "AWS_VAULT_FILE_DIR": str(home.user.home / "aws-vault"),
        "AWS_VAULT_FILE_PASSPHRASE": PASSWORD,
    }
    home.user.run(program, "add", "--env", "bench", variables={**variables, **KEYS}).succeeds()
    return Peer(
        "aws-vault exec --no-session",
        [program, "exec", "--no-session", "bench", "--"],
        "decrypts its file with a password, and calls no STS",
        variables,
    )


MEASURED: dict[str, Callable[[Home, str], Peer]] = {"aws-vault": aws_vault}
NOT_YET = {"fnox": "nobody has written it", "op": "it needs an account", "assume": "it needs a call to AWS"}


def check(home: Home, peer: Peer) -> None:
    """Raises AssertionError if the command does not get the credentials: that would be quick, and no peer."""
    script = "".join(f'[ "${name}" = "{value}" ] || exit 1; ' for name, value in KEYS.items())
    home.user.run(*peer.prefix, "/bin/sh", "-c", script + "exit 0", variables=peer.variables).succeeds()


def installed(home: Home) -> tuple[list[Peer], list[str]]:
    """The peers that can be measured here, and a line on every one that is known.

    Raises AssertionError, with its own words, for a peer that is installed and cannot be set up: one that
    was left out in silence would look absent.
    """
    peers, notes = [], []
    for name, set_up in MEASURED.items():
        program = shutil.which(name)
        if program is not None:
            peers.append(set_up(home, program))
            check(home, peers[-1])
            notes.append(f"{peers[-1].name}: {peers[-1].does}")
    notes += [f"{name} is not measured yet: {why}" for name, why in NOT_YET.items() if shutil.which(name)]
    absent = [name for name in (*MEASURED, *NOT_YET) if shutil.which(name) is None]
    return peers, [*notes, f"peers that are not installed here: {', '.join(absent) or 'none'}"]
