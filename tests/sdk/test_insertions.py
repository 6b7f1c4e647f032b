"""Where words come to the arguments: by position, and never behind a bare `--` (defects L1 and L16)."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.sdk.argv import Options
from keyturn.sdk.insertions import is_given, with_insertions
from keyturn.sdk.provision_schema import Position
from keyturn.sdk.run import Insertion

OPTIONS = Options(valued=("--user", "--host"), flags=("--quiet",), aliases={"-u": "--user"})


def words(line: str) -> tuple[bytes, ...]:
    return tuple(word.encode() for word in shlex.split(line))


def inserted(line: str, *positions: Position) -> str:
    insertions = [Insertion((f"+{position}".encode(),), position) for position in positions]
    return shlex.join(word.decode() for word in with_insertions(words(line), insertions, OPTIONS))


@pytest.mark.parametrize(
    ("position", "line", "expected"),
    [
        ("first", "", "+first"),
        ("first", "a b", "+first a b"),
        ("first", "-- a", "+first -- a"),
        ("last", "", "+last"),
        ("last", "a b", "a b +last"),
        ("last", "a -- b", "a +last -- b"),
        ("last", "-- b", "+last -- b"),
        ("last", "--user -- b", "--user -- b +last"),
        ("last", "a --user", "a --user +last"),
        ("after-command", "run x", "run +after-command x"),
        ("after-command", "--quiet run x", "--quiet run +after-command x"),
        ("after-command", "-u ada run x", "-u ada run +after-command x"),
        ("after-command", "--user=ada run -- x", "--user=ada run +after-command -- x"),
        ("after-command", "-- run", "+after-command -- run"),
        ("after-command", "--odd run x", "--odd run x +after-command"),
    ],
)
def test_positions(position: Position, line: str, expected: str) -> None:
    assert inserted(line, position) == expected


def test_several_stand_in_their_order() -> None:
    insertions = [
        Insertion(words("a b"), "first"),
        Insertion(words("c"), "last"),
        Insertion(words("d"), "first"),
        Insertion(words("e"), "last"),
        Insertion(words("f"), "after-command"),
    ]
    assert with_insertions(words("run x -- y"), insertions, OPTIONS) == words("a b d run f x c e -- y")


ARGUMENTS = st.lists(st.sampled_from([b"a", b"--", b"-u", b"--user", b"--user=x", b"--odd", b"", b"\xff"]))


@given(ARGUMENTS, st.lists(st.sampled_from(["first", "last", "after-command"])))
def test_the_callers_arguments_stay_as_they_are(arguments: list[bytes], positions: list[Position]) -> None:
    found = with_insertions(arguments, [Insertion((b"+new",), each) for each in positions], OPTIONS)
    assert [word for word in found if word != b"+new"] == arguments
    assert found.count(b"+new") == len(positions)


@given(ARGUMENTS, st.sampled_from(["first", "last", "after-command"]))
def test_nothing_comes_behind_what_ends_the_options(arguments: list[bytes], position: Position) -> None:
    found = with_insertions(arguments, [Insertion((b"+new",), position)], Options())
    assert b"--" not in found[: found.index(b"+new")]


@pytest.mark.parametrize(
    ("line", "is_there"),
    [
        ("--user ada", True),
        ("--user=ada", True),
        ("-u ada", True),
        ("-uada", True),
        ("x -u ada", True),
        ("--odd -u", True),
        ("-- --user ada", False),
        ("--host --user", False),
        ("user", False),
        ("--username ada", False),
        ("", False),
    ],
)
def test_an_option_that_the_caller_gave(line: str, is_there: bool) -> None:
    for name in ("--user", "-u"):
        assert is_given([name], words(line), OPTIONS) is is_there


def test_an_option_that_is_not_declared() -> None:
    assert is_given(["-a"], words("-asecret"), Options())
    assert is_given(["-a"], words("--odd -a x"), Options())
    assert not is_given(["-a"], words("--all"), Options())
