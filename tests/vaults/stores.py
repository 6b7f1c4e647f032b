"""Stores of pass for the tests, with GnuPG keys of their own, and looked at by pass itself."""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from keyturn.vaults.places import Place
from tests.parts import needs

PASSPHRASE = "a passphrase EXAMPLE"


@dataclass(frozen=True)
class Store:
    """One store. `home` is HOME, with GnuPG's directory in it: a short path, for its agent's socket."""

    home: Path
    key: str

    @property
    def root(self) -> Path:
        return self.home / ".password-store"

    @property
    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"}

    @property
    def place(self) -> Place:
        return Place("pass", str(self.root), program=needs("gpg"))

    def run(self, *command: str, stdin: str = "") -> str:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextlib.contextmanager
def making(passphrase: str = "", address: str = "ada@example.com") -> Iterator[Store]:
    """An empty store, encrypted to a new key; GnuPG's agent is ended with it."""
    gpg = needs("gpg")
    home = Path(tempfile.mkdtemp(prefix="kt-"))
    try:
        (home / ".gnupg").mkdir(mode=0o700)
        store = Store(home, address)
        words = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase]
        store.run(gpg, *words, "--quick-gen-key", address, "future-default", "default", "never")
        store.run(needs("pass"), "init", address)
        yield store
    finally:
        subprocess.run(
            ["gpgconf", "--kill", "all"], env={**os.environ, "HOME": str(home)}, check=False, timeout=30
        )
        shutil.rmtree(home)
