"""The data file that says where tools keep credentials in plaintext."""

from __future__ import annotations

from pathlib import Path

from keyturn.plaintext import definitions
from keyturn.plaintext.definitions import Tool

BUILT_IN = Path(__file__).with_suffix(".toml")


def tools() -> tuple[Tool, ...]:
    """Every tool whose plaintext is known, in the order in which they claim what is found.

    Raises ConfigurationError for a file that is not as it has to be.
    """
    return definitions.parse(BUILT_IN.read_bytes(), str(BUILT_IN))
