"""What every backend's contract stands on, and what is about former states: archive, history, moves."""

from collections.abc import Sequence

import msgspec
import pytest

from keyturn.ground.errors import ConflictError, MissingError, UnsupportedError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, VaultReference
from keyturn.vaults.backend import Backend
from tests.vaults.templates import make_item


def contents(item: Item) -> list[tuple[str, FieldType, str]]:
    """What a person sees of the fields, values included."""
    return sorted((field.label, field.type, field.value.reveal()) for field in item.fields)


def _do(backend: Backend, method: str, arguments: Sequence[object]) -> None:
    if method == "rename":
        [item] = arguments
        assert isinstance(item, Item)
        backend.edit(msgspec.structs.replace(item, title="another title"))
    else:
        getattr(backend, method)(*arguments)


class KeepingContract:
    """Inherit, and define the two fixtures; for another program's vault also what it cannot do or hold.

    `cannot` names methods that raise UnsupportedError, and "rename" an edit that changes the title.
    `is_exact`: an item comes back with every id as it was given, and its versions count by one.
    `lists_tags`: its tags are known without opening it.
    """

    cannot: frozenset[str] = frozenset()
    is_exact = True
    lists_tags = True

    def make_vault(self, backend: Backend, name: str) -> VaultReference:
        """A vault to put items into; where none can be made, one that is there."""
        return backend.create_vault(name)

    def can_hold(self, text: str) -> bool:
        """Whether the vault can hold this text as a title, a label and a value; else UsageError."""
        return True

    def can(self, backend: Backend, method: str, *arguments: object) -> bool:
        """Whether it can do `method`; if not, that it says so, and that nothing has changed."""
        if method not in self.cannot:
            return True
        before = [each for each, _ in backend.items()]
        with pytest.raises(UnsupportedError) as caught:
            _do(backend, method, arguments)
        assert len(caught.value.message) > 20, "it says what and whose"
        assert [each for each, _ in backend.items()] == before
        return False

    def assert_same(self, found: Item, item: Item) -> None:
        if self.is_exact:
            assert found == item
        assert (found.title, sorted(found.tags)) == (item.title, sorted(item.tags))
        assert contents(found) == contents(item)

    @pytest.fixture
    def backend(self) -> Backend:
        """A backend without items, in which vaults can be created."""
        raise NotImplementedError

    @pytest.fixture
    def reopened(self, backend: Backend) -> Backend:
        """Another object over what `backend` has stored, as a new process would make it."""
        raise NotImplementedError

    def test_an_archived_item_is_aside_and_comes_back(self, backend: Backend, reopened: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        item = backend.create(vault.id, make_item("One"))
        other = backend.create(vault.id, make_item("Two"))
        if not self.can(backend, "archive", item.id):
            return
        backend.archive(item.id)
        for reader in (backend, reopened):
            assert [summary.id for summary, _ in reader.items()] == [other.id]
            [(summary, where)] = reader.items(vault.id, archived=True)
            assert (summary.id, where) == (item.id, vault)
            for hidden in (reader.get, reader.find):
                with pytest.raises(MissingError, match="archived"):
                    hidden(item.id)
            with pytest.raises(MissingError, match="archived"):
                reader.find("one")
            assert reader.find_archived("one")[0].fields == item.fields
        with pytest.raises(MissingError):
            backend.archive(item.id)
        if self.is_exact:
            with pytest.raises(ConflictError):
                backend.create(vault.id, item)
        if not self.can(backend, "restore", item.id):
            return
        assert backend.restore(item.id).fields == item.fields
        assert reopened.get(item.id)[0].fields == item.fields
        assert reopened.items(archived=True) == []

    def test_versions_are_kept_and_come_back(self, backend: Backend, reopened: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        item = backend.create(vault.id, make_item("One", "first EXAMPLE"))
        if not self.can(backend, "history", item.id):
            return
        for value in ("second EXAMPLE", "third EXAMPLE"):
            changed, _ = backend.get(item.id)
            changed.fields[1].value = Secret(value)
            backend.edit(changed)
        found = [(each.version, each.fields[1].value.reveal()) for each in reopened.history(item.id)]
        assert [value for _, value in found] == ["first EXAMPLE", "second EXAMPLE", "third EXAMPLE"]
        numbers = [number for number, _ in found]
        assert numbers == [1, 2, 3] if self.is_exact else len(set(numbers)) == 3
        if not self.can(backend, "restore", item.id, numbers[0]):
            return
        fourth = reopened.restore(item.id, numbers[0]).version
        assert fourth == 4 if self.is_exact else fourth not in numbers
        assert contents(backend.get(item.id)[0]) == contents(item)
        assert [each.version for each in backend.history(item.id)] == [*numbers, fourth]
        with pytest.raises(MissingError, match="version 9"):
            backend.restore(item.id, 9)
        backend.archive(item.id)
        assert [each.version for each in backend.history(item.id)][:3] == numbers
        restored = backend.restore(item.id, numbers[1])
        assert [field for field in restored.fields if field.value == Secret("second EXAMPLE")]
        assert backend.get(item.id)[0] == restored

    def test_the_number_of_versions_is_bounded(self, backend: Backend, reopened: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        item = backend.create(vault.id, make_item())
        if not self.can(backend, "history", item.id):
            return
        for number in range(40):
            item.title = f"{number}"
            item = backend.edit(item)
        kept = [each.title for each in reopened.history(item.id)]
        assert 5 <= len(kept) <= 20
        assert kept == [str(number) for number in range(40 - len(kept), 40)]

    def test_what_is_deleted_is_gone_with_its_history(self, backend: Backend, reopened: Backend) -> None:
        vault = self.make_vault(backend, "Work")
        for is_archived in (False, True):
            item = backend.create(vault.id, make_item())
            backend.edit(item)
            if is_archived and self.can(backend, "archive", item.id):
                backend.archive(item.id)
            backend.delete(item.id)
            for reader in (backend, reopened):
                assert reader.items() == reader.items(archived=True) == []
                methods = {"get", "history", "restore", "delete"} - self.cannot
                for gone in (getattr(reader, method) for method in sorted(methods)):
                    with pytest.raises(MissingError):
                        gone(item.id)
            if not self.is_exact:
                continue
            # An id that comes back (from a file that was put back) brings no history of before.
            assert backend.create(vault.id, item).id == item.id
            assert "history" in self.cannot or len(backend.history(item.id)) == 1
            backend.delete(item.id)

    def test_a_move_takes_the_history_along(self, backend: Backend, reopened: Backend) -> None:
        first, second = self.make_vault(backend, "First"), self.make_vault(backend, "Second")
        if first == second:
            return  # there is one vault only
        if not self.can(backend, "move", backend.create(first.id, make_item("other")).id, second.id):
            return
        item = backend.edit(backend.create(first.id, make_item()))
        moved = backend.move(item.id, second.id)
        for reader in (backend, reopened):
            assert reader.get(moved.id) == (moved, second)
            assert [summary.title for summary, _ in reader.items(first.id)] == ["other"]
            assert [summary.id for summary, _ in reader.items(second.id)] == [moved.id]
            if "history" not in self.cannot:
                assert [each.version for each in reader.history(moved.id)][-1] == moved.version
                assert len(reader.history(moved.id)) == 2
        assert moved.id == item.id or not self.is_exact
        assert (moved.title, contents(moved)) == (item.title, contents(item))
        assert moved.created_at == item.created_at or not self.is_exact
        assert backend.move(moved.id, second.id) == moved
        if not self.is_exact:
            return
        backend.archive(item.id)
        backend.move(item.id, first.id)
        assert [vault for _, vault in reopened.items(archived=True)] == [first]
        with pytest.raises(MissingError):
            backend.move(item.id, new_id())
        with pytest.raises(MissingError):
            backend.move(new_id(), first.id)
        assert backend.edit(backend.restore(item.id)).id == item.id
