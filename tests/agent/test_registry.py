"""The list of accounts."""

from pathlib import Path

import pytest

from keyturn.agent.registry import Entry, Registry
from keyturn.ground.errors import ConfigurationError, MissingError, UsageError
from keyturn.ground.names import new_id


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "accounts.json")


def test_accounts_are_found_by_id_and_title(registry: Registry) -> None:
    work, private = Entry(new_id(), "Work", "/w"), Entry(new_id(), "private", "/p")
    registry.add(work)
    registry.add(private)
    assert registry.entries() == [work, private]
    assert registry.find(work.id) == work
    assert registry.find("WORK") == work
    with pytest.raises(MissingError, match="no account “other”") as caught:
        registry.find("other")
    assert "“Work”, “private”" in caught.value.hints[0]


def test_ids_and_titles_are_taken_once(registry: Registry) -> None:
    entry = Entry(new_id(), "Work", "/w")
    registry.add(entry)
    with pytest.raises(UsageError, match="listed already"):
        registry.add(Entry(entry.id, "other", "/o"))
    with pytest.raises(UsageError, match="called “work” already"):
        registry.add(Entry(new_id(), "work", "/o"))
    other = Entry(new_id(), "other", "/o")
    registry.add(other)
    with pytest.raises(UsageError, match="already"):
        registry.rename(other, "Work")
    registry.rename(other, "OTHER")
    assert registry.find(other.id).title == "OTHER"
    registry.remove(entry)
    assert [each.id for each in registry.entries()] == [other.id]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"version":9,"accounts":[]}', b'{"version":1,"accounts":[{"id":"x"}]}']
)
def test_a_damaged_list_is_refused_and_kept(registry: Registry, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "accounts.json").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"accounts\.json"):
        registry.entries()
    with pytest.raises(ConfigurationError):
        registry.add(Entry(new_id(), "Work", "/w"))
    assert (tmp_path / "accounts.json").read_bytes() == content
