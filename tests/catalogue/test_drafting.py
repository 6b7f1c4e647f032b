"""A draft of any answers is a plugin that loads, and whose cases come out."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyturn.catalogue.case_runner import run_cases
from keyturn.catalogue.cases import parse_cases
from keyturn.catalogue.drafting import Draft, DraftField, variable_for
from keyturn.ground.errors import UsageError
from keyturn.ground.names import plain_label
from keyturn.ground.secret import Secret
from keyturn.sdk import examples, schema
from keyturn.sdk.schema import Plugin

LINES = st.text(st.characters(exclude_categories=("C", "Z")) | st.just(" "), min_size=1, max_size=20)
LABELS = LINES.filter(plain_label)
ENTRIES = st.sampled_from(["--help", "-h", "login", "config list", "get-*", "apply --dry-run", "* help"])


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    labels = draw(st.lists(LABELS, min_size=1, max_size=3, unique_by=plain_label))
    fields = [
        DraftField(
            label,
            f"V{number}",
            draw(st.booleans()),
            draw(st.none() | st.text(min_size=1, max_size=80).map(Secret).map(examples.infer)),
        )
        for number, label in enumerate(labels)
    ]
    bare = draw(st.lists(ENTRIES, unique=True, max_size=4))
    return Draft("mine", "mytool", draw(LINES), draw(LINES), fields, bare, homepage=draw(LINES))


def loaded(draft: Draft) -> Plugin:
    return schema.parse(draft.plugin_text().encode(), "mine.toml")


@settings(deadline=None)
@given(drafts())
def test_a_draft_loads_and_says_what_was_answered(draft: Draft) -> None:
    plugin = loaded(draft)
    assert (plugin.name, plugin.platform, plugin.homepage) == ("mine", draft.platform, draft.homepage)
    assert [field.label for field in plugin.credential.fields] == [field.label for field in draft.fields]
    assert [field.secret for field in plugin.credential.fields] == [field.is_secret for field in draft.fields]
    assert [field.composition for field in plugin.credential.fields] == [
        field.looks for field in draft.fields
    ]
    assert {name: each.field for name, each in plugin.provision.variables.items()} == {
        field.variable: field.label for field in draft.fields
    }


@settings(deadline=None, max_examples=50)
@given(drafts())
def test_its_cases_come_out(draft: Draft) -> None:
    assert run_cases(loaded(draft), parse_cases(draft.cases_text().encode(), "cases")) == []


def test_its_cases_can_fail() -> None:
    draft = Draft("mine", "mytool", "Mine", "Token", [DraftField("token", "MY_TOKEN")])
    cases = parse_cases(draft.cases_text().encode(), "cases")
    assert run_cases(loaded(draft), cases) == []
    for old, new in [
        ('option = "--help"', 'option = "--halp"'),
        ("no_arguments = true", 'command = ["list"]'),
    ]:
        text = draft.plugin_text()
        assert old in text
        assert run_cases(schema.parse(text.replace(old, new).encode(), "x"), cases)


@given(st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=24, max_size=80))
def test_of_a_pasted_example_nothing_is_kept(value: str) -> None:
    looks = examples.infer(Secret(value))
    draft = Draft("mine", "mytool", "Mine", "Token", [DraftField("token", "MY_TOKEN", looks=looks)])
    rest = value[len(looks.prefix) :]
    known = Draft("mine", "mytool", "Mine", "Token", [DraftField("token", "MY_TOKEN")])
    written = draft.plugin_text() + draft.cases_text()
    # Words that are in it anyway, and runs of the alphabet, are nobody's secret.
    ordinary = known.plugin_text() + known.cases_text() + examples.example(draft.fields[0].definition)
    parts = {rest[at : at + 6] for at in range(len(rest) - 5)}
    assert not [part for part in parts if part in written and part not in ordinary]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "My Tool"}, "a plugin's name is"),
        ({"runs": "bin/mytool"}, "a plugin wraps a command by its name"),
        ({"platform": "a\nb"}, "one line of text each"),
        ({"title": ""}, "one line of text each"),
        ({"fields": []}, "at least one field"),
        ({"fields": [DraftField("a", "A"), DraftField("A ", "B")]}, "the same label"),
        ({"fields": [DraftField("a", "A"), DraftField("b", "A")]}, "the same variable"),
        ({"bare": ["--x y"]}, "expected words before options"),
    ],
)
def test_what_cannot_be_meant(change: dict[str, object], said: str) -> None:
    answers = {
        "name": "mine",
        "runs": "mytool",
        "platform": "Mine",
        "title": "Token",
        "fields": [DraftField("token", "MY_TOKEN")],
        **change,
    }
    with pytest.raises(UsageError, match=said):
        Draft(**answers)  # type: ignore[arg-type]  # of many kinds


@pytest.mark.parametrize(
    ("label", "variable"), [("", "X"), ("…\n", "X"), ("a", "1X"), ("a", ""), ("a", "A-B")]
)
def test_a_field_that_cannot_be_meant(label: str, variable: str) -> None:
    with pytest.raises(UsageError):
        DraftField(label, variable)


def test_the_variable_that_is_likely() -> None:
    assert variable_for("my-tool", "api token") == "MY_TOOL_API_TOKEN"
    assert variable_for("x", "…") == "X"
