"""The defaults file: strict, never losing what somebody else wrote."""

import multiprocessing
import os
from pathlib import Path

import pytest

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import new_id
from keyturn.items import ItemReference
from keyturn.scopes import defaults
from keyturn.scopes.defaults import Defaults, DefaultsFile


def reference(title: str = "AWS") -> ItemReference:
    return ItemReference(new_id(), new_id(), new_id(), title)


@pytest.fixture
def file(tmp_path: Path) -> DefaultsFile:
    return DefaultsFile(tmp_path / "defaults.json")


def test_no_file_means_no_default(file: DefaultsFile) -> None:
    assert file.read() == Defaults()
    assert defaults.selected(file.read(), "aws") is None


def test_what_is_set_is_read_back_with_its_source(file: DefaultsFile, tmp_path: Path) -> None:
    one, two = reference("one"), reference("two")
    file.change(lambda known: defaults.with_default(known, "aws", one))
    file.change(lambda known: defaults.with_binding(known, "aws", "dev", two))
    file.change(lambda known: defaults.with_trusted(known, "aws", "/usr/bin/aws"))
    read = DefaultsFile(tmp_path / "defaults.json").read()
    selected, bound = defaults.selected(read, "aws"), defaults.bound(read, "aws")
    assert selected is not None
    assert (selected.value, selected.source) == (one, "the global default")
    assert bound["dev"].value == two
    assert "dev" in bound["dev"].source
    assert read.trusted == {"aws": ["/usr/bin/aws"]}
    assert defaults.selected(read, "cdk") is None


def test_a_change_from_elsewhere_is_seen(file: DefaultsFile, tmp_path: Path) -> None:
    assert file.read() == Defaults()
    DefaultsFile(tmp_path / "defaults.json").change(
        lambda known: defaults.with_default(known, "aws", reference())
    )
    assert "aws" in file.read().everywhere
    os.unlink(tmp_path / "defaults.json")
    assert file.read() == Defaults()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version":2}',
        b'{"version":1,"directories":{}}',
        b'{"version":1,"everywhere":{"aws":{}}}',
    ],
)
def test_a_file_that_is_not_exactly_right_is_refused_and_kept(
    file: DefaultsFile, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "defaults.json"
    path.write_bytes(content)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=r"defaults\.json"):
            file.read()
    with pytest.raises(ConfigurationError):
        file.change(lambda known: known)
    assert path.read_bytes() == content


def _add(path: Path, name: str) -> None:
    DefaultsFile(path).change(lambda known: defaults.with_default(known, name, reference(name)))


def test_writers_at_once_lose_nothing(file: DefaultsFile, tmp_path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=_add, args=(tmp_path / "defaults.json", f"tool-{n}")) for n in range(12)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(file.read().everywhere) == 12
