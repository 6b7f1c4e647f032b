"""The pages keep what they promise: each page's console blocks, run."""

from collections.abc import Callable

import pytest

from scripts.check_docs import ROOT, run_page
from scripts.console_blocks import PageError, read_pages

try:
    PAGES = {page.name: page for page in read_pages(ROOT)}
    ERROR = ""
except PageError as error:
    PAGES, ERROR = {}, str(error)


def test_the_pages_can_be_read() -> None:
    """Also fails when the README has no block: a check of nothing is none."""
    assert not ERROR


@pytest.mark.parametrize("name", sorted(PAGES) or ["README.md"])
def test_page(name: str, record_property: Callable[[str, object], None]) -> None:
    assert name in PAGES, ERROR
    page = PAGES[name]
    for line in page.skipped:
        record_property("closing line", line)
    faults = run_page(page)
    assert not faults, "\n" + "\n".join(faults)
