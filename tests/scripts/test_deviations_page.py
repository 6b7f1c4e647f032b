"""The generated page of deviations: every row of every case file is on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from keyturn.catalogue import cases, loader
from scripts import deviations_page


def test_every_deviation_is_a_row() -> None:
    page = deviations_page.page("")
    for name in loader.names(loader.BUILT_IN):
        for each in cases.load_cases(cases.path_beside(loader.BUILT_IN / f"{name}.toml")).deviations:
            assert f"| {deviations_page.cell(each.what)} |" in page
            assert f"| {deviations_page.cell(each.because)} |" in page


def test_a_row_is_one_row() -> None:
    for line in deviations_page.page("").splitlines():
        assert not line.startswith("|") or line.replace("\\|", "").count("|") == 4


def test_a_catalogue_without_deviations_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loader, "BUILT_IN", tmp_path)
    with pytest.raises(deviations_page.NoDeviationsError):
        deviations_page.page("")
