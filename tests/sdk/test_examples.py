"""Example secrets end in EXAMPLE, and a pasted one leaves nothing but its looks."""

from __future__ import annotations

import string

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.catalogue import loader
from keyturn.ground.secret import Secret
from keyturn.sdk import examples
from keyturn.sdk.schema import Composition, FieldDefinition

CHARACTERS = string.ascii_letters + string.digits + "+/=_-.:@ "


def field(**composition: object) -> FieldDefinition:
    return FieldDefinition("token", secret=True, composition=msgspec.convert(composition, Composition))


def test_every_example_of_the_catalogue() -> None:
    """A scanner that allows only what ends in EXAMPLE finds none of them."""
    seen = 0
    for name in loader.names():
        for definition in loader.load(name).credential.fields:
            text = examples.example(definition)
            composition = definition.composition
            if definition.secret:
                is_short = (
                    composition is not None and 0 < (composition.length or 99) - len(composition.prefix) < 7
                )
                assert "EXAMPLE" in text or is_short, (name, definition.label)
                seen += 1
            if composition is not None and composition.length is not None and not definition.example:
                assert len(text) == composition.length
    assert seen > len(loader.names()) // 2 > 0


@pytest.mark.parametrize(
    ("composition", "expected"),
    [
        ({"length": 20, "prefix": "ghp_", "charset": ["digits"]}, "ghp_012345678EXAMPLE"),
        ({"length": 6, "charset": ["digits"]}, "012345"),
        ({"prefix": "sk-"}, "sk-EXAMPLE"),
        ({"length": 9, "specific": "-."}, "-.EXAMPLE"),
        ({"length": 4, "prefix": "abcd"}, "abcd"),
    ],
)
def test_an_example(composition: dict[str, object], expected: str) -> None:
    assert examples.example(field(**composition)) == expected


def test_without_a_composition_the_label_says_what_it_is() -> None:
    assert examples.example(FieldDefinition("API Token")) == "api-token-EXAMPLE"
    assert examples.example(FieldDefinition("…")) == "value-EXAMPLE"


@pytest.mark.parametrize(
    ("pasted", "prefix", "charset"),
    [
        ("dop_v1_" + "0123456789abcdef" * 4, "dop_v1_", ("lowercase", "digits")),
        ("ghp_" + "aB3" * 12, "ghp_", ("uppercase", "lowercase", "digits")),
        ("sk-ant-api03-" + "xY9_" * 20, "sk-ant-api03-", ("uppercase", "lowercase", "digits")),
        ("A" * 20, "", ("uppercase",)),
        ("deadbeef-dead-beef-dead-beefdeadbeef", "", ("lowercase", "digits")),
        # Somebody's password: no word of it is kept.
        ("correct-horse-battery", "", ("lowercase",)),
        ("hunter-2", "", ("lowercase", "digits")),
    ],
)
def test_what_is_inferred(pasted: str, prefix: str, charset: tuple[str, ...]) -> None:
    found = examples.infer(Secret(pasted))
    assert (found.length, found.prefix) == (len(pasted), prefix)
    if "-" not in pasted or prefix:
        assert found.charset == charset


@given(st.text(CHARACTERS, min_size=1, max_size=120))
def test_of_any_value_only_its_looks_are_kept(text: str) -> None:
    found = examples.infer(Secret(text))
    assert found.length == len(text)
    assert text.startswith(found.prefix)
    assert len(found.prefix) <= 23
    assert len(text) - len(found.prefix) >= 16 or not found.prefix
    assert found.specific == "".join(sorted(set(found.specific)))
    made = examples.example(FieldDefinition("x", composition=found))
    assert len(made) == len(text)
    if len(text) - len(found.prefix) >= 16:
        assert made != text
