"""The pages that are followed on a terminal, typed on one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.check_docs import ROOT
from tests.aws_server.client import LocalAws
from tests.docs.terminal_blocks import Command, Typist, read_commands
from tests.programs.user import User

PAGES = {
    str(path.relative_to(ROOT)): commands
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if (commands := read_commands(path))
}


@pytest.fixture(scope="module")
def adas_aws() -> Iterator[LocalAws]:
    """As `make try` starts it: ada is the only user."""
    with LocalAws("ada") as aws:
        yield aws


def test_there_are_such_pages() -> None:
    assert {"docs/tutorial/first-key.md", "docs/how-to/recover.md"} <= set(PAGES)


@pytest.mark.parametrize("name", sorted(PAGES))
def test_page(name: str, user: User, adas_aws: LocalAws) -> None:
    user.variables.update(adas_aws.environment())
    user.aws_files(adas_aws.credentials_text("ada"), adas_aws.config_text())
    typist = Typist(user.terminal(columns=160))
    for command in PAGES[name]:
        faults = typist.type(command)
        assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("command", "is_true"),
    [
        (Command(1, "echo one; echo two", ["one", "two"]), True),
        (Command(1, "echo one; echo two", ["one"]), False),
        (Command(1, "true", ["one"]), False),
        (Command(1, "read -p 'name: ' x; echo got \"$x\"", ["name:  <Enter>", "got"]), True),
        (Command(1, "read -p 'name: ' x; echo got \"$x\"", ["name:  <password>", "got"]), False),
        (Command(1, "echo first; read -p 'name: '", ["name:  <Enter>"]), False),
    ],
)
def test_a_false_page_is_found_out(user: User, command: Command, is_true: bool) -> None:
    assert (Typist(user.terminal()).type(command) == []) is is_true


def test_blocks_are_read(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ no\n```\n```terminal\n$ yes\nout\n```\n")
    assert read_commands(page) == [Command(5, "yes", ["out"])]
