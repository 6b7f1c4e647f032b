"""The words of a wrapped command, byte for byte; the launcher becomes it, with nothing in between."""

import os
import subprocess
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.programs.probe import Wrapped, assert_as_bare
from tests.programs.user import SECONDS, User

WORDS: dict[str, Sequence[bytes]] = {
    "empty ones": [b"", b"s3", b"", b"", b"ls", b""],
    "dashes": [b"-", b"--", b"---", b"s3", b"--", b"--", b"-x", b"--profil", b"--profile", b"dev"],
    "a profile behind a bare --": [b"s3", b"--", b"--profile", b"none"],
    "quotes": [b"s3", b"'", b'"', b"\\", b"`id`", b"$HOME", b"$(id)", b"a b", b"*", b"~", b"!!", b"{a,b}"],
    "white space": [b"s3", b" ", b"\n", b"a\nb\n", b"\t", b"\r\n", b"\x0b\x0c"],
    "no text": [b"s3", b"\xff", b"\xfe\xfd", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf"],
    "text": ["ä".encode(), "a\u0308".encode(), "日本".encode(), "🔑".encode(), "\u200b\ufeff".encode()],
    "control characters": [b"s3", bytes(range(1, 32)), b"\x1b[31m", b"\x7f"],
    "like the launcher's own": [b"+1", b"+", b"-ISXutf8", b"-c", b"-m", b"__launch", b"__talk"],
    "like keyturn's own": [b"s3", b"--help", b"--no-input", b"plugin", b"run", b"--password-file", b"x"],
    "one of 128 KiB": [b"s3", b"x" * (128 * 1024 - 1)],
    "1 MiB of them": [b"s3", *[b"%08d" % number * 16 for number in range(8 * 1024)]],
    "very many": [b"s3", *[b""] * 30_000],
}  # fmt: skip


@pytest.fixture(scope="module")
def wrapped() -> Iterator[Wrapped]:
    with User() as user:
        yield Wrapped(user)


def call(wrapped: Wrapped, words: Sequence[str | bytes], arguments: Sequence[bytes]) -> int:
    """Run it to its end, without a shell; its pid."""
    process = subprocess.Popen(
        [*words, *arguments],
        env=wrapped.user.environment,
        cwd=wrapped.user.home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        executable=wrapped.probe.path if words == ["aws"] else None,
    )
    assert process.wait(SECONDS) == 0
    return process.pid


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_words_arrive_byte_for_byte(wrapped: Wrapped, words: Sequence[bytes]) -> None:
    wrapped.probe.reports()
    pids = [call(wrapped, entrance, words) for entrance in (["aws"], wrapped.launcher, wrapped.plugin_run)]
    bare, *others = wrapped.probe.reports()
    assert bare.argv == [b"aws", *words]
    assert_as_bare(bare, *others)
    # The launcher becomes the command; a process in between would have another pid.
    assert [report.pid for report in (bare, *others)] == pids


@settings(max_examples=40, deadline=None, database=None)
@given(
    st.lists(
        st.binary(max_size=20).map(lambda word: word.replace(b"\0", b"")).filter(lambda w: w[:3] != b"--p"),
        max_size=300,
    )
)
def test_any_words_arrive_byte_for_byte(wrapped: Wrapped, words: list[bytes]) -> None:
    # What needs no authentication passes untouched as well; `--p…` could be `--profile`, which is taken.
    wrapped.probe.reports()
    call(wrapped, wrapped.launcher, words)
    assert wrapped.probe.report().argv == [b"aws", *words]


def test_only_the_profile_is_taken_from_the_words(wrapped: Wrapped) -> None:
    wrapped.probe.reports()
    call(
        wrapped,
        wrapped.launcher,
        [b"s3", b"--profile", b"default", b"", b"default", b"--profile=default", b"x"],
    )
    assert wrapped.probe.report().argv == [b"aws", b"s3", b"", b"default", b"x"]


def test_the_name_may_be_a_path(wrapped: Wrapped) -> None:
    wrapped.probe.reports()
    launcher = wrapped.launcher[:-1]
    for name in (str(wrapped.probe.path), "probe/aws", "./probe/aws"):
        call(wrapped, [*launcher, name], [b"s3"])
        report = wrapped.probe.report()
        assert (report.argv, report.sections["path"]) == ([name.encode(), b"s3"], name.encode())


def test_a_relative_part_of_path_is_passed_over(wrapped: Wrapped) -> None:
    planted = wrapped.user.home / "planted"
    planted.mkdir()
    (planted / "aws").write_text("#!/bin/sh\necho planted\n")
    (planted / "aws").chmod(0o755)
    wrapped.probe.reports()
    search = f":.:planted:{os.pathsep.join(wrapped.user.path)}"
    done = wrapped.user.run(*wrapped.launcher, "s3", variables={"PATH": search}, directory=planted).succeeds()
    assert not done.output
    assert wrapped.probe.report().sections["path"] == bytes(wrapped.probe.path)
