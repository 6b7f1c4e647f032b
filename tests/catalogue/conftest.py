"""The catalogue with a person's own plugins in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keyturn.catalogue import loader
from tests.catalogue.own_files import OwnFiles


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OwnFiles:
    """An empty configuration directory, which counts for the duration of the test."""
    monkeypatch.setattr(loader, "_own", None)
    monkeypatch.setattr(loader, "_rules", None)
    loader.use(tmp_path, os.getuid())
    return OwnFiles(tmp_path)
