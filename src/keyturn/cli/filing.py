"""Putting a credential that was found somewhere into an item, and making sure that it is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from keyturn.agent import messages, requests, results
from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView, MatchedItem
from keyturn.cli import choosing
from keyturn.cli.context import Context
from keyturn.ground.errors import KeyturnError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.items import ItemReference


class Filing:
    """Makes items in the vault called `vault`; without a name in the only one, or the one that is picked."""

    def __init__(self, context: Context, vault: str) -> None:
        self._context = context
        self._vault: str | None = vault or None
        self._titles: set[str] | None = None

    def matched(self, fields: Mapping[str, Secret], tag: str) -> MatchedItem | None:
        """The item that has all these values, those with `tag` first, read back; None if there is none.

        Raises as `check`.
        """
        request = requests.MatchItem(
            account=self._context.account, may_ask=self._context.may_ask, fields=dict(fields), tag=tag
        )
        answer = self._context.call(request)
        if answer is None:
            return None
        found = messages.convert(answer, MatchedItem)
        check(self._context, found.reference, {found.labels[label]: value for label, value in fields.items()})
        return found

    def made(self, title: str, fields: Sequence[FieldChange], tag: str) -> tuple[ItemReference, ItemView]:
        """A new item, read back; with a number behind the title if that is taken. Raises as `check`."""
        if self._vault is None:
            self._vault = chosen_vault(self._context)
        request = requests.CreateItem(
            account=self._context.account,
            may_ask=self._context.may_ask,
            title=self._free(title),
            fields=list(fields),
            vault=self._vault,
            tags=[tag],
        )
        view = messages.convert(self._context.call(request), ItemView)
        reference = ItemReference(view.account, view.vault, view.item.id, view.item.title)
        check(self._context, reference, {each.label: each.value for each in fields if each.value is not None})
        return reference, view

    def _free(self, base: str) -> str:
        """A title that no item has."""
        if self._titles is None:
            request = requests.ListItems(account=self._context.account, may_ask=self._context.may_ask)
            rows = messages.convert(self._context.call(request), list[results.ItemRow])
            self._titles = {row.title.casefold() for row in rows}
        title, number = base, 1
        while title.casefold() in self._titles:
            number += 1
            title = f"{base} {number}"
        self._titles.add(title.casefold())
        return title


def chosen_vault(context: Context) -> str:
    """The vault for new items, asked for where there are several; empty for the only one."""
    request = requests.ListVaults(account=context.account, may_ask=context.may_ask)
    rows = messages.convert(context.call(request), list[results.VaultRow])
    if len(rows) == 1 or not context.may_ask:
        return ""
    lines = [(printable(row.title), row.id) for row in rows]
    return choosing.choose(context.terminal, "into which vault?", lines)


def check(context: Context, reference: ItemReference, fields: Mapping[str, Secret]) -> None:
    """Read an item back from the disk and compare. Raises KeyturnError if it is not what it should be."""
    request = requests.CheckItem(
        account=reference.account, may_ask=context.may_ask, reference=reference, fields=dict(fields)
    )
    if context.call(request) is not True:
        raise KeyturnError(
            "the item read back from the vault is not what was put into it; nothing was removed"
        )
