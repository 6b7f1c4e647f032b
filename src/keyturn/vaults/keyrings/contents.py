"""An item as the one text that an entry of a keyring holds."""

from __future__ import annotations

import msgspec

from keyturn.ground.clock import Clock, timestamp
from keyturn.ground.errors import ConflictError, MissingError
from keyturn.ground.secret import decode_secret, encode_secret
from keyturn.items import Item

_encoder = msgspec.json.Encoder(enc_hook=encode_secret)
_decoder = msgspec.json.Decoder(Item, dec_hook=decode_secret)


def encode(item: Item) -> str:
    """Text that is not UTF-8 does not come here: it cannot cross the pipe to a helper."""
    return _encoder.encode(item).decode()


def decode(content: str) -> Item | None:
    """None for what is no item of ours."""
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeError):
        return None


def following(stored: Item, item: Item, clock: Clock) -> Item:
    """What `item` becomes in the place of `stored`. Raises ConflictError if that is not what was read."""
    if stored.version != item.version:
        raise ConflictError("the item was changed meanwhile", "look at it, then try again")
    return msgspec.structs.replace(
        item, version=stored.version + 1, created_at=stored.created_at, updated_at=timestamp(clock.now())
    )


def gone() -> MissingError:
    return MissingError("the keyring has no such entry any more", "see them: keyturn item list")
