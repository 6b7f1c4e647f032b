"""Which items are offered first for a plugin, and what an item lacks."""

from __future__ import annotations

import pytest

from keyturn.ground.errors import AmbiguousError
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, Url, new_field, new_item
from keyturn.sdk.relation import Relation, missing_field_error, missing_fields, relation
from keyturn.sdk.schema import Plugin, parse
from tests.sdk.test_schema import SOUND

MOMENT = "2024-05-06T07:08:09Z"


@pytest.fixture(scope="module")
def plugin() -> Plugin:
    text = SOUND.replace(
        'platform = "Demo"', 'platform = "Demo Cloud"\nhomepage = "https://console.demo.example/x"'
    )
    text = text.replace('label = "token"\n', 'label = "token"\naka = ["API key"]\n')
    return parse(text.encode(), "demo.toml")


def item(title: str = "x", *labels: str, url: str = "", tag: str = "") -> Item:
    fields = [new_field(label, FieldType.TEXT, Secret("v EXAMPLE")) for label in labels]
    made = new_item(title, fields, MOMENT, [tag] if tag else None)
    made.urls = [Url(url)] if url else []
    return made


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (item(tag="keyturn/demo/token"), Relation.TAG),
        (item(tag="keyturn/demo/other"), Relation.NONE),
        (item("x", "TO-KEN"), Relation.FIELDS),
        (item("x", "api_key"), Relation.FIELDS),
        (item("x", "host"), Relation.NONE),
        (item("my Demo key"), Relation.TITLE),
        (item("demo-cloud"), Relation.NONE),
        (item("democracy"), Relation.NONE),
        (item("old demo cloudy"), Relation.TITLE),
        (item(url="https://login.demo.example/a"), Relation.URL),
        (item(url="demo.example"), Relation.URL),
        (item(url="https://notdemo.example/"), Relation.NONE),
        (item(url="https://example/?demo.example"), Relation.NONE),
        (item(url="https://[broken"), Relation.NONE),
        (item("demo", "token", url="https://demo.example", tag="keyturn/demo/token"), Relation.TAG),
    ],
)
def test_relation(plugin: Plugin, found: Item, expected: Relation) -> None:
    assert relation(found, plugin) is expected


def test_a_plugin_without_addresses_is_related_to_no_url() -> None:
    assert relation(item(url="https://a.example"), parse(SOUND.encode(), "demo.toml")) is Relation.NONE


def test_what_is_missing(plugin: Plugin) -> None:
    assert [each.label for each in missing_fields(item("x", "host"), plugin)] == ["token"]
    assert missing_fields(item("x", "To ken"), plugin) == []
    empty = item("x")
    empty.fields.append(new_field("token", FieldType.CONCEALED, Secret("")))
    [definition] = missing_fields(empty, plugin)
    assert "the field “token” is empty" in missing_field_error(empty, definition, "demo").message
    with pytest.raises(AmbiguousError):
        missing_fields(item("x", "token", "TOKEN"), plugin)


def test_the_error_says_what_mends_it(plugin: Plugin) -> None:
    lacking = item("A\x1b[2J", "host", "\u202egnol")
    error = missing_field_error(lacking, missing_fields(lacking, plugin)[0], "demo")
    assert error.message == "item “A·[2J”: the field “token” is missing"
    assert error.hints == (
        "its fields: “host”, “·gnol”",
        f"say which one it is: keyturn plugin init demo --item {lacking.id}",
        f"or add it: keyturn item edit {lacking.id} 'token'",
    )
    assert "v EXAMPLE" not in str(error.hints)
