"""An error on its way from a helper: its standard error is nobody's, so it crosses the pipe as an answer."""

from __future__ import annotations

import msgspec

from keyturn.ground.errors import KeyturnError, all_errors


class Failed(msgspec.Struct, tag="failed", frozen=True, forbid_unknown_fields=True):
    """What a KeyturnError says."""

    code: str
    message: str
    hints: tuple[str, ...] = ()

    @classmethod
    def of(cls, error: KeyturnError) -> Failed:
        return cls(error.code, error.message, error.hints)

    def error(self) -> KeyturnError:
        """The error, to be raised."""
        return all_errors().get(self.code, KeyturnError)(self.message, *self.hints)
