"""Fills an account with items, for measuring that what is asked often stays flat."""

import os
from pathlib import Path

import msgspec

from keyturn.ground.clock import SystemClock, timestamp
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, new_field, new_item
from keyturn.vaults.age import derive
from keyturn.vaults.age.documents import VaultDocument, encode_item
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.age.pins import Machine


def fill(account: Path, state: Path, password: str, count: int) -> None:
    """Add `count` items to the first vault of the account, in one save. The agent must not be running."""
    opening = Opening.with_password(account, Secret(password))
    while (task := opening.next_task()) is not None:
        opening.take(derive.perform(task))
    opened = opening.account(Machine(state, SystemClock(), os.getuid()))
    moment = timestamp(SystemClock().now())

    def grow(document: VaultDocument) -> VaultDocument:
        items = dict(document.items)
        for number in range(count):
            fields = [
                new_field("username", FieldType.TEXT, Secret(f"user-{number}")),
                new_field("token", FieldType.CONCEALED, Secret(f"{number:040d}-EXAMPLE")),
            ]
            item = new_item(f"Service {number}", fields, moment, ["work"])
            items[item.id] = msgspec.Raw(encode_item(item))
        return msgspec.structs.replace(document, items=items)

    opened.vault_files()[0].update(grow)
