"""`label[type]=value`: what it means, and that no secret is taken from an argument."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.cli import assignments
from keyturn.cli.assignments import Assignment
from keyturn.cli.context import Context
from keyturn.ground.clock import SystemClock
from keyturn.ground.errors import UsageError
from keyturn.ground.secret import Secret
from keyturn.ground.world import World
from keyturn.items import TYPE_WORDS, FieldType, Item, new_field, new_item

LABELS = st.text(min_size=1).filter(lambda text: not set(text) & set("=[]") and bool(text.strip()))


def context() -> Context:
    return Context(world=World({}, 0, SystemClock()), no_input=True)


@given(label=LABELS, kind=st.sampled_from(["", "text", "url"]), value=st.none() | st.text())
@example(label="a b", kind="text", value="x=y[z]\n=")
def test_what_is_written_is_what_is_read(label: str, kind: str, value: str | None) -> None:
    word = label + (f"[{kind}]" if kind else "") + (f"={value}" if value is not None else "")
    assert assignments.parse([word]) == [Assignment(label.strip(), kind, value)]


@given(label=LABELS, kind=st.sampled_from(["", "concealed", "otp"]), value=st.text())
def test_no_secret_by_an_argument(label: str, kind: str, value: str) -> None:
    if value == "-" or value.startswith("@"):
        return
    word = label + (f"[{kind}]" if kind else "") + f"={value}"
    with pytest.raises(UsageError) as caught:
        assignments.changes(context(), assignments.parse([word]))
    assert "would stand in an argument" in caught.value.message


@pytest.mark.parametrize("kind", FieldType)
def test_a_field_keeps_its_type(kind: FieldType) -> None:
    item: Item = new_item("t", [new_field("API key", kind, Secret("old"))], "2024-05-06T07:08:09Z")
    parsed = assignments.parse(["api_key=new"])
    if kind.is_secret:
        with pytest.raises(UsageError, match="would stand in an argument"):
            assignments.changes(context(), parsed, item)
    else:
        [change] = assignments.changes(context(), parsed, item)
        assert change.value == Secret("new")


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "value"
    for content, value in ((b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a ")):
        path.write_bytes(content)
        [change] = assignments.changes(context(), assignments.parse([f"key=@{path}"]))
        assert change.value == Secret(value)
    for bad, said in (
        (b"", "empty"),
        (b"\n", "empty"),
        (b"\xff", "not UTF-8"),
        (b"x" * (2**20 + 1), "more than"),
    ):
        path.write_bytes(bad)
        with pytest.raises(UsageError, match=said):
            assignments.changes(context(), assignments.parse([f"key=@{path}"]))
    path.write_bytes(b"")
    [change] = assignments.changes(context(), assignments.parse([f"note[text]=@{path}"]))
    assert change.value == Secret(""), "what is no secret may be empty"


def test_every_type_has_a_word() -> None:
    assert set(TYPE_WORDS.values()) == set(FieldType)
    for word in TYPE_WORDS:
        assert word in assignments.HELP
