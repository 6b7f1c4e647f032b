"""GnuPG for one task: what it decrypts and encrypts goes through pipes, and so does a passphrase."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence

from keyturn.ground.errors import (
    ConfigurationError,
    DamagedError,
    KeyturnError,
    UnusableError,
    WrongPasswordError,
)
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret

SECONDS = 40.0
# Not --quiet: with it nothing is said of keys that are not here.
ALWAYS = ("--batch", "--no-tty", "--status-fd", "2")


class NeedsPassphraseError(Exception):
    """A key is protected, and neither GnuPG's agent nor a window of its asks for the passphrase."""


class GnuPG:
    """Runs `program`. `passphrase` opens the key; None: GnuPG's own agent has it, or asks for it."""

    def __init__(self, program: str, passphrase: Secret | None, environment: Mapping[str, str]) -> None:
        self._program = program
        self._passphrase = passphrase
        self._environment = dict(environment)

    def decrypt(self, content: bytes) -> bytes:
        """Raises NeedsPassphraseError, WrongPasswordError, DamagedError, ConfigurationError."""
        arguments = ["--decrypt", "--output", "-"]
        if self._passphrase is None:
            return self._run(arguments, content)
        # The passphrase comes by a pipe of its own; the message by standard input.
        reading, writing = os.pipe()
        try:
            with open(writing, "wb", closefd=True) as stream:
                stream.write(self._passphrase.reveal().encode() + b"\n")
            extra = ["--pinentry-mode", "loopback", "--passphrase-fd", str(reading)]
            return self._run([*extra, *arguments], content, (reading,))
        finally:
            os.close(reading)

    def is_open(self, content: bytes) -> bool:
        """Whether it decrypts with no passphrase and nobody asked."""
        words = [self._program, *ALWAYS, "--pinentry-mode", "error", "--decrypt", "--output", "-"]
        return self._start(words, content, ()).returncode == 0

    def encrypt(self, content: bytes, recipients: Sequence[str]) -> bytes:
        """Encrypted to all `recipients`, and nobody else.

        Raises ConfigurationError for a key that is not there or not trusted: whoever is to encrypt to a
        stranger's key must say so to GnuPG first.
        """
        arguments = ["--no-encrypt-to", "--compress-algo", "none", "--encrypt", "--output", "-"]
        for each in recipients:
            arguments += ["--recipient", each]
        return self._run(arguments, content)

    def forget_passphrases(self, recipients: Sequence[str]) -> None:
        """Have GnuPG's agent drop what it remembers for these keys: then a passphrase is really checked."""
        listed = self._run(
            ["--with-colons", "--with-keygrip", "--list-secret-keys", "--", *recipients], b"", check=False
        )
        grips = [
            line.split(":")[9]
            for line in listed.decode("utf-8", "replace").splitlines()
            if line[:4] == "grp:"
        ]
        beside = os.path.join(os.path.dirname(self._program), "gpg-connect-agent")
        for grip in grips:
            words = [beside, f"clear_passphrase --mode=normal {grip}", "/bye"]
            self._start(words, b"", ())

    def _run(
        self, arguments: list[str], content: bytes, inherited: tuple[int, ...] = (), *, check: bool = True
    ) -> bytes:
        words = [self._program, *ALWAYS, *arguments]
        done = self._start(words, content, inherited)
        if done.returncode != 0 and check:
            raise self._reason(done.stderr.decode("utf-8", "replace"))
        return done.stdout

    def _start(
        self, words: list[str], content: bytes, inherited: tuple[int, ...]
    ) -> subprocess.CompletedProcess[bytes]:
        try:
            return subprocess.run(
                words,
                input=content,
                capture_output=True,
                timeout=SECONDS,
                env=self._environment,
                cwd="/",
                pass_fds=inherited,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise UnusableError(f"GnuPG gave no answer in {SECONDS:.0f} seconds") from None
        except OSError as error:
            raise ConfigurationError(
                f"cannot run {printable(words[0], 300)}: {(error.strerror or '').lower()}",
                "if it moved: keyturn account forget, then keyturn account create --backend pass",
            ) from None

    def _reason(self, status: str) -> Exception:
        """What went wrong, by the status lines (GnuPG's doc/DETAILS); its other words are not repeated."""
        words = [
            line.split()[1:]
            for line in status.splitlines()
            if line.startswith("[GNUPG:] ") and line[9:].strip()
        ]
        heads = {line[0] for line in words}
        # A key of ours was looked at and gave no session key: it did not open. What comes after that key
        # (DECRYPTION_KEY) is the message's own fault.
        wanted, absent = (
            {line[1] for line in words if line[0] == head and len(line) > 1}
            for head in ("ENC_TO", "NO_SECKEY")
        )
        if wanted - absent and "DECRYPTION_FAILED" in heads and "DECRYPTION_KEY" not in heads:
            if self._passphrase is not None:
                return WrongPasswordError("this passphrase does not open the GnuPG key")
            return NeedsPassphraseError()
        for line in words:
            if line[0] == "INV_RECP" and len(line) > 2:
                who = printable(line[2])
                if line[1] == "10":
                    return ConfigurationError(
                        f"GnuPG does not trust the key of {who}, which .gpg-id names",
                        f"if it is theirs: gpg --lsign-key {who}",
                    )
                return ConfigurationError(f"GnuPG has no usable key of {who}, which .gpg-id names")
        if "NO_SECKEY" in heads:
            return ConfigurationError("the secret key that this entry is encrypted to is not here")
        if "NODATA" in heads or "DECRYPTION_FAILED" in heads or "BADMDC" in heads:
            return DamagedError("the entry does not decrypt: it is damaged, or no file of GnuPG's")
        return _plain(words)


def _plain(words: list[list[str]]) -> KeyturnError:
    failed = [line for line in words if line[0] in ("FAILURE", "ERROR") and len(line) > 2]
    said = f" ({printable(' '.join(failed[-1]))})" if failed else ""
    return UnusableError(f"GnuPG failed{said}", "see whether it works by itself: pass show NAME")
