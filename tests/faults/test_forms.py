"""What the parsers refuse, one malformed thing at a time: each guard was found alive without its test."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keyturn.ground import files, wire
from keyturn.ground.errors import ConfigurationError, DamagedError, UsageError
from keyturn.ground.names import new_id
from keyturn.ground.wire import Go, RunRequest, WireError
from keyturn.items import ItemReference
from keyturn.scopes import defaults
from keyturn.scopes.defaults import DefaultsFile
from keyturn.vaults.age import contents, documents
from keyturn.vaults.age.documents import AccountDocument, Codec, VaultDocument
from tests.vaults.templates import MOMENT, make_item

EMPTY = contents.empty_vault("a" * 26, "v" * 26, "Private", MOMENT, "m" * 26)
ACCOUNT = contents.first_account("a" * 26, "Test", [], MOMENT, "m" * 26)


@pytest.mark.parametrize("prefix", [b"", b"\0\0\1", b"\0\0\0\0\1", b"\0\0\0\0", b"\xff\xff\xff\xff"])
def test_a_length_that_is_none_is_refused(prefix: bytes) -> None:
    with pytest.raises(WireError, match="length"):
        wire.frame_length(prefix)


@pytest.mark.parametrize(
    ("body", "count", "words"),
    [
        (b"", 0, "does not end"),
        (b"1\0a", 1, "does not end"),
        (b"0\0", 2, "a list is missing"),
        (b"1\0a\0", 2, "a list is missing"),
        (b"x\0", 1, "a count"),
        (b"\0", 1, "a count"),
        (b"01\0a\0", 1, "a count"),
        (b"+1\0a\0", 1, "a count"),
        ("²\0a\0".encode(), 1, "a count"),
        (b"2\0a\0", 1, "fewer fields"),
        (b"1\0", 1, "fewer fields"),
        (b"1\0a\0b\0", 1, "more fields"),
        (b"0\0\0", 1, "more fields"),
    ],
)
def test_a_body_that_is_not_of_the_protocol_is_refused(body: bytes, count: int, words: str) -> None:
    with pytest.raises(WireError, match=words):
        wire.decode_fields(body, count)


@pytest.mark.parametrize("head", [[], [b"aws"], [b"aws", b"/usr/bin/aws", b"x"]])
def test_a_question_has_a_name_and_a_path(head: list[bytes]) -> None:
    with pytest.raises(WireError, match="name and path"):
        RunRequest.decode(wire.encode_fields(head, [], []))


def test_an_answer_has_a_value_for_each_name() -> None:
    with pytest.raises(WireError, match="without a value"):
        Go.decode(wire.encode_fields([], [], [b"A"], [], []))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "defaults.json"
    reference = ItemReference(new_id(), new_id(), new_id(), "AWS")
    DefaultsFile(path).change(lambda was: defaults.with_default(was, "aws", reference))
    return path


def test_one_executable_twice_is_refused(path: Path) -> None:
    """The parser would drop the first in silence, and another identity would answer."""
    item = json.dumps(json.loads(path.read_bytes())["everywhere"]["aws"])
    path.write_text(f'{{"version": 1, "everywhere": {{"aws": {item}, "aws": {item}}}}}')
    with pytest.raises(ConfigurationError, match="twice"):
        DefaultsFile(path).read()


def test_defaults_that_cannot_be_read_are_not_none(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(files, "read", fail)
    with pytest.raises(ConfigurationError, match="cannot read") as caught:
        DefaultsFile(path).read()
    assert caught.value.hints


def test_defaults_are_read_once_while_they_stay(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, reads, read = DefaultsFile(path), [], files.read

    def count(path: Path, *rest: Any) -> Any:
        reads.append(path)
        return read(path, *rest)

    monkeypatch.setattr(files, "read", count)
    for _ in range(3):
        assert "aws" in file.read().everywhere
    assert len(reads) == 1


def test_a_directory_that_cannot_be_synced_is_an_error_unless_it_never_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some network file systems say EINVAL for every directory."""

    def fail(number: int) -> Any:
        def fsync(descriptor: int) -> None:
            raise OSError(number, os.strerror(number))

        return fsync

    monkeypatch.setattr(os, "fsync", fail(errno.EINVAL))
    files.sync_directory(tmp_path)
    monkeypatch.setattr(os, "fsync", fail(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        files.sync_directory(tmp_path)


def test_an_error_without_words_of_its_own_still_says_something() -> None:
    assert files.reason(OSError("Odd")) == "odd"
    assert files.reason(OSError(errno.ENOSPC, "No space left on device", "/x")) == "no space left on device"
    assert files.remedy(OSError("Odd"))


def test_only_an_account_document_knows_the_title_and_is_called_account() -> None:
    assert documents.account_title(ACCOUNT) == "Test"
    assert documents.account_title(EMPTY) == ""
    assert documents.place_of(ACCOUNT) == "account"
    assert documents.place_of(EMPTY) == "v" * 26


def test_an_older_format_is_migrated_step_by_step_or_refused() -> None:
    """An account has one format so far: two more are invented, which the present one is migrated to."""
    content = Codec(AccountDocument).encode(ACCOUNT)
    steps = []

    def step(number: int) -> Any:
        def migrate(content: bytes) -> bytes:
            steps.append(number)
            return content

        return migrate

    assert Codec(AccountDocument, {1: step(1), 2: step(2)}, 3).decode(content) == (ACCOUNT, 1)
    assert steps == [1, 2]
    with pytest.raises(DamagedError, match="format 2, which never was released"):
        Codec(AccountDocument, {1: step(1)}, 3).decode(content)
    with pytest.raises(DamagedError, match="format 1, which never was released"):
        Codec(AccountDocument, newest=3).decode(content)


def test_what_does_not_parse_is_said_not_to_parse() -> None:
    for codec in (Codec(VaultDocument), Codec(AccountDocument)):
        whole = msgspec.json.encode({"keyturn": codec.name, "format": 1, "account": 1})
        for content in (b"", b"\xff", b"{}", whole):
            with pytest.raises(DamagedError, match="does not parse"):
                codec.decode(content)
    for content in (b"", b"\xff", b"{}", b"null"):
        with pytest.raises(DamagedError, match="does not parse"):
            documents.summarise("i" * 26, content)


def test_text_that_is_not_utf_8_is_not_stored() -> None:
    item = msgspec.structs.replace(make_item(), title="\udcff")
    with pytest.raises(UsageError, match="not UTF-8") as caught:
        documents.encode_item(item)
    assert caught.value.__context__ is None
