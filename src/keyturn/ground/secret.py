"""A value that must not be shown."""

from __future__ import annotations

import hmac
from typing import Any, NoReturn


class Secret:
    """Text that no `repr`, `str`, `format`, log line or traceback shows.

    `reveal()` is the one way to the text, so that every use can be found by searching for it.
    Python cannot wipe a string: forgetting for certain is the end of the process that holds it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        # The same for every value: a length, or a last letter, says too much of a short one.
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(
            self._text.encode("utf-8", "surrogatepass"), other._text.encode("utf-8", "surrogatepass")
        )

    __hash__ = None  # type: ignore[assignment]  # a hash of a secret is a way to test guesses

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


def encode_secret(value: Any) -> Any:
    """msgspec's `enc_hook`: the text of a Secret; for vault payloads and the agent's own socket only."""
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"cannot encode {type(value).__name__}")


def decode_secret(kind: type, value: Any) -> Any:
    """msgspec's `dec_hook`, the other direction."""
    if kind is Secret:
        if not isinstance(value, str):
            raise ValueError("expected text")
        return Secret(value)
    raise NotImplementedError(f"cannot decode {kind.__name__}")
