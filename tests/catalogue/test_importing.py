"""The language of `[[import]]`, on real files: what is offered, what is not and why."""

import json
from pathlib import Path

import pytest

from keyturn.catalogue import importing
from keyturn.sdk.importers import Findings
from tests.catalogue.imports import HEAD, JSON, find, hints, offered, plugin, reasons

ARGOCD = """
contexts:
- {name: a, server: a.example, user: ann}
- {name: default, server: b.example, user: bob}
- {name: c, server: c.example, user: nobody}
users:
- {name: bob, auth-token: old-EXAMPLE}
- {name: ann, auth-token: ann-EXAMPLE}
- {name: bob, auth-token: bob-EXAMPLE}
"""
LOOKUP = """files = ["~/f"]
format = "yaml"
at = ["contexts", "*"]
hint = "name"
[import.fields]
host = "server"
token = { in = ["users", "*"], match = "name", with = "user", take = "auth-token" }"""


def test_a_value_out_of_a_second_list(tmp_path: Path) -> None:
    found = find(tmp_path, {"f": ARGOCD}, LOOKUP)
    assert offered(found) == [
        {"host": "a.example", "token": "ann-EXAMPLE"},
        {"host": "b.example", "token": "bob-EXAMPLE"},
    ]
    assert hints(found) == ["a", ""]
    assert not found.rejected, "a server without a token is nobody's credential"


@pytest.mark.timeout(30)
def test_long_lists_take_no_longer_than_they_are(tmp_path: Path) -> None:
    """Each of thousands looked up among thousands, if they were gone through every time."""
    users = [f"u{number}" for number in range(4000)]
    contexts = [{"server": "s", "user": user} for user in users]
    tokens = [{"name": user, "auth-token": f"t-{user}"} for user in users]
    text = json.dumps({"contexts": contexts, "users": tokens})
    assert len(find(tmp_path, {"f": text}, LOOKUP.replace("yaml", "json")).candidates) == len(users)


@pytest.mark.parametrize(
    ("words", "text", "wanted"),
    [
        ('fields = { token = "t" }', '{"t": "v"}', [{"token": "v"}]),
        ('fields = { token = "t" }', '{"T": "v"}', [{"token": "v"}]),
        ('fields = { token = "t" }', '{"T": "no", "t": "v"}', [{"token": "v"}]),
        (
            'fields = { token = ["a.b", "t"] }',
            '{"a.b": {"t": "v"}, "a": {"b": {"t": "no"}}}',
            [{"token": "v"}],
        ),
        (
            'at = ["a", "*"]\nfields = { token = "@value", user = "@key" }',
            '{"a": {"u": "v", "w": {"x": "no"}}}',
            [{"token": "v", "user": "u"}],
        ),
        (
            'at = ["*", "*"]\nfields = { token = "t", host = "@1", user = "@2" }',
            '{"h": {"u": {"t": "v"}}}',
            [{"token": "v", "host": "h", "user": "u"}],
        ),
        (
            'at = [["a", "b"]]\nfields = { token = "t" }',
            '{"b": {"t": "1"}, "c": {"t": "2"}, "a": {"t": "3"}}',
            [{"token": "1"}, {"token": "3"}],
        ),
        (
            'at = [["a", "b"]]\nmerge = true\nfields = { token = "t", user = "u" }',
            '{"b": {"t": "1", "u": "2"}, "c": {"t": "no"}, "a": {"t": "3"}}',
            [{"token": "3", "user": "2"}],
        ),
        (
            'fields = { token = "t", host = { constant = "live" } }',
            '{"t": "v"}',
            [{"token": "v", "host": "live"}],
        ),
        (
            'fields = { token = "t", host = { key = "h", before = "https://", after = "/x" } }',
            '{"t": "v", "h": "h"}',
            [{"token": "v", "host": "https://h/x"}],
        ),
        (
            'fields = { token = "t", host = { key = "h", unless = ["d"] } }',
            '{"t": "v", "h": "d"}',
            [{"token": "v"}],
        ),
        (
            'fields = { token = "t", host = { key = "h", part = "host" } }',
            '{"t": "v", "h": "https://u:p@h:8/x"}',
            [{"token": "v", "host": "h:8"}],
        ),
        (
            'fields = { token = "t", host = { key = "h", part = "host", unless = ["h"] } }',
            '{"t": "v", "h": "https://h/"}',
            [{"token": "v"}],
        ),
        (
            'fields = { token = "t", host = { key = "h", part = "scheme" } }',
            '{"t": "v", "h": "https://h"}',
            [{"token": "v", "host": "https"}],
        ),
        (
            'fields = { token = "t", host = { key = "h", part = "host" } }',
            '{"t": "v", "h": "h"}',
            [{"token": "v"}],
        ),
        (
            'at = ["*"]\nwhere = { t = ["a_*", "b_*"] }\nfields = { token = "t" }',
            '{"1": {"t": "a_1"}, "2": {"t": "c_2"}, "3": {"t": "b_3"}, "4": {"t": "A_4"}}',
            [{"token": "a_1"}, {"token": "b_3"}],
        ),
        (
            'at = ["*"]\nwhere = { "@key" = ["https://*"] }\nfields = { token = "@value" }',
            '{"https://a": "1", "file://b": "2"}',
            [{"token": "1"}],
        ),
        ('where = { version = ["*"] }\nfields = { token = "t" }', '{"t": "v"}', []),
        ('fields = { token = "t" }', '{"t": ""}', []),
        ('fields = { token = "t" }', '{"t": null, "u": "v"}', []),
        ('fields = { token = "t", host = "h" }', '{"h": "only.example"}', []),
        ('fields = { token = "t" }', '["t"]', []),
    ],
)
def test_words(words: str, text: str, wanted: list[dict[str, str]], tmp_path: Path) -> None:
    found = find(tmp_path, {"f": text}, JSON + words)
    assert offered(found) == wanted
    assert not found.rejected


