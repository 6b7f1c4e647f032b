"""Links between the pages: what they point to exists, and every page can be reached from the index."""

import re
from pathlib import Path

import pytest

from scripts.check_docs import ROOT

LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
HEADING = re.compile(r"^#+ (?P<text>.*)$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def pages(root: Path) -> list[Path]:
    return [*sorted(root.glob("*.md")), *sorted((root / "docs").rglob("*.md"))]


def links(page: Path) -> list[str]:
    return [match["target"] for match in LINK.finditer(CODE.sub("", page.read_text()))]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings: lower case, letters, digits and hyphens."""
    headings = [
        match["text"]
        for match in HEADING.finditer(re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S))
    ]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def broken(page: Path) -> list[str]:
    found: list[str] = []
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path) if path else page
        if not file.exists():
            found.append(f"{page}: {target}: there is no such file")
        elif fragment and fragment not in anchors(file):
            found.append(f"{page}: {target}: there is no such heading")
    return found


def reachable(start: Path) -> set[Path]:
    found: set[Path] = set()
    queue = [start.resolve()]
    while queue:
        page = queue.pop()
        if page in found or page.suffix != ".md":
            continue
        found.add(page)
        targets = [target.partition("#")[0] for target in links(page) if not re.match(r"[a-z]+:", target)]
        files = [(page.parent / target).resolve() for target in targets if target]
        queue += [file for each in files for file in (sorted(each.glob("*.md")) if each.is_dir() else [each])]
    return found


def test_links_lead_somewhere() -> None:
    found = pages(ROOT)
    assert sum(len(links(page)) for page in found) > 20
    faults = [fault for page in found for fault in broken(page)]
    assert not faults, "\n" + "\n".join(faults)


def test_every_page_can_be_reached_from_the_readme() -> None:
    lost = set(map(Path.resolve, (ROOT / "docs").rglob("*.md"))) - reachable(ROOT / "README.md")
    assert not lost, f"no link leads to: {', '.join(sorted(map(str, lost)))}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[a](gone.md)", "no such file"),
        ("[a](#gone)", "no such heading"),
        ("[a](page.md#gone)", "no such heading"),
        ("![a](gone.svg)", "no such file"),
    ],
)
def test_a_broken_link_is_found_out(tmp_path: Path, text: str, fault: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Here: it is!\n[b](#here-it-is) [c](https://example.com) `[d](gone.md)`\n{text}\n")
    (found,) = broken(page)
    assert fault in found
