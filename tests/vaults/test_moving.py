"""A move that was cut short: the item is in two vaults, and one of the copies counts."""

import pytest

from keyturn.ground.errors import ConflictError, MissingError
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.contents import held, received
from keyturn.vaults.age.sealed import SealedFile
from tests.vaults.templates import Made, make_item


class CutShort:
    """An item that was copied to the vault `there` and not yet taken out of `here`."""

    def __init__(self, made: Made, *, there_first: bool) -> None:
        account = made.account
        account.create_vault("Other")
        files = account.vault_files()
        self.here, self.there = reversed(files) if there_first else files
        self.item = account.create(self.here.name, make_item("moved"))
        self.there.update(lambda was: received(was, self.here.load(), self.item.id))
        self.account: AgeAccount = made.open()

    def holding(self) -> list[str]:
        """The vaults whose files have the item."""
        return [file.name for file in self.account.vault_files() if held(file.load(), self.item.id)]


@pytest.fixture(params=[False, True])
def moved(made: Made, request: pytest.FixtureRequest) -> CutShort:
    return CutShort(made, there_first=request.param)


def test_the_item_is_there_once(moved: CutShort) -> None:
    account = moved.account
    assert len(moved.holding()) == 2
    assert [vault.id for summary, vault in account.items() if summary.title == "moved"] == [moved.there.name]
    assert moved.item.id not in [summary.id for summary, _ in account.items(moved.here.name)]
    assert account.get(moved.item.id)[1].id == account.find("moved")[1].id == moved.there.name
    with pytest.raises(MissingError):
        account.find("moved", moved.here.name)
    with pytest.raises(ConflictError):
        account.create(moved.here.name, moved.item)
    assert len(moved.holding()) == 2, "reading changes nothing"


@pytest.mark.parametrize("how", ["edit", "archive", "move on", "move back"])
def test_the_next_change_takes_the_other_copy_away(moved: CutShort, how: str) -> None:
    account, item = moved.account, moved.item.id
    at = moved.there.name
    if how == "edit":
        account.edit(account.get(item)[0])
    elif how == "archive":
        account.archive(item)
    else:
        at = moved.there.name if how == "move on" else moved.here.name
        account.move(item, at)
    assert moved.holding() == [at]


def test_a_deletion_leaves_no_copy_that_could_come_back(moved: CutShort) -> None:
    order: list[str] = []
    files: list[SealedFile] = moved.account.vault_files()  # type: ignore[type-arg]
    for file in files:
        update = file.update

        def noted(change, *, update=update, name=file.name, **more):  # type: ignore[no-untyped-def]
            order.append(name)
            return update(change, **more)

        file.update = noted  # type: ignore[method-assign]
    moved.account.delete(moved.item.id)
    assert order == [moved.here.name, moved.there.name], "the copy that counts goes last"
    assert moved.holding() == []
