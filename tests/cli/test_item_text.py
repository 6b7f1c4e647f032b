"""An item as text for an editor: what is written is what is read, and nothing else is."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.cli import item_text
from keyturn.cli.item_text import UnreadableError
from keyturn.ground.errors import DamagedError, UsageError
from keyturn.ground.names import plain_label
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, Item, find_field, new_field, new_item

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
HOSTILE = '"""\\ \x7f\x00\t\r\n\u2028"quoted" \\u0041 # no comment\n[[field]]\n'


def item(*fields: Field, title: str = "AWS") -> Item:
    return new_item(title, list(fields), "2024-05-06T07:08:09Z", ["red"])


labels = TEXT.filter(lambda text: bool(text.strip()) and bool(plain_label(text)))
fields = st.lists(
    st.builds(
        new_field,
        label=labels,
        kind=st.sampled_from(FieldType),
        value=TEXT.filter(bool).map(Secret),
    ),
    unique_by=lambda field: plain_label(field.label),
    max_size=4,
)


@given(fields, labels, st.booleans())
@example([new_field("key", FieldType.CONCEALED, Secret(HOSTILE))], HOSTILE, True)
@example([new_field(HOSTILE, FieldType.TEXT, Secret("x\n"))], "t", False)
def test_what_is_written_is_what_is_read(found: list[Field], title: str, reveal: bool) -> None:
    whole = item(*found, title=title)
    assert item_text.read(Secret(item_text.write(whole, reveal=reveal)), whole) == whole


@given(TEXT)
def test_a_hidden_value_is_not_in_the_text(value: str) -> None:
    kinds = [kind for kind in FieldType if kind.is_secret]
    whole = item(*(new_field(kind, kind, Secret("x" + value)) for kind in kinds))
    other = item(*(Field(each.id, each.type, each.label, Secret("other")) for each in whole.fields))
    other.id = whole.id
    assert item_text.write(whole, reveal=False) == item_text.write(other, reveal=False)


BEFORE = item(
    new_field("user", FieldType.TEXT, Secret("ada")), new_field("key", FieldType.CONCEALED, Secret("hidden"))
)
USER, KEY = (field.id for field in BEFORE.fields)


def read(text: str) -> Item:
    return item_text.read(Secret(f'title = "t"\n{text}'), BEFORE)


def test_changes() -> None:
    found = read(
        f"""
        [[field]]
        id = "{KEY}"
        label = "secret"
        type = "concealed"
        [[field]]
        id = "{USER}"
        label = "user"
        type = "url"
        value = ""
        [[field]]
        label = "new"
        type = "concealed"
        value = "typed"
        """
    )
    assert (found.id, found.version, found.tags) == (BEFORE.id, BEFORE.version, [])
    shown = [(field.label, field.type, field.value.reveal()) for field in found.fields]
    assert shown == [
        ("secret", FieldType.CONCEALED, "hidden"),
        ("user", FieldType.URL, ""),
        ("new", FieldType.CONCEALED, "typed"),
    ]
    assert found.fields[0].id == KEY
    assert find_field(BEFORE, "key") == BEFORE.fields[1], "the item that was given is as it was"


WHOLE = 'label = "oopsEXAMPLE"\ntype = "text"\nvalue = "oopsEXAMPLE"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("oopsEXAMPLE\nx = 1", "line 2, column 12"),
        ('x = "oopsEXAMPLE', "the end of the text"),
        ('x = "oopsEXAMPLE"', "title, tags or field"),
        ('tags = "oopsEXAMPLE"', "title, tags or field"),
        ("field = 1", "title, tags or field"),
        ('title = "oopsEXAMPLE"\nx = 1', "line 2"),
        ("[[field]]\n" + WHOLE + 'more = "oopsEXAMPLE"', "field 1: expected label, type"),
        ("[[field]]\n" + WHOLE.replace('type = "text"\n', ""), "field 1: expected label, type"),
        ("[[field]]\n" + WHOLE.replace('"text"', "1"), "field 1: expected label, type"),
        ("[[field]]\n" + WHOLE.replace('"text"', '"oopsEXAMPLE"'), "field 1: no such type"),
        ("[[field]]\n" + WHOLE.replace("label = ", 'label = " "\n#'), "field 1: a field needs a label"),
        ("[[field]]\n" + WHOLE + 'id = "oopsEXAMPLE"', "field 1: the item has no field of this id"),
        ("[[field]]\n" + WHOLE.replace("value", "#"), "field 1: a new field needs a value"),
        (
            "[[field]]\n" + WHOLE.replace('"text"', '"concealed"').replace("value =", 'value = ""#'),
            "is empty",
        ),
        ("[[field]]\n" + WHOLE + "[[field]]\n" + WHOLE, "field 2: another one is called so"),
        (
            f'[[field]]\n{WHOLE}id = "{USER}"\n[[field]]\nlabel = "b"\ntype = "text"\nid = "{USER}"',
            "field 2: this id stands there twice",
        ),
    ],
)
def test_what_is_refused_is_not_repeated(text: str, said: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        read(text)
    assert said in caught.value.message
    everything = [caught.value.message, *caught.value.hints, repr(caught.value.__context__)]
    allowed = "is empty" in said
    assert allowed or "oopsEXAMPLE" not in "".join(everything)


def test_an_item_needs_a_title() -> None:
    with pytest.raises(UnreadableError, match="title: an item needs one"):
        item_text.read(Secret('title = " "'), BEFORE)


@given(TEXT)
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        found = item_text.read(Secret(text), BEFORE)
    except (UsageError, DamagedError):
        return
    assert item_text.read(Secret(item_text.write(found, reveal=True)), found) == found
