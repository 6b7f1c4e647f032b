"""Taking an imported credential out of its file: that and nothing else, or a reason."""

import os
from pathlib import Path

import pytest

from keyturn.catalogue import importing
from keyturn.ground.errors import ConfigurationError
from keyturn.ground.secret import Secret
from keyturn.sdk.importers import Candidate, FilePlace
from keyturn.sdk.schema import Plugin
from tests.catalogue.imports import JSON, find, offered, plugin

CANARY = "CANARYEXAMPLE"


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
    moved = BOTH.replace('"h"', '"j"')
    path.write_text(moved)
    with pytest.raises(ConfigurationError, match="does not hold what was imported any more"):
        remove(plugin(*TWICE), first)
    assert path.read_text() == moved, "the same token, for another host"
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
