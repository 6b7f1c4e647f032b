"""msgpack between processes of ours, over pipes: for these alone, since secrets are in it as they are."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from keyturn.ground.secret import decode_secret, encode_secret
from keyturn.ground.wire import WireError

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder(enc_hook=encode_secret)


def encode(value: object) -> bytes:
    """Any struct of ours, secrets included."""
    return _encoder.encode(value)


class Packed(Generic[T]):
    """Between values of one kind and their bytes. `name` is for errors: “a task”."""

    def __init__(self, kind: Any, name: str) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind, dec_hook=decode_secret)
        self._name = name

    def encode(self, value: T) -> bytes:
        return encode(value)

    def decode(self, content: bytes) -> T:
        """Raises WireError for bytes that are none; they are not repeated, nor kept as its context."""
        try:
            return self._decoder.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass
        raise WireError(f"{self._name} that is none")
