"""An age plugin of the tests' own: the protocol of C2SP's age-plugin, and a “key” that is a directory.

`Device.make(directory)` makes such a key and installs `age-plugin-probe` for it. The plugin finds the
directory in the identity's data; a file `mode` there says how it behaves. It holds to the protocol as real
plugins do, and gives the file key only to who has the device's secret: where the real one would say no, so
does this.
"""

import base64
import hashlib
import hmac
import os
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

NAME = "probe"
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32(prefix: str, data: bytes) -> str:
    """BIP 173, without its limit of length, as age uses it."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    values = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    check = _polymod(expanded + values + [0] * 6) ^ 1
    values += [check >> 5 * (5 - place) & 31 for place in range(6)]
    return prefix + "1" + "".join(ALPHABET[value] for value in values)


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> place & 1 else 0
    return check


def data_of(text: str) -> bytes:
    """The data of what `bech32` wrote; its checksum is the client's to look at."""
    values = [ALPHABET.index(c) for c in text.lower().rsplit("1", 1)[1][:-6]]
    bits = "".join(f"{value:05b}" for value in values)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) - 7, 8))


@dataclass(frozen=True)
class Device:
    """A key of the tests. `directory` holds `secret`, `mode`, `pin`; a plugin that waits writes `waiting`."""

    directory: Path
    program: Path

    @classmethod
    def make(cls, directory: Path, mode: str = "silent") -> "Device":
        """Make a device in `directory`, and its plugin in `directory`/bin."""
        (directory / "bin").mkdir(parents=True, mode=0o755)
        (directory / "secret").write_bytes(os.urandom(32))
        program = directory / "bin" / f"age-plugin-{NAME}"
        program.write_text(f"#!{os.path.realpath(sys.executable)} -IS\n" + Path(__file__).read_text())
        program.chmod(0o755)
        device = cls(directory, program)
        device.behave(mode)
        return device

    def behave(self, mode: str) -> None:
        (self.directory / "mode").write_text(mode)

    @property
    def identity(self) -> str:
        return bech32(f"age-plugin-{NAME}-", os.fsencode(self.directory)).upper()

    @property
    def recipient(self) -> str:
        return bech32(f"age1{NAME}", os.fsencode(self.directory))

    def identity_file(self) -> str:
        """The path of an identity file as plugins write it."""
        path = self.directory / "identity.txt"
        path.write_text(f"# created: now\n# recipient: {self.recipient}\n{self.identity}\n")
        return str(path)

    def wait_until_waiting(self, seconds: float = 20) -> int:
        """Wait until the plugin waits for a touch; its process id."""
        deadline = time.monotonic() + seconds
        while not (text := self._waiting()):
            assert time.monotonic() < deadline, "the plugin was not run"
            time.sleep(0.02)
        return int(text)

    def _waiting(self) -> str:
        path = self.directory / "waiting"
        return path.read_text() if path.exists() else ""

    def touch(self) -> None:
        (self.directory / "touched").touch()

    def environment_seen(self) -> dict[str, str]:
        """The environment of the plugin that ran last."""
        pairs = (self.directory / "environment").read_text().split("\0")
        return dict(pair.split("=", 1) for pair in pairs if pair)


# --- from here on: the plugin ---------------------------------------------------------------------------


def _receive() -> tuple[list[str], bytes]:
    head = sys.stdin.buffer.readline().decode()
    if not head.startswith("-> "):
        raise SystemExit(1)
    body = b""
    while True:
        line = sys.stdin.buffer.readline().rstrip(b"\n")
        body += line
        if len(line) < 64:
            return head[3:].split(), base64.b64decode(body + b"=" * (-len(body) % 4))


def _send(*words: str, body: bytes = b"") -> None:
    text = base64.b64encode(body).rstrip(b"=")
    lines = [text[at : at + 64] for at in range(0, len(text), 64)] or [b""]
    if len(lines[-1]) == 64:
        lines.append(b"")
    sys.stdout.buffer.write(b"-> " + " ".join(words).encode() + b"\n" + b"".join(x + b"\n" for x in lines))
    sys.stdout.buffer.flush()


