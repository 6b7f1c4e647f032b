"""What every backend has to do; its test class inherits `BackendContract` and makes backends.

Nothing here knows how a backend stores: a case is what a person would notice.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from keyturn.ground.errors import AmbiguousError, ConflictError, MissingError, UsageError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, Item, Section, Url, new_field, new_item
from keyturn.vaults.backend import Available, Backend
from tests.vaults.contract_keeping import KeepingContract
from tests.vaults.templates import MOMENT, make_item

HOSTILE = [
    "",
    " leading and trailing ",
    "line\nfeed\r\ttab",
    "quotes \" ' ` \\ $(x) %s {}",
    "nul \0 and escape \x1b[2J",
    "combining é é, right-to-left ‮x, 🔑, \U0010fffd",
    "</script>\u2028\u2029",
    "x" * 100_000,
]


class BackendContract(KeepingContract):
    """Inherit, and define the two fixtures of KeepingContract."""

    def test_is_available(self, backend: Backend) -> None:
        assert backend.availability() == Available()
        assert backend.id
        assert backend.title

    def test_an_item_comes_back_as_it_was_stored(self, backend: Backend, reopened: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        item = make_item()
        item.urls = [Url("https://example.com", "site", primary=True)]
        item.fields[0].section = Section("s1", "keys")
        stored = backend.create(vault.id, item)
        self.assert_same(stored, item)
        for reader in (backend, reopened):
            found, where = reader.get(stored.id)
            assert (found, where) == (stored, vault)
            assert reader.read_back(stored.id) == (stored, vault)

    @pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
    def test_hostile_text_comes_back(self, backend: Backend, reopened: Backend, text: str) -> None:
        vault = self.make_vault(backend, "Work")
        fields = [Field(id=text, type=FieldType.CONCEALED, label=text, value=Secret(text))]
        item = new_item(text, fields, MOMENT, [text] if self.is_exact else [])
        if not self.can_hold(text):
            with pytest.raises(UsageError) as caught:
                backend.create(vault.id, item)
            assert len(text) < 3 or text not in str(caught.value)
            assert reopened.items() == []
            return
        stored = backend.create(vault.id, item)
        self.assert_same(reopened.get(stored.id)[0], item)
        assert text in [summary.title for summary, _ in reopened.items()]

    def test_text_that_is_not_utf8_is_refused_and_not_shown(self, backend: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        fields = [new_field("x", FieldType.CONCEALED, Secret("hunter2\udcff"))]
        with pytest.raises(UsageError) as caught:
            backend.create(vault.id, new_item("x", fields, MOMENT))
        assert "hunter2" not in repr(caught.value) + str(caught.value.__context__)
        assert backend.items() == []

    def test_summaries_name_their_vault_and_hold_no_value(self, backend: Backend) -> None:
        first, second = self.make_vault(backend, "First"), self.make_vault(backend, "Second")
        one = backend.create(first.id, make_item("One", "hunter2"))
        two = backend.create(second.id, make_item("Two", "hunter2"))
        assert {(summary.id, summary.title, vault.id) for summary, vault in backend.items()} == {
            (one.id, "One", first.id),
            (two.id, "Two", second.id),
        }
        found = {summary.id: (summary.tags, vault) for summary, vault in backend.items(second.id)}
        assert found.pop(two.id) == (tuple(two.tags) if self.lists_tags else (), second)
        assert not found or first == second, "those of the other vault are not listed"
        assert "hunter2" not in repr(backend.items())

    def test_vaults_are_listed_by_name(self, backend: Backend, reopened: Backend) -> None:
        if not self.can(backend, "create_vault", "Work"):
            return
        before = [vault.name for vault in backend.vaults()]
        for name in ("b", "a", "ä 🔑"):
            backend.create_vault(name)
        assert [vault.name for vault in reopened.vaults()] == sorted([*before, "b", "a", "ä 🔑"])

    def test_a_vault_name_is_used_once(self, backend: Backend) -> None:
        if not self.can(backend, "create_vault", "Work"):
            return
        backend.create_vault("Work")
        with pytest.raises(ConflictError):
            backend.create_vault("Work")

    @pytest.mark.parametrize("name", ["", " x", "x\ny", "\x1b[2J", "x" * 500])
    def test_a_vault_name_is_one_printable_line(self, backend: Backend, name: str) -> None:
        if not self.can(backend, "create_vault", name):
            return
        with pytest.raises(UsageError):
            backend.create_vault(name)
        assert name not in [vault.name for vault in backend.vaults()]

    def test_what_is_not_there_is_missing(self, backend: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        backend.create(vault.id, make_item())
        for absent in (new_id(), "", "../../account", "x\0y"):
            with pytest.raises(MissingError):
                backend.get(absent)
            with pytest.raises(MissingError):
                backend.items(absent)
            with pytest.raises(MissingError):
                backend.create(absent, make_item())
        with pytest.raises(MissingError):
            backend.edit(make_item())

    def test_an_item_is_created_once(self, backend: Backend) -> None:
        if not self.is_exact:
            return  # the vault gives ids of its own: what is created is always another item
        first, second = self.make_vault(backend, "First"), self.make_vault(backend, "Second")
        item = backend.create(first.id, make_item("as it was"))
        for vault in (first, second):
            with pytest.raises(ConflictError):
                backend.create(vault.id, item)
        assert len(backend.items()) == 1

    def test_an_edit_replaces_and_counts(self, backend: Backend, reopened: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        item = backend.create(vault.id, make_item())
        changed, _ = backend.get(item.id)
        title = "Other" if "rename" not in self.cannot else item.title
        changed.title, changed.created_at = title, "1999-01-01T00:00:00Z"
        changed.fields[1].value = Secret("new EXAMPLE")
        stored = backend.edit(changed)
        assert stored.version == 2 if self.is_exact else stored.version != item.version
        assert (stored.title, stored.created_at) == (title, item.created_at)
        assert reopened.get(item.id)[0] == stored
        assert [field for field in stored.fields if field.value == Secret("new EXAMPLE")]
        assert [summary.title for summary, _ in reopened.items()] == [title]

    def test_an_edit_of_an_old_version_is_refused(self, backend: Backend, reopened: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        item = backend.create(vault.id, make_item())
        mine, _ = backend.get(item.id)
        theirs, _ = reopened.get(item.id)
        theirs.fields[0].value = Secret("theirs")
        stored = reopened.edit(theirs)
        mine.fields[0].value = Secret("mine")
        with pytest.raises(ConflictError):
            backend.edit(mine)
        assert backend.get(item.id)[0] == stored

    def test_changing_what_was_got_changes_nothing_stored(self, backend: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        item = backend.create(vault.id, make_item())
        got, _ = backend.get(item.id)
        got.title = "changed in memory"
        got.fields.clear()
        assert backend.get(item.id)[0] == item

    def test_an_item_is_found_by_id_and_by_title(self, backend: Backend) -> None:
        first, second = self.make_vault(backend, "First"), self.make_vault(backend, "Second")
        one = backend.create(first.id, make_item("One"))
        two = backend.create(second.id, make_item("ONE"))
        named = backend.create(second.id, make_item(one.id))
        assert backend.find("One")[0].id == one.id
        assert backend.find("ONE")[0].id == two.id
        with pytest.raises(AmbiguousError):
            backend.find("one")
        if first != second:
            assert backend.find("one", second.id)[0].id == two.id
        assert backend.find(one.id)[0].id == one.id, "an id before a title"
        if first != second:
            assert backend.find(one.id, second.id)[0].id == named.id
        if not self.can(backend, "rename", two):
            return
        two.title = "other"
        backend.edit(two)
        assert backend.find("one")[0].id == one.id
        for absent in ("none", new_id()):
            with pytest.raises(MissingError):
                backend.find(absent)

    def test_many_writers_lose_nothing(self, backend: Backend, reopened: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        items: list[Item] = [make_item(f"item {number}") for number in range(24)]

        def write(writer: Backend, part: list[Item]) -> None:
            for item in part:
                writer.create(vault.id, item)

        parts = [
            (backend, items[0::4]),
            (reopened, items[1::4]),
            (backend, items[2::4]),
            (reopened, items[3::4]),
        ]
        with ThreadPoolExecutor(len(parts)) as pool:
            for future in [pool.submit(write, *part) for part in parts]:
                future.result()
        for reader in (backend, reopened):
            assert sorted(summary.title for summary, _ in reader.items(vault.id)) == sorted(
                item.title for item in items
            )
