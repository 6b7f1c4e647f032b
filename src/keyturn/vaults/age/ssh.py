"""SSH keys as keys of slots: what a helper does with them, and what can be said of a key file without it.

pyrage opens what is encrypted for an SSH key, but takes no key that is protected by a passphrase: such a one
is decrypted here by `cryptography`, in the helper's memory and never on a disk.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyrage  # type: ignore[import-untyped]  # a compiled module without stubs

from keyturn.ground import files
from keyturn.ground.errors import (
    DamagedError,
    DeniedError,
    KeyturnError,
    KeyUnusableError,
    UsageError,
)
from keyturn.ground.names import printable
from keyturn.ground.packed import Packed
from keyturn.ground.prompter import Prompter
from keyturn.vaults.age import derive, identities
from keyturn.vaults.age.derive import Result, Unwrapped, Wrapped
from keyturn.vaults.failed import Failed

LARGEST = 64 * 1024
ATTEMPTS = 3
KINDS = ("ssh-ed25519", "ssh-rsa")

_BEGIN = b"-----BEGIN OPENSSH PRIVATE KEY-----"
_END = b"-----END OPENSSH PRIVATE KEY-----"
_MAGIC = b"openssh-key-v1\0"


class WrapForSsh(msgspec.Struct, tag="wrap-for-ssh", frozen=True, forbid_unknown_fields=True):
    """Make a new slot's own identity and lock it for an SSH public key (`ssh-ed25519 …`). Gives Wrapped."""

    public: str


class UnwrapBySsh(msgspec.Struct, tag="unwrap-by-ssh", frozen=True, forbid_unknown_fields=True):
    """Open the first block of a slot by the private key at `path`. Gives Unwrapped.

    A key without a passphrase is used only if `unprotected` says so.
    """

    block: bytes
    path: str
    unprotected: bool


Task = WrapForSsh | UnwrapBySsh

_tasks: Packed[Task] = Packed(Task, "a task")
encode_task, decode_task = _tasks.encode, _tasks.decode


@dataclass(frozen=True)
class KeyFile:
    """What a key file shows to anybody: the public key, and whether a passphrase protects the private one.

    `has_private` is False for a `.pub` file.
    """

    public: str
    has_private: bool
    is_protected: bool


def look_at(path: str) -> KeyFile:
    """Read the key file at `path`, private (OpenSSH's own format) or public.

    Raises KeyUnusableError if it cannot be read, UsageError for what is no key that can open a slot.
    """
    return parse(_read(path), path)


def parse(content: bytes, path: str) -> KeyFile:
    """As `look_at`, for what was read from `path`."""
    name = printable(path)
    if content.lstrip().startswith(_BEGIN):
        protected, blob = _openssh(content, name)
        kind = _string(blob, 0)[0].decode("ascii", "replace")
        found = KeyFile(f"{kind} {base64.b64encode(blob).decode()}", True, protected)
    elif b"PRIVATE KEY-----" in content:
        raise UsageError(
            f"{name} is not in OpenSSH's format", f"convert it, in place: ssh-keygen -p -f {name}"
        )
    else:
        words = content.decode("utf-8", "replace").split()
        found = KeyFile(" ".join(words[:2]), False, False)
        kind = words[0] if words else ""
    if kind not in KINDS:
        raise UsageError(f"{name} is not a key that can open a slot", f"kinds that can: {', '.join(KINDS)}")
    return found


def unprotected_key(path: str) -> KeyUnusableError:
    """Why a key without a passphrase is not used."""
    return KeyUnusableError(
        f"{printable(path)} has no passphrase: whoever can read that file opens the account",
        f"give it one: ssh-keygen -p -f {printable(path)}",
        "or, if this is what you want, say so: --unprotected",
    )


def work(task: bytes, prompter: Prompter) -> bytes:
    """The helper's entry: the person is asked for a passphrase if the key has one."""
    return derive.encode_result(perform(decode_task(task), prompter))


