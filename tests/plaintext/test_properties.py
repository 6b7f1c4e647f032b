"""Over generated files of every format: what goes is the entries and nothing else."""

import json
import tomllib
from collections import Counter

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from keyturn.plaintext.entries import Entry, InseparableError, content_of, text_of
from keyturn.plaintext.formats import FORMATS, take_out
from tests.plaintext import generated
from tests.plaintext.generated import Made

MEMBER_OF_NOTHING = set(" \t\r\n,")


def find(form: str, text: str) -> dict[str, Entry]:
    """The entries by their values."""
    return {entry.value.reveal(): entry for entry in FORMATS[form].entries(text)}


def check(form: str, made: Made, gone: set[str]) -> bool:
    """Whether the values were taken out; fails if they were, and anything else with them."""
    found = find(form, made.text)
    missing = [value for value in made.values if value not in found]
    assert not missing, (form, made.text, missing)
    try:
        after = take_out(form, made.text, [found[value] for value in made.values if value in gone])
    except InseparableError:
        assert made.may_refuse, (form, made.text, gone)
        return False
    assert after == made.without(gone), (form, made.text, gone)
    return True


def check_all(form: str, data: st.DataObject) -> None:
    made = data.draw(generated.FORMATS[form])
    assert content_of(text_of(made.text.encode())) == made.text.encode()
    gone = {value for value in made.values if data.draw(st.booleans())}
    if check(form, made, gone):
        for value in gone:
            assert value not in made.without(gone)


@pytest.mark.parametrize("form", generated.FORMATS)
def test_the_difference_is_what_was_taken_out(form: str) -> None:
    @settings(max_examples=80)
    @given(st.data())
    def over_generated_files(data: st.DataObject) -> None:
        check_all(form, data)

    over_generated_files()


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("form", generated.FORMATS)
def test_the_difference_is_what_was_taken_out_of_many(form: str) -> None:
    @settings(max_examples=5000)
    @given(st.data())
    def over_generated_files(data: st.DataObject) -> None:
        check_all(form, data)

    over_generated_files()


def test_no_format_is_forgotten() -> None:
    assert {*generated.FORMATS, "json"} == set(FORMATS)


KEYS = st.sampled_from(["a", "b", "é", "x y", 'q"', "\\"])
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@settings(max_examples=200)
@given(st.data(), TREES, st.sampled_from([None, 0, 2, "\t"]), st.booleans(), st.sampled_from(["\n", "\r\n"]))
def test_of_json_goes_the_member_and_a_comma(
    data: st.DataObject, tree: object, indent: int | str | None, is_ascii: bool, end: str
) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=is_ascii).replace("\n", end) + data.draw(
        st.sampled_from(["", "\n", "  "])
    )
    text = data.draw(st.sampled_from(["", "\ufeff"])) + text
    found = [entry for entry in FORMATS["json"].entries(text) if not entry.stuck]
    gone = [entry for entry in found if data.draw(st.booleans())]
    after = take_out("json", text, gone)
    wanted = json.loads(text.removeprefix("\ufeff"))
    for entry in gone:
        node = wanted
        for key in entry.path[:-1]:
            node = node[int(key)] if isinstance(node, list) else node[key]
        del node[entry.path[-1]]
    assert json.loads(after.removeprefix("\ufeff")) == wanted
    members = "".join(text[slice(*entry.group.members[entry.place])] for entry in gone if entry.group)
    lost = Counter(text) - Counter(after)
    assert {c: n for c, n in lost.items() if c not in MEMBER_OF_NOTHING} == {
        c: n for c, n in Counter(members).items() if c not in MEMBER_OF_NOTHING
    }
    assert lost[","] - members.count(",") <= len(gone)
    assert not Counter(after) - Counter(text)


@settings(max_examples=100)
@given(st.data())
def test_other_parsers_agree(data: st.DataObject) -> None:
    """As a tool would read it: all but what went is what it was."""
    form = data.draw(st.sampled_from(["toml", "yaml"]))
    made = data.draw(generated.FORMATS[form])
    found = find(form, made.text)
    gone = {value for value in made.values if data.draw(st.booleans())}
    after = take_out(form, made.text, [found[value] for value in made.values if value in gone])

    def read(text: str) -> object:
        text = text.removeprefix("\ufeff")
        return tomllib.loads(text) if form == "toml" else pyyaml.safe_load(text)

    assert strings(read(made.text)) - Counter(gone) == strings(read(after))


def strings(tree: object) -> Counter[str]:
    if isinstance(tree, dict):
        return sum((strings(value) for value in tree.values()), Counter())
    if isinstance(tree, list):
        return sum((strings(value) for value in tree), Counter())
    return Counter([tree] if isinstance(tree, str) else [])
