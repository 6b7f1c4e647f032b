"""An absent part is named: a skip that is listed at the end, or with CI set a failure."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.parts import absent_parts, needs

ROOT = Path(__file__).resolve().parent.parent


def test_a_part_that_is_there_gives_its_path() -> None:
    assert needs("sh").endswith("/sh")


def test_an_absent_part_skips_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="absent part: no-such-shell"):
        needs("no-such-shell")


def test_in_ci_an_absent_part_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="absent part: no-such-shell"):
        needs("no-such-shell")


def test_only_skips_for_absent_parts_are_counted() -> None:
    reasons = ["Skipped: absent part: zsh", "Skipped: macOS only", "Skipped: absent part: zsh"]
    assert absent_parts(reasons) == {"zsh": 2}


def run_pytest(directory: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """A run of its own, as `make test` runs it, over one test that needs what no machine has."""
    (directory / "test_it.py").write_text(
        "import pytest\n@pytest.mark.needs('no-such-shell')\ndef test_it(): pass\n"
        "def test_note(record_property): record_property('closing line', 'page.md:1: not run')\n"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **extra}
    command = [sys.executable, "-m", "pytest", "-n", "1", "-p", "tests.conftest", "--rootdir", str(directory)]
    return subprocess.run(
        [*command, "-o", "markers=needs(part)", str(directory)],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_the_closing_lines_name_what_was_absent(tmp_path: Path) -> None:
    done = run_pytest(tmp_path)
    assert done.returncode == 0, done.stdout
    assert "absent here: no-such-shell (tests skipped for it: 1)" in done.stdout.splitlines()
    assert "page.md:1: not run" in done.stdout.splitlines()


def test_with_ci_set_the_run_fails(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, CI="1")
    assert done.returncode == 1, done.stdout
    assert "absent part: no-such-shell" in done.stdout
