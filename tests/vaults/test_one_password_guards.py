"""What stands between 1Password's program and harm: what it prints, how much of it, and to whom it talks."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from keyturn.ground.errors import ConflictError, KeyturnError, UnreachableError, UsageError
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Section, Url, new_field, required_field
from keyturn.vaults import operations
from keyturn.vaults.failed import Failed
from keyturn.vaults.onepassword import items, program
from keyturn.vaults.operations import Answer, Got, KeyWanted, Listing, Operation
from keyturn.vaults.places import Place
from tests.vaults.templates import make_item

VAULT = {"id": "v" * 26, "name": "Private"}
ITEM: dict[str, Any] = {
    "id": "a" * 26,
    "title": "AWS",
    "version": 3,
    "vault": VAULT,
    "category": "LOGIN",
    "tags": [],
    "urls": [{"href": "https://example.com", "primary": True, "kind": "ours knows none"}],
    "sections": [{"id": "s", "label": "Keys"}],
    "fields": [
        {"id": "username", "type": "STRING", "purpose": "USERNAME", "label": "username", "value": "ada"},
        {"id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password"},
        {"id": "card", "type": "CREDIT_CARD_NUMBER", "label": "card", "value": "4111"},
        {
            "id": "x",
            "type": "CONCEALED",
            "label": "token",
            "value": "old",
            "reference": "op://x",
            "password_details": {"strength": "GOOD"},
        },
    ],
}


class Op:
    """An `op` that prints what it is told to by the first two of its words, and keeps what it was given."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.program = directory / "op"
        self._answers: dict[str, tuple[str, str, int]] = {}
        self.answers("--version", "2.31.1\n")

    def answers(self, command: str, printed: object, errors: str = "", status: int = 0) -> None:
        text = printed if isinstance(printed, str) else json.dumps(printed)
        self._answers[command] = (text, errors, status)
        lines = [
            f"#!{sys.executable} -IS",
            "import os, sys",
            f"answers = {self._answers!r}",
            f"with open({str(self.directory / 'calls')!r}, 'a') as log:",
            "    print(repr((sys.argv[1:], sys.stdin.read(), os.getsid(0) == os.getpid())), file=log)",
            "known = [' '.join(sys.argv[1:end]) for end in (3, 2) if ' '.join(sys.argv[1:end]) in answers]",
            "printed, errors, status = answers[known[0]]",
            "sys.stdout.write(printed)",
            "sys.stderr.write(errors)",
            "raise SystemExit(status)",
        ]
        self.program.write_text("\n".join([*lines, ""]))
        self.program.chmod(0o755)

    @property
    def calls(self) -> list[tuple[list[str], str, bool]]:
        path = self.directory / "calls"
        return [eval(line) for line in path.read_text().splitlines()] if path.exists() else []

    def do(
        self, operation: Operation, key: str | None = None, account: str = "", **environment: str
    ) -> Answer:
        place = Place("1password", account, program=str(self.program))
        task = operations.Task(place, operation, None if key is None else Secret(key), environment)
        return operations.perform(task)

    def refuses(self, operation: Operation, **more: Any) -> KeyturnError:
        answer = self.do(operation, **more)
        assert isinstance(answer, Failed), answer
        return answer.error()


@pytest.fixture
def op(tmp_path: Path) -> Op:
    return Op(tmp_path)


def test_no_terminal_is_within_its_reach(op: Op) -> None:
    """In a session of its own it cannot ask on the terminal of whoever started the agent."""
    op.answers("vault list", [VAULT])
    op.answers("item list", [])
    assert isinstance(op.do(operations.ListItems(), account="my"), Listing)
    op.do(operations.Unlock(), account="my")
    assert all(leads for _, _, leads in op.calls)
    assert [words[-2:] == ["--account", "my"] for words, _, _ in op.calls] == [True, True, False, True]


def test_an_answer_of_any_size_is_not_taken(op: Op, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "LARGEST", 100)
    op.answers("vault list", [VAULT] * 10)
    assert "far more" in op.refuses(operations.ListItems()).message


def test_what_it_says_is_one_printable_line(op: Op) -> None:
    op.answers("vault list", "", "warning: x\n[ERROR] 2026/01/02 03:04:05 odd \x1b[2J thing\nmore\n", 1)
    error = op.refuses(operations.ListItems())
    assert isinstance(error, UnreachableError)
    assert "odd" in error.message
    assert error.message.isprintable()


def test_a_sign_in_that_prints_no_session_is_none(op: Op) -> None:
    op.answers("vault list", "", "[ERROR] account is not signed in\n", 1)
    op.answers("account list", [{"email": "ada@example.com"}])
    op.answers("signin --force", "export PATH=/tmp/x\n")
    assert isinstance(op.do(operations.Unlock()), KeyWanted)
    assert "printed no session" in op.refuses(operations.Unlock(), key="typed EXAMPLE").message
    typed = op.calls[-1][1]
    assert typed == "typed EXAMPLE\n"
    op.answers("signin --force", "", "[ERROR] account is not signed in\n", 1)
    assert isinstance(op.do(operations.Unlock(), key="typed EXAMPLE"), KeyWanted)


