"""The defaults file: strict, never losing what somebody else wrote."""

import multiprocessing
import os
from pathlib import Path

import pytest

from keyturn.ground.errors import ConfigurationError
from keyturn.ground.names import new_id
from keyturn.items import ItemReference
from keyturn.scopes import defaults, layers
from keyturn.scopes.defaults import Defaults, DefaultsFile


def reference(title: str = "AWS") -> ItemReference:
    return ItemReference(new_id(), new_id(), new_id(), title)


@pytest.fixture
def file(tmp_path: Path) -> DefaultsFile:
    return DefaultsFile(tmp_path / "defaults.json")


def test_no_file_means_no_default(file: DefaultsFile) -> None:
    assert file.read() == Defaults()
    assert layers.layers(file.read(), {}, "aws", "/") == []


def test_what_is_set_is_read_back_with_its_source(file: DefaultsFile, tmp_path: Path) -> None:
    one, two, three = reference("one"), reference("two"), reference("three")
    file.change(lambda known: defaults.with_default(known, "aws", one))
    file.change(lambda known: defaults.with_binding(known, "aws", "dev", two))
    file.change(lambda known: defaults.with_trusted(known, "aws", "/usr/bin/aws"))
    file.change(lambda known: defaults.with_directory_default(known, "/srv", "aws", three))
    file.change(lambda known: defaults.with_vault_title(known, three.vault, "Private"))
    read = DefaultsFile(tmp_path / "defaults.json").read()
    selected, bound = layers.selected(read, {}, "aws", "/"), defaults.bound(read, "aws")
    assert selected is not None
    assert (selected.value, selected.source) == (one, "the global default")
    below = layers.selected(read, {}, "aws", "/srv/app")
    assert below is not None
    assert (below.value, below.source) == (three, "the default of /srv and below")
    assert read.vaults == {three.vault: "Private"}
    assert read.titles() == {one.item: "one", two.item: "two", three.item: "three"}
    assert bound["dev"].value == two
    assert "dev" in bound["dev"].source
    assert read.trusted == {"aws": ["/usr/bin/aws"]}
    assert layers.selected(read, {}, "cdk", "/srv") is None
    gone = defaults.without_directory_default(read, "/srv", "aws")
    assert gone.directories == {}, "an empty directory is not kept"
    assert defaults.without_default(gone, "aws").everywhere == {}


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
        b'{"version":1,"places":{}}',
        b'{"version":1,"directories":{"srv":{}}}',
        b'{"version":1,"directories":{"/srv/":{}}}',
        b'{"version":1,"directories":{"/srv/../etc":{}}}',
        b'{"version":1,"directories":{"//srv":{}}}',
        b'{"version":1,"directories":{"":{}}}',
        b'{"version":1,"directories":{"/\\\\x41":{}}}',
        b'{"version":1,"directories":{"/\\\\n":{}}}',
        b'{"version":1,"directories":{"/\\u0000":{}}}',
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


def test_a_binding_goes_alone(file: DefaultsFile) -> None:
    file.change(lambda known: defaults.with_default(known, "aws", reference("kept")))
    for name in ("dev", "prod"):
        file.change(lambda known, name=name: defaults.with_binding(known, "aws", name, reference(name)))  # type: ignore[misc]
    left = file.change(lambda known: defaults.without_binding(known, "aws", "dev"))
    assert {plugin: list(names) for plugin, names in left.bindings.items()} == {"aws": ["prod"]}
    assert list(left.everywhere) == ["aws"]
    assert defaults.without_binding(left, "aws", "dev") == left
    assert defaults.without_binding(left, "aws", "prod").bindings == {}, "an empty plugin is not kept"


def test_a_file_of_before_several_credentials_is_read(file: DefaultsFile, tmp_path: Path) -> None:
    one = reference("one")
    ids = f'{{"account":"{one.account}","vault":"{one.vault}","item":"{one.item}","title":"one"}}'
    (tmp_path / "defaults.json").write_text(f'{{"version":1,"everywhere":{{"terraform":{ids}}}}}')
    assert layers.selected_all(file.read(), {}, "terraform", "/") == {
        "": layers.selected(file.read(), {}, "terraform", "/")
    }
