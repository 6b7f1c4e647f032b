"""What is remembered of another program's vault, and what is asked of it. The vault is in memory."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from keyturn.ground.errors import (
    MissingError,
    StorageError,
    UnreachableError,
    UsageError,
)
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError
from keyturn.items import Item, required_field
from keyturn.vaults import operations
from keyturn.vaults.backend import Available, Unavailable
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.operations import Answer, Nothing, Operation
from keyturn.vaults.places import Place
from tests.vaults.people import Person
from tests.vaults.templates import StoppedClock, make_item
from tests.vaults.vault_in_memory import SECONDS, SECRET, Vault


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
def clock() -> StoppedClock:
    return StoppedClock()


@pytest.fixture
def account(vault: Vault, clock: StoppedClock) -> ForeignAccount:
    return ForeignAccount(new_id(), "Test", Place("1password"), vault.perform, clock.boot)


def value(account: ForeignAccount, item_id: str) -> str:
    return required_field(account.get(item_id)[0], SECRET).value.reveal()


def item_in(vault: Vault, title: str = "AWS") -> Item:
    item = make_item(title, "first EXAMPLE")
    vault.put(item)
    return item


def test_what_was_read_is_believed_for_as_long_as_was_said(
    account: ForeignAccount, vault: Vault, clock: StoppedClock
) -> None:
    item = item_in(vault)
    for _ in range(3):
        assert value(account, item.id) == "first EXAMPLE"
        assert account.find("aws")[0].id == item.id
    assert vault.asked == ["GetItem", "ListItems"]
    vault.change(item.id, "second EXAMPLE")
    item_in(vault, "Another")
    clock.seconds += SECONDS - 0.1
    assert value(account, item.id) == "first EXAMPLE"
    clock.seconds += 0.1
    assert value(account, item.id) == "second EXAMPLE"
    assert len(account.items()) == 2


def test_files_are_looked_at_each_time(account: ForeignAccount, vault: Vault, tmp_path: Path) -> None:
    vault.files = [tmp_path / "one", tmp_path / "two"]
    for path in vault.files:
        path.write_text("1")
    item = item_in(vault)
    account.items()
    assert value(account, item.id) == "first EXAMPLE"
    vault.change(item.id, "second EXAMPLE")
    item_in(vault, "Another")
    assert value(account, item.id) == "first EXAMPLE", "no file is another"
    vault.files[1].write_text("22")
    assert value(account, item.id) == "second EXAMPLE"
    assert len(account.items()) == 2


def test_files_that_cannot_be_looked_at_are_not_believed(
    account: ForeignAccount, vault: Vault, tmp_path: Path
) -> None:
    directory = tmp_path / "mounted"
    directory.mkdir()
    vault.files = [directory / "one"]
    vault.files[0].write_text("1")
    item = item_in(vault)
    assert value(account, item.id) == "first EXAMPLE"
    directory.rename(tmp_path / "away")
    directory.write_text("in its place")
    vault.files = []
    vault.change(item.id, "second EXAMPLE")
    assert value(account, item.id) == "second EXAMPLE"


def test_values_are_forgotten_and_titles_stay(account: ForeignAccount, vault: Vault) -> None:
    item = item_in(vault)
    account.items()
    account.get(item.id)
    account.forget_values()
    vault.asked.clear()
    account.items()
    assert vault.asked == []
    account.get(item.id)
    assert vault.asked == ["GetItem"]


def test_what_is_read_back_is_read_anew(account: ForeignAccount, vault: Vault) -> None:
    item = item_in(vault)
    assert value(account, item.id) == "first EXAMPLE"
    vault.change(item.id, "second EXAMPLE")
    assert required_field(account.read_back(item.id)[0], SECRET).value == Secret("second EXAMPLE")


def test_what_is_not_there_does_not_reach_the_program(account: ForeignAccount, vault: Vault) -> None:
    """Its words would hold what somebody typed; and what it makes of an unknown one is its own affair."""
    item = item_in(vault)
    with pytest.raises(MissingError):
        account.get("--help")
    assert vault.asked == [], "that is no id, whatever is there"
    account.items()
    for absent in (new_id(), "--help"):
        for work in (
            lambda gone: account.get(gone),
            lambda gone: account.edit(msgspec.structs.replace(item, id=gone)),
            lambda gone: account.archive(gone),
            lambda gone: account.restore(gone),
            lambda gone: account.restore(gone, 1),
            lambda gone: account.delete(gone),
            lambda gone: account.history(gone),
            lambda gone: account.move(gone, vault.vaults[0].id),
            lambda gone: account.move(item.id, gone),
            lambda gone: account.create(gone, item),
            lambda gone: account.items(gone),
            lambda gone: account.find(item.title, gone),
        ):
            with pytest.raises(MissingError, match="there is no"):
                work(absent)
    assert vault.asked == ["ListItems"]


def test_an_archived_item_is_aside(account: ForeignAccount, vault: Vault) -> None:
    item, other = item_in(vault), item_in(vault, "Other")
    with pytest.raises(MissingError):
        account.restore(other.id)
    assert value(account, item.id) == "first EXAMPLE"
    account.archive(item.id)
    assert [summary.id for summary, _ in account.items()] == [other.id]
    assert [summary.id for summary, _ in account.items(archived=True)] == [item.id]
    vault.asked.clear()
    for work in (account.get, account.find, account.archive):
        with pytest.raises(MissingError, match="archived"):
            work(item.id)
    assert vault.asked == []
    assert account.history(item.id)
    assert account.find_archived("aws")[0].id == item.id
    account.restore(item.id)
    assert value(account, item.id) == "first EXAMPLE"
    account.archive(item.id)
    account.delete(item.id)
    assert account.items(archived=True) == []


def test_the_vault_where_it_is_already_is_no_move(account: ForeignAccount, vault: Vault) -> None:
    item = item_in(vault)
    account.move(item.id, vault.vaults[0].id)
    assert "MoveItem" not in vault.asked
    account.move(item.id, vault.vaults[1].id)
    assert account.get(item.id)[1] == vault.vaults[1]


def test_what_callers_get_is_their_own(account: ForeignAccount, vault: Vault) -> None:
    made = account.create(vault.vaults[0].id, make_item("AWS", "first EXAMPLE"))
    edited = account.edit(made)
    for mine in (made, edited, account.get(made.id)[0]):
        required_field(mine, SECRET).value = Secret("mine")
        mine.tags.append("mine")
        mine.urls.clear()
        assert value(account, made.id) == "first EXAMPLE"
        assert "mine" not in account.get(made.id)[0].tags


@pytest.mark.parametrize("change", ["edit", "archive", "restore", "delete", "move"])
def test_nothing_is_believed_after_a_change_of_which_nobody_knows(
    account: ForeignAccount, vault: Vault, change: str
) -> None:
    """The program died after it had written, perhaps."""
    item = item_in(vault)
    account.get(item.id)
    account.items()
    changed = msgspec.structs.replace(item, title="Changed")
    works: dict[str, Callable[[], object]] = {
        "edit": lambda: account.edit(changed),
        "archive": lambda: account.archive(item.id),
        "restore": lambda: account.restore(item.id, 1),
        "delete": lambda: account.delete(item.id),
        "move": lambda: account.move(item.id, vault.vaults[1].id),
    }
    vault.fails = UnreachableError("it died")
    with pytest.raises(UnreachableError, match="it died"):
        works[change]()
    vault.asked.clear()
    account.items()
    if change == "delete":
        with pytest.raises(MissingError):
            account.get(item.id)
    elif change == "archive":
        with pytest.raises(MissingError, match="archived"):
            account.get(item.id)
    else:
        assert account.get(item.id)[0].title == ("Changed" if change == "edit" else "AWS")
    assert vault.asked[0] == "ListItems"
    assert "GetItem" in vault.asked[1:] or change in ("delete", "archive")


@pytest.mark.parametrize("what", ["item", "vault"])
def test_nothing_is_believed_after_something_was_perhaps_made(
    account: ForeignAccount, vault: Vault, what: str
) -> None:
    account.items()
    vault.fails = StorageError("full")
    with pytest.raises(StorageError):
        account.create_vault("New") if what == "vault" else account.create(
            vault.vaults[0].id, make_item("New")
        )
    names = [each.name for each in account.vaults()] + [summary.title for summary, _ in account.items()]
    assert "New" in names


def test_text_that_is_not_utf8_is_not_in_the_error(account: ForeignAccount, vault: Vault) -> None:
    vault.fails = UnicodeEncodeError("utf-8", "hunter2\udcff", 7, 8, "surrogates not allowed")
    with pytest.raises(UsageError) as caught:
        account.vaults()
    assert "hunter2" not in repr(caught.value) + str(caught.value.__context__)


def test_an_answer_of_another_kind_is_none(account: ForeignAccount, vault: Vault) -> None:
    vault.answer = Nothing()
    with pytest.raises(UnreachableError, match="1Password gave an answer that makes no sense"):
        account.vaults()
    assert account.availability() == Unavailable("1Password gave an answer that makes no sense")
    vault.answer = None
    assert account.availability() == Available()


def test_one_operation_at_a_time_is_under_way(clock: StoppedClock) -> None:
    vault, busy = Vault(), threading.Lock()
    item = item_in(vault)

    def perform(operation: Operation) -> Answer:
        assert busy.acquire(blocking=False), "two at once"
        time.sleep(0.005)
        busy.release()
        return vault.perform(operation)

    account = ForeignAccount(new_id(), "Test", Place("1password"), perform, clock.boot)
    works = [
        lambda: account.read_back(item.id),
        lambda: account.history(item.id),
        lambda: account.create_vault(new_id()),
        lambda: account.edit(item),
        lambda: account.items(),
    ]
    with ThreadPoolExecutor(len(works)) as pool:
        for future in [pool.submit(work) for _ in range(4) for work in works]:
            future.result()


@pytest.mark.parametrize(
    "operation",
    [
        operations.GetItem("--help"),
        operations.ArchiveItem("../../x"),
        operations.DeleteItem(""),
        operations.MoveItem(new_id(), "--vault=x"),
        operations.CreateItem("--help", make_item()),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_a_helper_takes_no_other_ids_either(operation: Operation) -> None:
    """They become words of a command, or parts of a path."""
    task = operations.encode_task(operations.Task(Place("1password", program="/gone"), operation))
    with pytest.raises(WireError):
        operations.work(task, Person())


def test_a_helpers_answer_has_the_fields_that_are_known_and_no_others() -> None:
    for content in ({"type": "opened", "more": 1}, {"type": "unknown"}, {}):
        with pytest.raises(WireError):
            operations.decode_answer(msgspec.msgpack.encode(content))
    assert operations.decode_answer(msgspec.msgpack.encode({"type": "nothing"})) == Nothing()