def _command(*words: str, body: bytes = b"") -> tuple[list[str], bytes]:
    _send(*words, body=body)
    return _receive()


def _lock(secret: bytes, nonce: bytes, key: bytes) -> bytes:
    pad = hashlib.sha256(secret + nonce).digest()[: len(key)]
    locked = bytes(one ^ other for one, other in zip(key, pad, strict=True))
    return locked + hmac.digest(secret, nonce + locked, "sha256")


def _unlock(secret: bytes, nonce: bytes, body: bytes) -> bytes | None:
    key = _lock(secret, nonce, body[:-32])[:-32]
    return key if hmac.compare_digest(_lock(secret, nonce, key), body) else None


def _wrap(asked: list[tuple[list[str], bytes]]) -> None:
    texts = [words[1] for words, _ in asked if words[0] in ("add-recipient", "add-identity")]
    keys = [body for words, body in asked if words[0] == "wrap-file-key"]
    for number, key in enumerate(keys):
        for text in texts:
            secret = (Path(os.fsdecode(data_of(text))) / "secret").read_bytes()
            nonce = os.urandom(16)
            argument = base64.b64encode(nonce).rstrip(b"=").decode()
            _command("recipient-stanza", str(number), NAME, argument, body=_lock(secret, nonce, key))
    _send("done")


def _behave(directory: Path, mode: str) -> str:
    """What the mode does before the key is given; why it is not given, if so."""
    if mode == "die":
        raise SystemExit(1)
    if mode == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if mode == "garbage":
        sys.stdout.buffer.write(b"\x00\xff no protocol \n" * 50)
        sys.stdout.buffer.flush()
        raise SystemExit(0)
    if mode == "no":
        return "the device says no\x1b[2J"
    if mode == "ask the agent":
        os.system(f"{(directory / 'command').read_text()} >{directory}/said 2>&1")
    if mode == "hang":
        (directory / "waiting").write_text(str(os.getpid()))
        time.sleep(600)
    if mode == "touch":
        _command("msg", body=b"touch the key\x1b[2J")
        (directory / "waiting").write_text(str(os.getpid()))
        while not (directory / "touched").exists():
            time.sleep(0.02)
        (directory / "touched").unlink()
        (directory / "waiting").unlink()
    if mode == "pin":
        _, typed = _command("request-secret", body=b"PIN of the key:")
        return "" if typed == (directory / "pin").read_bytes() else "wrong PIN"
    if mode == "confirm":
        labels = [base64.b64encode(word).rstrip(b"=").decode() for word in (b"open", b"leave")]
        words, _ = _command("confirm", *labels, body=b"open with the key?")
        return "" if words == ["ok", "yes"] else "not confirmed"
    if mode == "public":
        _, typed = _command("request-public", body=b"name of the key")
        return "" if typed == b"probe" else "another key"
    return ""


def _unwrap(asked: list[tuple[list[str], bytes]]) -> None:
    directory = Path(os.fsdecode(data_of(next(words[1] for words, _ in asked if words[0] == "add-identity"))))
    (directory / "environment").write_bytes(b"\0".join(b"=".join(each) for each in os.environb.items()))
    refusal = _behave(directory, (directory / "mode").read_text())
    if refusal:
        _command("error", "identity", "0", body=refusal.encode())
    for words, body in asked if not refusal else ():
        if words[:1] + words[2:3] == ["recipient-stanza", NAME]:
            nonce = base64.b64decode(words[3] + "==")
            key = _unlock((directory / "secret").read_bytes(), nonce, body)
            if key is not None:
                _command("file-key", words[1], body=key)
    _send("done")


def _main() -> None:
    asked = []
    while (stanza := _receive())[0] != ["done"]:
        asked.append(stanza)
    {"--age-plugin=recipient-v1": _wrap, "--age-plugin=identity-v1": _unwrap}[sys.argv[1]](asked)


if __name__ == "__main__":
    _main()
