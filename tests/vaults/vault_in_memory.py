"""Another program's vault, in the memory of a test: what is asked of it is written down."""

from pathlib import Path

import msgspec

from keyturn.ground import files
from keyturn.ground.errors import KeyturnError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.items import Item, ItemSummary, VaultReference, required_field
from keyturn.vaults import operations
from keyturn.vaults.operations import Answer, Got, Listed, Listing, Made, Nothing, Operation, Seen, Versions

SECONDS = 30.0
SECRET = "secret access key"


class Vault:
    """What another program holds; `asked` are the operations that reached it, by their names.

    `fails`: the next operation, once it is done. `files`: what is believed as long as they are the same.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.vaults = [VaultReference(new_id(), name) for name in ("Other", "Private")]
        self.items: dict[str, tuple[Item, VaultReference]] = {}
        self.archived: set[str] = set()
        self.fails: KeyturnError | UnicodeEncodeError | None = None
        self.answer: Answer | None = None
        self.files: list[Path] = []
        self.lists_tags = True

    def perform(self, operation: Operation) -> Answer:
        self.asked.append(type(operation).__name__)
        answer = self.answer or self._do(operation)
        if self.fails is not None:
            error, self.fails = self.fails, None
            raise error
        return answer

    def _do(self, operation: Operation) -> Answer:
        match operation:
            case operations.ListItems():
                listed = [
                    Listed(self._summary(item), vault.id, item.id in self.archived)
                    for item, vault in self.items.values()
                ]
                return Listing(list(self.vaults), listed, self._seen(), SECONDS)
            case operations.GetItem(item=item_id):
                return self._got(item_id)
            case operations.CreateItem(vault=vault_id, content=item):
                self.items[item.id] = copied(item), next(each for each in self.vaults if each.id == vault_id)
                return self._got(item.id)
            case operations.EditItem(content=item):
                changed = copied(item, version=item.version + 1)
                self.items[item.id] = changed, self.items[item.id][1]
                return self._got(item.id)
            case operations.ArchiveItem(item=item_id):
                self.archived.add(item_id)
                return self._got(item_id)
            case operations.RestoreItem(item=item_id):
                self.archived.discard(item_id)
                return self._got(item_id)
            case operations.DeleteItem(item=item_id):
                del self.items[item_id]
                return Nothing()
            case operations.MoveItem(item=item_id, vault=vault_id):
                found = next(each for each in self.vaults if each.id == vault_id)
                self.items[item_id] = self.items[item_id][0], found
                return self._got(item_id)
            case operations.ListVersions(item=item_id):
                return Versions([self.items[item_id][0]])
            case operations.CreateVault(name=name):
                self.vaults.append(VaultReference(new_id(), name))
                return Made(self.vaults[-1])
            case _:
                raise AssertionError(operation)

    def _summary(self, item: Item) -> ItemSummary:
        return ItemSummary(item.id, item.title, tags=tuple(item.tags) if self.lists_tags else ())

    def _got(self, item_id: str) -> Got:
        item, vault = self.items[item_id]
        return Got(copied(item), vault, self._seen(), SECONDS)

    def _seen(self) -> Seen:
        return {str(path): files.FileIdentity.of(path.stat()) for path in self.files}

    def put(self, item: Item) -> None:
        """As that program itself does it."""
        self.items[item.id] = item, self.vaults[0]

    def change(self, item_id: str, value: str) -> None:
        """As that program itself does it: it makes another version."""
        item, vault = self.items[item_id]
        changed = copied(item, version=item.version + 1)
        required_field(changed, SECRET).value = Secret(value)
        self.items[item_id] = changed, vault


def copied(item: Item, **changes: object) -> Item:
    """As across a pipe: neither side has the other's objects."""
    fields = [msgspec.structs.replace(field) for field in item.fields]
    return msgspec.structs.replace(item, fields=fields, tags=list(item.tags), **changes)
