"""Ids, labels, and text made safe to print."""

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from keyturn.ground import names


def test_ids_are_new_and_look_like_ids() -> None:
    made = {names.new_id() for _ in range(1000)}
    assert len(made) == 1000
    assert all(names.is_id(each) for each in made)
    assert not names.is_id("a" * 25)
    assert not names.is_id("A" * 26)
    assert not names.is_id("a" * 26 + "\n")


def test_plugin_names() -> None:
    assert names.is_plugin_name("aws")
    for bad in ("", "a" * 33, "../aws", "AWS", "a/b", "a b", "aws\n"):
        assert not names.is_plugin_name(bad), bad


def test_labels_match_without_case_spaces_and_dashes() -> None:
    for label in ("Access Key ID", "access_key_id", "ACCESS-KEY-ID", "accesskeyid", " access  key\tid "):
        assert names.plain_label(label) == names.plain_label("access key id")
    assert names.plain_label("access key") != names.plain_label("access key id")


@given(st.text(max_size=300), st.integers(1, 200))
def test_printable_text_has_no_control_characters_and_keeps_its_limit(text: str, limit: int) -> None:
    shown = names.printable(text, limit)
    assert len(shown) <= limit
    assert all(c == " " or unicodedata.category(c)[0] not in "CZ" for c in shown)


def test_an_escape_sequence_is_shown_as_dots() -> None:
    assert names.printable("a\x1b[2Jb\u202ec") == "a·[2Jb·c"


@given(st.text(max_size=60))
def test_masking_shows_four_characters_of_long_values_only(text: str) -> None:
    shown = names.masked(text)
    assert shown == ("…" + text[-4:] if len(text) >= 16 else "…")
