"""The runner of console blocks itself: what it accepts, and every way in which it must say no."""

import subprocess
from pathlib import Path

import pytest

from scripts.check_docs import run_page
from scripts.console_blocks import Page, PageError, matches, read_page, read_pages


def page(tmp_path: Path, text: str) -> Page:
    file = tmp_path / "page.md"
    file.write_text(text)
    return read_page(file, "page.md")


def block(*lines: str, fence: str = "console") -> str:
    return "\n".join([f"```{fence}", *lines, "```", ""])


def faults(tmp_path: Path, *lines: str) -> str:
    return "\n".join(run_page(page(tmp_path, block(*lines))))


def test_a_true_page_passes(tmp_path: Path) -> None:
    first = block(
        "$ x=1; cd /", "$ echo one; echo two >&2", "one", "two", "$ printf 'no newline'", "no newline"
    )
    second = block("$ echo $x; pwd", "1", "/", "$ cat <<E", "> a", "> E", "a", "$ false", "$ echo $?", "1")
    assert run_page(page(tmp_path, first + "\n```text\n$ not run\n```\n" + second)) == []


def test_aliases_of_a_sourced_file_work(tmp_path: Path) -> None:
    assert faults(tmp_path, "$ echo 'alias hi=\"echo hello\"' > a.sh", "$ . ./a.sh", "$ hi", "hello") == ""


def test_the_home_is_empty_and_without_a_terminal(tmp_path: Path) -> None:
    lines = [
        "$ pwd",
        "/…/home",
        "$ ls -A ~",
        "$ echo $HOME",
        "/…/home",
        "$ : </dev/tty",
        "…",
        "$ echo $?",
        "1",
    ]
    assert faults(tmp_path, *lines) == ""


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["$ echo one", "two"], "page.md:2: $ echo one"),
        (["$ echo one"], "it said:\n    one"),
        (["$ true", "one"], "the page says:\n    one"),
        (["$ (exit 3)", "$ true"], "failed with status 3"),
        (["$ exit 0", "$ true"], "ended the shell"),
        (["$ if", "$ true"], "ended the shell"),
    ],
)
def test_a_false_page_is_found_out(tmp_path: Path, lines: list[str], words: str) -> None:
    assert words in faults(tmp_path, *lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("```console\n$ true\n", "page.md:1: a block that is not closed"),
        (block("one", "$ true"), "page.md:2: output before the first command"),
        (block(), "page.md:2: a console block without a command"),
        (block("$ true", fence='console skip=""'), "page.md:1: after ```console only"),
        (block("$ true", fence="console sikp"), "page.md:1: after ```console only"),
        ("<!-- console: needs azure -->\n", "page.md:1: unknown need"),
    ],
)
def test_a_malformed_page_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PageError, match=words):
        page(tmp_path, text)


def test_a_skipped_block_is_listed_and_not_run(tmp_path: Path) -> None:
    skipping = page(tmp_path, block("$ false", fence='console skip="needs a screen"'))
    assert skipping.skipped == ["page.md:1: not run: needs a screen"]
    assert run_page(skipping) == []


@pytest.mark.parametrize("readme", [None, "# Title\n", block("$ true", fence='console skip="x"')])
def test_a_readme_without_a_block_is_an_error(tmp_path: Path, readme: str | None) -> None:
    if readme is not None:
        (tmp_path / "README.md").write_text(readme)
    with pytest.raises(PageError, match="README"):
        read_pages(tmp_path)


def test_pages_below_docs_are_found(tmp_path: Path) -> None:
    (tmp_path / "docs/reference").mkdir(parents=True)
    (tmp_path / "README.md").write_text(block("$ true"))
    (tmp_path / "docs/reference/format.md").write_text(block("$ true"))
    (tmp_path / "docs/plain.md").write_text("nothing to run\n")
    assert [found.name for found in read_pages(tmp_path)] == ["README.md", "docs/reference/format.md"]


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        (["..."], [], True),
        (["a", "...", "d"], ["a", "b", "c", "d"], True),
        (["a", "...", "d"], ["a", "d"], True),
        (["a", "...", "d"], ["a", "b"], False),
        (["took … ms"], ["took 1.5 ms"], True),
        (["took … ms"], ["took 1", "2 ms"], False),
        (["a.c"], ["abc"], False),
        ([], [], True),
        ([], ["a"], False),
    ],
)
def test_wildcards(expected: list[str], actual: list[str], same: bool) -> None:
    assert matches(expected, actual) is same


@pytest.mark.needs("pgrep")
def test_what_a_page_leaves_running_is_ended(tmp_path: Path) -> None:
    assert faults(tmp_path, "$ setsid bash -c 'exec -a kept-by-a-page sleep 300' & sleep 0.3") == ""
    assert subprocess.run(["pgrep", "-f", "^kept-by-a-page"], capture_output=True).stdout == b""


def test_the_local_aws_is_there_for_a_page_that_needs_it(tmp_path: Path) -> None:
    text = "<!-- console: needs aws -->\n" + block(
        "$ aws sts get-caller-identity --query Arn",
        '"arn:aws:iam::…:user/ada"',
        "$ stat -c %a .aws/credentials",
        "600",
    )
    assert run_page(page(tmp_path, text)) == []
