"""The page of verified tools is made from the results, has every plugin, and nothing else."""

from __future__ import annotations

import re
from datetime import date

import msgspec
import pytest

from keyturn.catalogue import loader
from scripts import reference, verified_page
from tests.verify_tools import table
from tests.verify_tools.results import Results, Row, read

ROW = Row("hf", "huggingface", "hf", "pip", "huggingface_hub==1", "2026-01-02")


def first_cells(page: str) -> list[str]:
    return re.findall(r"^\| `([a-z0-9-]+)` \|", page.partition("## What could not")[0], re.MULTILINE)


def test_the_page_is_what_the_results_say() -> None:
    written = (reference.REFERENCE / "verified-tools.md").read_text()
    assert written == verified_page.page(reference.NOTE)


def test_every_plugin_is_on_it() -> None:
    assert set(first_cells(verified_page.page(""))) == set(loader.names(loader.BUILT_IN))


def test_the_results_are_of_tools_in_the_table() -> None:
    """As they are now: not of another plugin or version than the table's."""
    rows = read().tools
    assert rows
    for row in rows:
        tool = table.load(row.name)
        packages = tool.packages or table.load(tool.share).packages
        assert (row.plugin, row.runs, row.packages) == (tool.plugin, tool.runs, " ".join(packages))
        date.fromisoformat(row.date)


def test_thirty_tools_were_really_run() -> None:
    assert len({row.runs for row in read().tools if row.result == "verified"}) >= 30


def test_each_way_of_trying_has_its_words() -> None:
    verified = ROW.with_result("verified", version="1.2")
    results = Results("Here", (verified,), {"hcloud": "2026-01-03"})
    page = verified_page.page("", results)
    assert "| `huggingface` | real tool | `hf` | 1.2 | pip: huggingface_hub==1 | 2026-01-02 |" in page
    assert "| `hcloud` | probe |  |  |  | 2026-01-03 |" in page
    assert "| `mysql` | cases only |" in page
    assert "could not be tried" not in page
    failed = ROW.with_result("not installed", "a|b")
    page = verified_page.page("", msgspec.structs.replace(results, tools=(failed,)))
    assert "| `huggingface` | cases only |" in page
    assert "| hf | `huggingface` | huggingface_hub==1 | a\\|b | 2026-01-02 |" in page


def test_results_of_a_plugin_that_is_gone_are_an_error() -> None:
    with pytest.raises(verified_page.UnknownPluginError, match="nobody"):
        verified_page.page("", Results("Here", (), {"nobody": "2026-01-03"}))
