"""Writes what aws-vault writes: entries, and its encrypted files, from RFC 7516 and RFC 7518."""

import base64
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap


def entry(key: str, key_id: str, secret: str, token: str = "") -> bytes:
    """An entry of its keyring library, around credentials of the AWS SDK."""
    credentials = {
        "AccessKeyID": key_id,
        "SecretAccessKey": secret,
        "SessionToken": token,
        "Source": "",
        "CanExpire": bool(token),
        "Expires": "0001-01-01T00:00:00Z",
    }
    data = base64.b64encode(json.dumps(credentials).encode()).decode()
    item = {"Key": key, "Data": data, "Label": f"aws-vault ({key})", "Description": ""}
    return json.dumps(item).encode()


def encrypted(content: bytes, passphrase: str, **header: Any) -> bytes:
    """A file's content; `header` replaces members, a None takes one away."""
    salt = os.urandom(12)
    members = {
        "alg": "PBES2-HS256+A128KW",
        "enc": "A256GCM",
        "created": "2026-01-31 12:00:00 +0000 UTC",
        "p2c": 8192,
        "p2s": part(salt),
        **header,
    }
    members = {name: value for name, value in members.items() if value is not None}
    protected = part(json.dumps(members).encode())
    rounds = members["p2c"] if isinstance(members.get("p2c"), int) and 0 < members["p2c"] <= 8192 else 8192
    key = hashlib.pbkdf2_hmac("sha256", passphrase.encode(), b"PBES2-HS256+A128KW\0" + salt, rounds, 16)
    content_key, nonce = os.urandom(32), os.urandom(12)
    sealed = AESGCM(content_key).encrypt(nonce, content, protected.encode())
    parts = [aes_key_wrap(key, content_key), nonce, sealed[:-16], sealed[-16:]]
    return ".".join([protected, *map(part, parts)]).encode()


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def store(directory: Path, passphrase: str, **entries: bytes) -> Path:
    """A directory of encrypted files, by the names of their entries."""
    directory.mkdir(parents=True, mode=0o700)
    for name, content in entries.items():
        (directory / name.replace("/", "%2F")).write_bytes(encrypted(content, passphrase))
    return directory