def test_only_what_ids_can_name_is_listed(op: Op) -> None:
    """An id becomes a word of a command."""
    op.answers("vault list", [VAULT, {"id": "--help", "name": "odd"}])
    other = {"id": "w" * 26, "name": "not listed"}
    odd = [{**ITEM, "id": "--help"}, {**ITEM, "id": "b" * 26, "vault": other}]
    op.answers("item list", [ITEM, *odd])
    listing = op.do(operations.ListItems())
    assert isinstance(listing, Listing)
    assert [vault.id for vault in listing.vaults] == [VAULT["id"]]
    assert [each.summary.id for each in listing.items] == [ITEM["id"]]


@pytest.mark.parametrize(
    "printed", [{}, {**ITEM, "vault": 7}, {**ITEM, "version": "x"}, {**ITEM, "fields": [1]}]
)
def test_what_is_no_item_is_named(op: Op, printed: object) -> None:
    op.answers("item get", printed)
    error = op.refuses(operations.GetItem("a" * 26))
    assert isinstance(error, UnreachableError)
    assert "no item" in error.message


def test_an_edit_of_another_version_is_not_sent(op: Op) -> None:
    op.answers("item get", ITEM)
    got = op.do(operations.GetItem("a" * 26))
    assert isinstance(got, Got)
    op.answers("item get", {**ITEM, "version": 4})
    assert isinstance(op.refuses(operations.EditItem(got.item)), ConflictError)
    assert not [words for words, _, _ in op.calls if words[:2] == ["item", "edit"]]


def test_an_archived_item_is_asked_for_only_where_it_is_wanted(op: Op) -> None:
    op.answers("item get", ITEM)
    op.do(operations.GetItem("a" * 26))
    op.do(operations.GetItem("a" * 26, archived=True))
    assert ["--include-archive" in words for words, _, _ in op.calls] == [False, True]
    op.answers("item delete", "")
    op.do(operations.ArchiveItem("a" * 26))
    words = op.calls[-1][0]
    assert words == ["item", "delete", "a" * 26, "--archive", "--vault", VAULT["id"]]


def test_a_vaults_name_is_no_flag(op: Op) -> None:
    op.answers("vault list", [VAULT])
    for name in ("--help", "-x"):
        assert isinstance(op.refuses(operations.CreateVault(name)), UsageError)
    assert isinstance(op.refuses(operations.CreateVault("Private")), ConflictError)
    assert not [words for words, _, _ in op.calls if words[:2] == ["vault", "create"]]


def test_an_item_without_a_title_is_refused(op: Op) -> None:
    assert isinstance(op.refuses(operations.CreateItem("v" * 26, make_item(" "))), UsageError)
    assert op.calls == []


def test_an_edit_leaves_what_is_not_shown_as_it_came() -> None:
    """Fields of kinds and properties that ours knows nothing of go back in the template, unchanged."""
    item = items.item_of(ITEM)
    assert required_field(item, "card").type is FieldType.CONCEALED
    same = json.loads(items.edited(ITEM, item))
    assert same == ITEM
    required_field(item, "token").value = Secret("new")
    item.fields = [field for field in item.fields if field.label not in ("username", "card")]
    fields = {field["id"]: field for field in json.loads(items.edited(ITEM, item))["fields"]}
    assert fields["x"] == {"id": "x", "type": "CONCEALED", "label": "token", "value": "new"}
    assert fields["username"]["value"] == "", "a field of the category stays, empty"
    assert "password" in fields
    assert "card" not in fields
    required_field(item, "token").type = FieldType.TEXT
    item.urls = [Url("https://other.example")]
    changed = json.loads(items.edited(ITEM, item))
    assert changed["urls"] == [{"href": "https://other.example", "label": "", "primary": False}]
    assert changed["sections"] == ITEM["sections"]
    assert {field["id"]: field["type"] for field in changed["fields"]}["x"] == "STRING"


def test_what_an_edit_touches_keeps_its_kind_and_its_section() -> None:
    there = json.loads(json.dumps(ITEM))
    there["fields"][2]["section"] = {"id": "s", "label": "Keys"}
    item = items.item_of(there)
    required_field(item, "card").value = Secret("4222")
    item.fields.append(new_field("more", FieldType.TEXT, Secret("1")))
    item.fields[-1].section = Section("t", "More")
    changed = json.loads(items.edited(there, item))
    card = next(field for field in changed["fields"] if field["id"] == "card")
    assert (card["type"], card["value"]) == ("CREDIT_CARD_NUMBER", "4222")
    assert changed["sections"] == [{"id": "s", "label": "Keys"}, {"id": "t", "label": "More"}]
