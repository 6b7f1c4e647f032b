"""1Password for the tests: the stand-in program, installed, and the service behind it."""

import contextlib
import fcntl
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from keyturn.vaults.places import Place
from tests.vaults import op_stand_in

PASSWORD = "the account password EXAMPLE"
SERVICE_TOKEN = "ops_EXAMPLEeyJzaWduSW5BZGRyZXNz"
CONNECT_TOKEN = "eyJhbGciEXAMPLE"


class OnePassword:
    """`program` is the `op` that is run; `app`: whether the desktop app lets everybody in."""

    def __init__(self, directory: Path, *, app: bool = True) -> None:
        self.directory = directory
        self._state = directory / "service.json"
        self.program = directory / "op"
        vaults = [{"id": op_stand_in.new_id(), "name": "Private", "content_version": 1}]
        account = {
            "url": "my.1password.com",
            "email": "ada@example.com",
            "user_uuid": "ADAEXAMPLE",
            "shorthand": "my",
        }
        found: dict[str, Any] = {
            "version": "2.31.1",
            "app": "unlocked" if app else "none",
            "accounts": [account],
            "password": PASSWORD,
            "service_token": SERVICE_TOKEN,
            "connect_token": CONNECT_TOKEN,
            "sessions": [],
            "vaults": vaults,
            "items": [],
            "calls": [],
            "faults": {},
        }
        self._state.write_text(json.dumps(found))
        # No shell in between, and nothing of the tests' own surroundings is needed.
        lines = [
            f"#!{sys.executable} -I",
            "import runpy, sys",
            f"sys.argv[:] = [sys.argv[0], {str(self._state)!r}, *sys.argv[1:]]",
            f"runpy.run_path({op_stand_in.__file__!r}, run_name='__main__')",
        ]
        self.program.write_text("\n".join([*lines, ""]))
        self.program.chmod(0o755)

    @property
    def place(self) -> Place:
        return Place("1password", program=str(self.program))

    @contextlib.contextmanager
    def service(self) -> Iterator[dict[str, Any]]:
        """What 1Password holds, to look at and to change."""
        with self._state.open("r+") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            found = json.load(stream)
            yield found
            stream.seek(0)
            stream.truncate()
            json.dump(found, stream)

    def fails(self, command: str, how: str) -> None:
        """The next call of this command hangs, dies, prints garbage, asks, or ends with a line of its own."""
        with self.service() as found:
            found["faults"][command] = how

    @property
    def calls(self) -> list[dict[str, Any]]:
        with self.service() as found:
            return list(found["calls"])
