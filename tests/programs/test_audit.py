"""`keyturn log`: every use of an item, also the refused ones; no secret and no argument."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from keyturn.ground.errors import Status
from tests.programs.probe import Wrapped
from tests.programs.user import User
from tests.vaults.templates import PASSWORD

QUESTION = "password of account “Test”: "


@pytest.fixture
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


def records(user: User, *words: str) -> list[dict[str, Any]]:
    content = json.loads(user.keyturn("log", "--format", "json", *words).succeeds().output)
    assert content["version"] == 1
    found: list[dict[str, Any]] = content["log"]
    return found


def test_what_was_used_and_what_was_refused(wrapped: Wrapped) -> None:
    user = wrapped.user
    words = " ".join(wrapped.launcher)
    user.keyturn("lock").succeeds()
    before = records(user)
    assert {each["command"] for each in before} == {"keyturn item get"}, "the set-up itself"
    (user.state / "audit.jsonl").unlink()
    terminal = user.terminal()
    terminal.type(f"source {user.config}/plugins.sh")
    terminal.ready()
    terminal.type("aws s3 ls s3://ARGUMENT-EXAMPLE")
    terminal.answer(QUESTION, PASSWORD)
    terminal.ready()
    terminal.run(f"setsid -w {words} s3")
    terminal.run("keyturn item get AWS --reveal")
    user.sh(f"{words} s3").fails(Status.LOCKED, "needs an approval")
    user.keyturn("lock").succeeds()
    terminal.type("aws s3")
    terminal.expect(re.escape(QUESTION))
    terminal.press("c")
    terminal.ready()

    # A cancelled question is one record: the command's, whatever the launcher went through.
    found = records(user)
    assert [(each["command"], each["outcome"], each.get("how", "")) for each in found] == [
        ("aws", "allowed", "approved"),
        ("aws", "allowed", "inherited"),
        ("keyturn item get", "allowed", "approved"),
        ("aws", "locked", ""),
        ("aws", "interrupted", ""),
    ]
    first, inherited, _, without, _ = found
    assert first["program"] == str(wrapped.probe.path)
    assert first["source"] == "the global default"
    assert re.fullmatch(r"pts/\d+", first["terminal"])
    assert len({first["item"], inherited["item"], without["item"]}) == 1
    assert "terminal" not in inherited
    assert [each["outcome"] for each in records(user, "--refused")] == ["locked", "interrupted"]
    assert len(records(user, "-n", "2")) == 2
    assert records(user, "--item", "none") == []

    # Locked, and without an agent; a table for people.
    user.keyturn("agent", "stop").succeeds()
    table = user.keyturn("log").succeeds().output.splitlines()
    assert len(table) == 6
    assert re.search(r"\baws +AWS +the global default +pts/\d+ +approved$", table[1]), table[1]
    assert table[-1].endswith("interrupted")
    written = (user.state / "audit.jsonl").read_text()
    assert "EXAMPLE" not in written


def test_nothing_was_used_yet(user: User) -> None:
    assert user.keyturn("log").succeeds().errors == "nothing was used yet\n"
    assert records(user) == []
