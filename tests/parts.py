"""The parts of a machine that some tests need: programs, and being root.

A test says which it needs, by `needs("zsh")` where it uses it or by the mark `@pytest.mark.needs("zsh")`.
Where the part is absent the test skips and names it, and the closing lines of the run list what was missing;
with CI set in the environment it fails instead, for a machine that checks must have all parts.
"""

import os
import shutil
from collections.abc import Iterable
from typing import NoReturn

import pytest

ABSENT = "absent part: "


def is_root() -> bool:
    return os.geteuid() == 0


# What is no program on PATH, and how its presence shows. Any other name is a program.
OTHER_PARTS = {"root": is_root}


def needs(part: str) -> str:
    """The path of the program (the name of a part that is none), or the end of this test."""
    __tracebackhide__ = True
    check = OTHER_PARTS.get(part)
    # Root's programs are on no ordinary user's PATH.
    search = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    found = (part if check() else None) if check else shutil.which(part, path=search)
    if found is None:
        absent(part)
    return found


def absent(part: str) -> NoReturn:
    """The end of this test for want of a part that only the test itself could find missing."""
    __tracebackhide__ = True
    if os.environ.get("CI"):
        pytest.fail(f"{ABSENT}{part} (with CI set, a test may not skip for it)")
    pytest.skip(ABSENT + part)


def absent_parts(reasons: Iterable[str]) -> dict[str, int]:
    """Which parts were absent, by the reasons of skipped tests, and how many tests that cost."""
    counts: dict[str, int] = {}
    for reason in reasons:
        _, mark, part = reason.partition(ABSENT)
        if mark:
            counts[part] = counts.get(part, 0) + 1
    return dict(sorted(counts.items()))
