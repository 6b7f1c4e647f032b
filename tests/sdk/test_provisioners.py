"""Provisioning by variables alone."""

from __future__ import annotations

import pytest

from keyturn.ground.errors import MissingError, NoDefaultError
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, ItemReference, new_field, new_item
from keyturn.sdk.provisioners import provision_by_tables
from keyturn.sdk.run import Invocation, NeedItem, Provisioned, Selection
from keyturn.sdk.schema import parse
from tests.sdk.test_schema import SOUND

PLUGIN = parse(SOUND.encode(), "demo.toml")
INVOCATION = Invocation("demo", b"/bin/demo", (b"a", b"", b"\xff"), {}, "/")


def item(**values: str) -> Item:
    fields = [new_field(label, FieldType.CONCEALED, Secret(value)) for label, value in values.items()]
    return new_item("Demo", fields, "2026-01-01T00:00:00Z")


def selection(chosen: Item) -> Selection:
    return Selection(Resolution(ItemReference("a" * 26, "b" * 26, chosen.id, "Demo"), "the global default"))


def test_needs_the_item_then_sets_its_fields() -> None:
    chosen = item(token="t", host="h")
    provision = provision_by_tables(PLUGIN)
    needed = provision(INVOCATION, selection(chosen), {})
    assert isinstance(needed, NeedItem)
    assert needed.item.value.item == chosen.id
    done = provision(INVOCATION, selection(chosen), {chosen.id: chosen})
    assert isinstance(done, Provisioned)
    assert done.arguments == INVOCATION.arguments
    assert done.assign == {"DEMO_TOKEN": b"t", "DEMO_HOST": b"h"}
    assert done.reasons == ("item “Demo”: the global default",)
    assert "b't'" not in repr(done)


def test_an_optional_field_may_be_missing() -> None:
    chosen = item(token="t")
    done = provision_by_tables(PLUGIN)(INVOCATION, selection(chosen), {chosen.id: chosen})
    assert isinstance(done, Provisioned)
    assert done.assign == {"DEMO_TOKEN": b"t"}


def test_no_default_says_how_to_get_one() -> None:
    with pytest.raises(NoDefaultError) as caught:
        provision_by_tables(PLUGIN)(INVOCATION, Selection(None), {})
    assert caught.value.hints == ("choose one: keyturn plugin init demo",)


@pytest.mark.parametrize("value", ["", "a\0b", "\ud800"])
def test_a_value_that_no_variable_carries(value: str) -> None:
    chosen = item(token=value)
    with pytest.raises(MissingError) as caught:
        provision_by_tables(PLUGIN)(INVOCATION, selection(chosen), {chosen.id: chosen})
    assert "token" in caught.value.message
    assert not value or value not in caught.value.message


def test_variables_with_one_value_and_such_as_go() -> None:
    words = 'fixed = { DEMO_CONTEXT = "default" }\nremove = ["DEMO_OLD_TOKEN"]'
    plugin = parse(
        SOUND.replace("[provision.environment]", f"[provision]\n{words}\n[provision.environment]").encode(),
        "demo.toml",
    )
    chosen = item(token="t")
    done = provision_by_tables(plugin)(INVOCATION, selection(chosen), {chosen.id: chosen})
    assert isinstance(done, Provisioned)
    assert done.assign == {"DEMO_TOKEN": b"t", "DEMO_CONTEXT": b"default"}
    assert done.remove == ("DEMO_OLD_TOKEN",)
