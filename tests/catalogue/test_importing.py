"""The language of `[[import]]`, on real files: what is offered, what is not and why, what is taken out."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from keyturn.catalogue import importing
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.sdk import schema
from keyturn.sdk.importers import Candidate, FilePlace, Findings
from keyturn.sdk.schema import Plugin

HEAD = """
name = "x"
platform = "X"
[credential]
name = "token"
title = "Token"
[[credential.field]]
label = "token"
secret = true
temporary_prefixes = ["tmp_"]
[[credential.field]]
label = "host"
optional = true
[[credential.field]]
label = "user"
optional = true
[provision.environment]
X_TOKEN = "token"
[[executable]]
runs = "x"
name = "X"
needs_auth = { not = { no_arguments = true } }
"""
CANARY = "CANARYEXAMPLE"


def plugin(*imports: str, head: str = HEAD) -> Plugin:
    return schema.parse((head + "".join(f"[[import]]\n{each}\n" for each in imports)).encode(), "x.toml")


def find(home: Path, files: Mapping[str, str], *imports: str, head: str = HEAD, **variables: str) -> Findings:
    for name, text in files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return importing.find(plugin(*imports, head=head), {"HOME": str(home), **variables}, "linux")


def offered(found: Findings) -> list[dict[str, str]]:
    return [{label: value.reveal() for label, value in each.fields.items()} for each in found.candidates]


def hints(found: Findings) -> list[str]:
    return [each.name_hint for each in found.candidates]


def reasons(found: Findings) -> list[str]:
    return [each.reason for each in found.rejected]


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


JSON = 'files = ["~/f"]\nformat = "json"\n'


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


def test_a_regular_expression(tmp_path: Path) -> None:
    words = (
        'files = ["~/f"]\nformat = "regex"\npattern = \'token = "(?P<t>[^"]*)"\'\n'
        'at = ["*"]\nfields = { token = "t" }'
    )
    found = find(tmp_path, {"f": '{ token = "v#1", other = "x" }\n'}, words)
    assert offered(found) == [{"token": "v#1"}]
    with pytest.raises(ConfigurationError, match="whose language is not understood here"):
        remove(plugin(words), found.candidates[0])
    assert (tmp_path / "f").read_text() == '{ token = "v#1", other = "x" }\n'


def remove(theirs: Plugin, candidate: Candidate, **more: object) -> None:
    assert candidate.place is not None
    importing.remove(theirs, candidate.place, candidate.fields, os.geteuid(), **more)  # type: ignore[arg-type]


TWICE = (
    JSON + 'at = ["tokens", "*"]\nfields = { token = "@value", host = "@key" }',
    JSON + 'at = ["accounts", "*"]\nfields = { token = "t", host = "@key" }',
)
BOTH = '{\n  "tokens": {"h": "v", "i": "w"},\n  "accounts": {"h": {"t": "v", "n": 1}}\n}\n'


def test_what_stands_there_twice_goes_twice(tmp_path: Path) -> None:
    found = find(tmp_path, {"f": BOTH}, *TWICE)
    first, second = found.candidates
    kept: list[bytes] = []
    remove(plugin(*TWICE), first, keep=lambda before, rest, status: kept.extend([before, rest]))
    left = '{\n  "tokens": {"i": "w"},\n  "accounts": {"h": {"n": 1}}\n}\n'
    assert (tmp_path / "f").read_text() == left
    assert kept == [BOTH.encode(), left.encode()]
    remove(plugin(*TWICE), second)
    assert (tmp_path / "f").read_text() == left.replace('"i": "w"', "")


def test_only_what_was_imported_goes(tmp_path: Path) -> None:
    [first, _] = find(tmp_path, {"f": BOTH}, *TWICE).candidates
    path = tmp_path / "f"
    changed = BOTH.replace('"v"', '"other"')
    path.write_text(changed)
    with pytest.raises(ConfigurationError, match="does not hold what was imported any more"):
        remove(plugin(*TWICE), first)
    assert path.read_text() == changed
    path.unlink()
    with pytest.raises(ConfigurationError, match="not there any more"):
        remove(plugin(*TWICE), first)


def test_another_persons_file_stays(tmp_path: Path) -> None:
    [first, _] = find(tmp_path, {"f": BOTH}, *TWICE).candidates
    assert first.place is not None
    with pytest.raises(ConfigurationError, match="not your file"):
        importing.remove(plugin(*TWICE), first.place, first.fields, os.geteuid() + 1)
    assert (tmp_path / "f").read_text() == BOTH


def test_a_copy_that_cannot_be_kept_leaves_the_file(tmp_path: Path) -> None:
    [first, _] = find(tmp_path, {"f": BOTH}, *TWICE).candidates

    def refuse(before: bytes, rest: bytes, status: os.stat_result) -> None:
        raise ConfigurationError("the vault is full")

    with pytest.raises(ConfigurationError, match="the vault is full"):
        remove(plugin(*TWICE), first, keep=refuse)
    assert (tmp_path / "f").read_text() == BOTH
    assert os.listdir(tmp_path) == ["f"]


def test_two_values_at_one_place(tmp_path: Path) -> None:
    words = 'files = ["~/f"]\nformat = "ini-mysql"\nat = [["client", "mysql"]]\nmerge = true\n'
    words += 'fields = { token = "password" }'
    text = "[client]\npassword = one\n[mysqld]\npassword = server\n[mysql]\npassword = two\n"
    [found] = find(tmp_path, {"f": text}, words).candidates
    assert found.fields == {"token": Secret("two")}, "as mysql has it"
    with pytest.raises(ConfigurationError, match="twice, with different values"):
        remove(plugin(words), found)
    text = text.replace("two", "one")
    [found] = find(tmp_path, {"f": text}, words).candidates
    remove(plugin(words), found)
    assert (tmp_path / "f").read_text() == "[client]\n[mysqld]\npassword = server\n[mysql]\n"


def test_what_goes_along_and_what_stays(tmp_path: Path) -> None:
    words = 'files = ["~/f"]\nformat = "ini"\nat = ["*"]\nfields = { token = "t", host = "h", user = "u" }\n'
    text = "[p]\nh = one\nu = ann\nt = v\n"
    for more, left in (("", "[p]\nh = one\nu = ann\n"), ('also_removed = ["user"]', "[p]\nh = one\n")):
        [found] = find(tmp_path, {"f": text}, words + more).candidates
        assert found.place == FilePlace(tmp_path / "f", "p", "")
        remove(plugin(words + more), found)
        assert (tmp_path / "f").read_text() == left


def test_no_secret_in_what_is_printed(tmp_path: Path) -> None:
    words = JSON + 'at = ["*"]\nfields = { token = "t" }\nneed = ["token"]'
    found = find(tmp_path, {"f": f'{{"a": {{"t": "{CANARY}"}}, "b": {{"t": "tmp_{CANARY}"}}}}'}, words)
    assert len(found.candidates) == len(found.rejected) == 1
    assert CANARY not in repr(found)
    theirs = plugin(words)
    (tmp_path / "f").write_text(f'{{"a": {{"t": "{CANARY}"')
    with pytest.raises(ConfigurationError) as caught:
        remove(theirs, found.candidates[0])
    assert CANARY not in caught.value.message
    assert caught.value.__cause__ is None
