"""Where copies of plaintext files go: each is read back, and only copies are taken for copies."""

import threading
from pathlib import Path

import pytest

from keyturn.agent import plaintext_copies
from keyturn.agent.accounts import Unlocked
from keyturn.agent.plaintext_copies import TAG, ItemCopies, SealedCopies
from keyturn.ground import files
from keyturn.ground.errors import DamagedError, FormerIdentityError, KeyturnError, MissingError, StorageError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.items import Item
from keyturn.plaintext import backups
from keyturn.plaintext.backups import Backup
from keyturn.vaults.age import rotation
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.operations import Answer, CreateItem, Operation
from keyturn.vaults.places import Place
from tests.vaults import age_scrypt
from tests.vaults.changes import change
from tests.vaults.templates import MOMENT, Made, StoppedClock, make_account, make_item
from tests.vaults.vault_in_memory import Vault


def make(content: bytes = b"aws_secret_access_key = EXAMPLE") -> Backup:
    path = "/home/ada/.aws/credentials"
    return backups.from_parts(
        path, path, MOMENT, 0o600, ["aws"], backups.digest(b"left"), backups.encoded(content)
    )


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return make_account(tmp_path / "account", tmp_path / "state", recovery=True)


@pytest.fixture
def vault() -> Vault:
    return Vault()


@pytest.fixture
def account(vault: Vault) -> ForeignAccount:
    return ForeignAccount(new_id(), "Test", Place("pass"), vault.perform, StoppedClock().boot)


def test_each_kind_of_account_keeps_them_its_own_way(made: Made, account: ForeignAccount) -> None:
    assert isinstance(plaintext_copies.of(Unlocked(made.account, None)), SealedCopies)
    assert isinstance(plaintext_copies.of(Unlocked(account, None)), ItemCopies)


@pytest.mark.parametrize("lists_tags", [True, False])
def test_only_copies_are_copies(vault: Vault, account: ForeignAccount, lists_tags: bool) -> None:
    vault.lists_tags = lists_tags
    copies = ItemCopies(account)
    assert copies.ids() == []
    name = copies.keep(make())
    item, where = account.get(name)
    assert item.tags == [TAG]
    assert where == account.vaults()[0]
    others = [make_item("copy of something"), make_item("AWS")]
    for other in others:
        vault.put(other)
    account.forget_values()
    account.create_vault("looked at anew")
    assert copies.ids() == [name]
    assert copies.read(name) == make()
    for absent in (others[0].id, new_id()):
        with pytest.raises(MissingError, match="no copy"):
            copies.read(absent)


def test_an_account_without_a_vault_keeps_none(vault: Vault, account: ForeignAccount) -> None:
    vault.vaults.clear()
    with pytest.raises(MissingError, match="no vault"):
        ItemCopies(account).keep(make())


def test_what_the_vault_really_holds_is_compared(vault: Vault) -> None:
    """Its answer to the creation says one thing, and another is stored."""

    def perform(operation: Operation) -> Answer:
        answer = vault.perform(operation)
        if isinstance(operation, CreateItem):
            stored: Item = vault.items[operation.content.id][0]
            stored.fields[0].value = Secret("cut sho")
        return answer

    account = ForeignAccount(new_id(), "Test", Place("pass"), perform, StoppedClock().boot)
    with pytest.raises(StorageError, match="not what was written"):
        ItemCopies(account).keep(make())


def test_what_was_sealed_is_compared(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SealedCopies, "read", lambda self, name: make(b"other"))
    with pytest.raises(StorageError, match="is not what was written"):
        SealedCopies(made.account).keep(make())


def test_nothing_is_sealed_for_an_identity_of_before(made: Made) -> None:
    """Another keeper has changed the password: nobody could open the copy any more."""
    other = made.open()
    slot = next(slot.id for slot in other.slots() if slot.title == "password")
    rotation.change_password(other, slot, age_scrypt.wrapped("another EXAMPLE"))
    with pytest.raises(FormerIdentityError):
        SealedCopies(made.account).keep(make())
    assert not list(made.directory.rglob("plaintext.*"))


def test_a_copy_opens_at_every_step_of_a_change(made: Made) -> None:
    name = SealedCopies(made.account).keep(make())
    for step in change(made):
        assert SealedCopies(made.account).read(name) == make(), step


def test_a_copy_that_others_could_have_written_is_not_read(made: Made, tmp_path: Path) -> None:
    copies = SealedCopies(made.account)
    name = copies.keep(make())
    [path] = made.directory.rglob("plaintext.*")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyturnError) as caught:
        copies.read(name)
    assert not isinstance(caught.value, (MissingError, DamagedError))


def test_who_changes_the_account_is_waited_for(made: Made) -> None:
    is_kept, copies = threading.Event(), SealedCopies(made.open())

    def keep() -> None:
        copies.keep(make())
        is_kept.set()

    with files.exclusively(made.directory / ".lock"):
        keeper = threading.Thread(target=keep)
        keeper.start()
        assert not is_kept.wait(0.3)
        assert not list(made.directory.rglob("plaintext.*"))
    keeper.join(10)
    assert is_kept.is_set()
