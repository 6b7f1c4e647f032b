"""KeePassXC databases for the tests: made quickly, and looked at by KeePassXC's own program."""

import subprocess
import tempfile
from functools import cache
from pathlib import Path

from pykeepass import create_database  # type: ignore[import-untyped]  # has no types

from tests.parts import needs
from tests.vaults.templates import PASSWORD


@cache
def _template() -> bytes:
    """An empty database whose key derivation takes milliseconds."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "t.kdbx"
        database = create_database(str(path), password=PASSWORD)
        parameters = database.kdbx.header.value.dynamic_header.kdf_parameters.data.dict
        parameters["I"].value, parameters["M"].value = 1, 64 * 1024
        database.save()
        return path.read_bytes()


def make_database(path: Path) -> Path:
    path.write_bytes(_template())
    path.chmod(0o600)
    return path


def cli(path: Path, *arguments: str, password: str = PASSWORD, stdin: str = "") -> str:
    """What KeePassXC's own program prints."""
    program = needs("keepassxc-cli")
    done = subprocess.run(
        [program, arguments[0], "-q", *arguments[1:]],
        input=f"{password}\n{stdin}",
        capture_output=True,
        text=True,
        timeout=60,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(path.parent),
            "LANG": "C.UTF-8",
            "QT_QPA_PLATFORM": "offscreen",
        },
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