def perform(task: Task, prompter: Prompter) -> Result:
    """Do the task. What fails is a Failed."""
    try:
        if isinstance(task, WrapForSsh):
            return _wrap(task)
        return _unwrap(task, prompter)
    except KeyturnError as error:
        return Failed.of(error)


def _wrap(task: WrapForSsh) -> Wrapped:
    try:
        recipient = pyrage.ssh.Recipient.from_str(task.public)
    except pyrage.RecipientError:
        recipient = None
    if recipient is None:
        raise UsageError("age does not encrypt for this SSH key", "an RSA key needs 2048 bits at least")
    identity = identities.generate()
    block = pyrage.encrypt(derive.identity_file(identity), [recipient], armored=True)
    return Wrapped(block=block, recipient=identities.recipient_of(identity))


def _unwrap(task: UnwrapBySsh, prompter: Prompter) -> Unwrapped:
    content = _read(task.path)
    found = parse(content, task.path)
    if not found.has_private:
        raise KeyUnusableError(f"{printable(task.path)} is a public key; the private one opens")
    if not found.is_protected and not task.unprotected:
        raise unprotected_key(task.path)
    if found.is_protected:
        content = _unprotected(content, printable(task.path), prompter)
    try:
        opened = pyrage.decrypt(task.block, [pyrage.ssh.Identity.from_buffer(content)])
    except (pyrage.IdentityError, pyrage.DecryptError):
        opened = None
    if opened is None:
        raise KeyUnusableError(
            f"{printable(task.path)} is not the key of the slot",
            "if you have another: keyturn account slot use SLOT --key FILE",
        )
    return Unwrapped(identity=derive.identity_in(opened))


def _unprotected(content: bytes, name: str, prompter: Prompter) -> bytes:
    """The key without its passphrase, in memory. Raises DeniedError after three wrong ones."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    warning = ""
    for attempt in range(1, ATTEMPTS + 1):
        typed = prompter.secret(f"passphrase of {name}: ", warning).reveal().encode("utf-8", "ignore")
        try:
            # An empty one would be taken for none, and is wrong here in any case.
            key = serialization.load_ssh_private_key(content, typed or b"\0")
            return key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.OpenSSH,
                serialization.NoEncryption(),
            )
        except UnsupportedAlgorithm:
            break
        except ValueError:
            # Wrong, or the file is damaged: only the library's wording would tell them apart.
            warning = f"wrong passphrase ({attempt} of {ATTEMPTS})"
    else:
        raise DeniedError(f"wrong passphrase, {ATTEMPTS} times", f"the key is {name}")
    raise KeyUnusableError(
        f"{name} is protected in a way that is not known here", "ssh-keygen -p writes it anew"
    )


def _read(path: str) -> bytes:
    try:
        return files.read(Path(path), LARGEST)[0]
    except OSError as error:
        reason = files.reason(error)
    except DamagedError as error:
        raise KeyUnusableError(error.message) from None
    raise KeyUnusableError(f"cannot read {printable(path)}: {reason}")


def _openssh(content: bytes, name: str) -> tuple[bool, bytes]:
    """Whether the private key is protected, and the public one (PROTOCOL.key of OpenSSH)."""
    text = content.strip().removeprefix(_BEGIN).removesuffix(_END)
    try:
        data = base64.b64decode(b"".join(text.split()), validate=True)
        if data.startswith(_MAGIC):
            cipher, at = _string(data, len(_MAGIC))
            _, at = _string(data, at)
            _, at = _string(data, at)
            public, _ = _string(data, at + 4)
            _string(public, 0)
            return cipher != b"none", public
    except (binascii.Error, IndexError):
        pass
    raise UsageError(f"{name} is damaged: it is no private key of OpenSSH's")


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    end = at + 4 + int.from_bytes(data[at : at + 4], "big")
    if end > len(data) or at + 4 > len(data):
        raise IndexError
    return data[at + 4 : end], end