@pytest.mark.parametrize(
    ("hint", "wanted"),
    [
        ('"@key"', "two words"),
        ('"n"', "…@h"),
        ('{ key = "@key", after = " - test" }', "two words - test"),
        ('{ key = "missing" }', "two words"),
        ('"long"', "l" * 57 + "..."),
    ],
)
def test_titles(hint: str, wanted: str, tmp_path: Path) -> None:
    text = '{"two words": {"t": "v", "n": "ann:secret@h", "long": "' + "l" * 99 + '"}}'
    found = find(tmp_path, {"f": text}, f'{JSON}at = ["*"]\nhint = {hint}\nfields = {{ token = "t" }}')
    [given] = hints(found)
    assert given[:57] == wanted[:57]
    assert len(given) <= 60
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("words", "text", "why"),
    [
        ('fields = { token = "t", host = "h" }\nneed = ["host"]', '{"t": "v"}', "its host is missing"),
        (
            'fields = { token = "t", host = "h", user = "u" }\nneed_any = ["host", "user"]',
            '{"t": "v"}',
            "host or user is missing",
        ),
        ('fields = { token = "t" }', '{"t": "tmp_v"}', "temporary: its token begins with tmp_"),
        (
            'fields = { token = "t" }\nrefuse_with = ["session"]',
            '{"t": "v", "session": "s"}',
            "temporary: it has the key session",
        ),
        ('fields = { token = "t" }', '{"t": "a\\nb"}', "its token has more than one line"),
        ('fields = { token = "t" }', '{"t": "v"', "it is not JSON"),
    ],
)
def test_what_is_told_and_not_offered(words: str, text: str, why: str, tmp_path: Path) -> None:
    found = find(tmp_path, {"f": text}, JSON + words)
    assert reasons(found) == [why]
    assert not found.candidates
    assert str(tmp_path / "f") in found.rejected[0].source


TWO = HEAD.replace('label = "host"\noptional = true', 'label = "host"')


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"t": "v"}', ["its host is missing"]),
        ('{"h": "v"}', ["its token is missing"]),
        ('{"h": "v", "t": 5}', ["its token is not text"]),
        ('{"h": "v", "t": true}', ["its token is not text"]),
        ('{"u": "v"}', []),
        ("{}", []),
    ],
)
def test_a_part_of_a_credential(text: str, why: list[str], tmp_path: Path) -> None:
    words = JSON + 'fields = { token = "t", host = "h", user = "u" }'
    found = find(tmp_path, {"f": text}, words, head=TWO)
    assert reasons(found) == why
    assert not found.candidates


def test_numbers_are_text_where_the_format_knows_no_difference(tmp_path: Path) -> None:
    words = 'format = "{}"\nfields = {{ token = "t", host = "h" }}'
    found = find(tmp_path, {"f": "t: 5\nh: 1.50\n"}, 'files = ["~/f"]\n' + words.format("yaml"))
    assert offered(found) == [{"token": "5", "host": "1.50"}]
    found = find(tmp_path, {"f": "t: null\nh: ~\n"}, 'files = ["~/f"]\n' + words.format("yaml"))
    assert offered(found) == []
    found = find(tmp_path, {"f": "t: 'null'\n"}, 'files = ["~/f"]\n' + words.format("yaml"))
    assert offered(found) == [{"token": "null"}]


def test_places(tmp_path: Path) -> None:
    words = """files = ["$X_FILE", "$X_DIR/f", "~/.x/f", "/etc/x"]
format = "text"
fields = { token = "@value" }"""
    files = {"file": "one\n", "dir/f": " two \n", ".x/f": "three", "etc/x": "four\r\n"}
    found = find(tmp_path, files, words, X_FILE=str(tmp_path / "file"), X_DIR="~/dir")
    assert offered(found) == [{"token": "one"}, {"token": "two"}, {"token": "three"}]
    found = importing.find(plugin(words), {"HOME": "/nowhere"}, "linux", root=str(tmp_path))
    assert offered(found) == [{"token": "four"}]
    assert importing.find(plugin(words), {"HOME": "relative", "X_DIR": "relative"}, "linux") == Findings()


def test_equal_finds_are_offered_once(tmp_path: Path) -> None:
    both = 'files = ["~/a", "~/b", "~/c"]\nformat = "text"\nfields = { token = "@value" }'
    found = find(tmp_path, {"a": "same", "b": "same\n", "c": "other"}, both, both)
    assert offered(found) == [{"token": "same"}, {"token": "other"}]
    assert str(tmp_path / "a") in found.candidates[0].source


def test_only_on_one_system(tmp_path: Path) -> None:
    words = 'files = ["~/f"]\nos = "darwin"\nformat = "text"\nfields = { token = "@value" }'
    assert find(tmp_path, {"f": "v"}, words) == Findings()
    found = importing.find(plugin(words), {"HOME": str(tmp_path)}, "darwin")
    assert offered(found) == [{"token": "v"}]


def test_any_of_some_variables(tmp_path: Path) -> None:
    words = 'any_environment = ["A", "B", "C"]\nfield = "token"'
    found = find(tmp_path, {}, words, A="one", B="", C="two")
    assert offered(found) == [{"token": "one"}, {"token": "two"}]
    assert [each.variables for each in found.candidates] == [("A",), ("C",)]
    assert offered(find(tmp_path, {}, words, A="same", C="same")) == [{"token": "same"}]
