"""From a key that was found somewhere to an item: verified, made or matched, and read back from the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyturn.agent import messages, requests, results
from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView, MatchedItem
from keyturn.aws.labels import KEY_ID, REGION, SECRET_KEY
from keyturn.aws.verifying import TEMPORARY
from keyturn.catalogue import loader
from keyturn.cli import aws_asking, choosing
from keyturn.cli.context import Context
from keyturn.cli.output import note
from keyturn.ground.errors import ConfigurationError, KeyturnError, ServiceRefusedError
from keyturn.ground.names import printable
from keyturn.ground.secret import Secret
from keyturn.items import ItemReference


@dataclass(frozen=True)
class FoundKey:
    """`title` is the item's, if AWS does not tell whose the key is; `source` a phrase for people. `others`
    are concealed values that were beside the key, by labels."""

    key_id: str
    secret: Secret
    title: str
    source: str
    region: str = ""
    others: Mapping[str, Secret] = field(default_factory=dict)
    is_titled: bool = True

    @property
    def values(self) -> dict[str, Secret]:
        """What has to be in the item."""
        return {KEY_ID: Secret(self.key_id), SECRET_KEY: self.secret, **self.others}


class Import:
    """Brings keys into the vault called `vault`; `verify`: AWS is asked about each first."""

    def __init__(self, context: Context, vault: str, *, verify: bool) -> None:
        self._context = context
        self._vault = vault
        self._verify = verify
        self._titles: set[str] | None = None

    def bring(self, found: FoundKey) -> ItemReference:
        """The item that holds the key, as it was read back.

        Raises ConfigurationError for a temporary key, and ServiceRefusedError for one that AWS does not take
        or could not be asked about; then it was not imported.
        """
        if found.key_id.startswith(TEMPORARY):
            raise ConfigurationError(
                f"{found.source} is temporary ({TEMPORARY}…) and was not imported",
                "it stops working by itself; a lasting one is made by: aws iam create-access-key",
            )
        user = self._verified(found) if self._verify else ""
        request = requests.MatchItem(
            account=self._context.account,
            may_ask=self._context.may_ask,
            fields=found.values,
            tag=loader.load(aws_asking.PLUGIN).tag,
        )
        answer = self._context.call(request)
        if answer is not None:
            matched = messages.convert(answer, MatchedItem)
            reference, labels = matched.reference, matched.labels
            title, vault = printable(reference.title), printable(matched.vault_title)
            note(f"item “{title}” in vault “{vault}” has {found.source} already")
            self._check(reference, {labels[label]: value for label, value in found.values.items()})
            return reference
        view = self._made(found, found.title if found.is_titled or not user else user)
        reference = ItemReference(view.account, view.vault, view.item.id, view.item.title)
        self._check(reference, found.values)
        title = printable(view.item.title)
        note(f"{found.source} is item “{title}” in vault “{printable(view.vault_title)}” ({view.item.id})")
        return reference

    def _verified(self, found: FoundKey) -> str:
        """The user whose key it is; empty for the root user."""
        try:
            identity = aws_asking.verified_keys(self._context, found.key_id, found.secret, found.region)
        except ServiceRefusedError as error:
            hints = (
                *error.hints,
                "it was not imported, and nothing was removed; without asking: --no-verify",
            )
            raise type(error)(f"{found.source}: {error.message}", *hints) from None
        note(f"{found.source} is {printable(identity.arn, 200)}")
        return identity.user

    def _made(self, found: FoundKey, title: str) -> ItemView:
        fields = [
            FieldChange(label=KEY_ID, type="text", value=Secret(found.key_id)),
            FieldChange(label=SECRET_KEY, type="concealed", value=found.secret),
        ]
        if found.region:
            fields.append(FieldChange(label=REGION, type="text", value=Secret(found.region)))
        fields += [
            FieldChange(label=label, type="concealed", value=value) for label, value in found.others.items()
        ]
        request = requests.CreateItem(
            account=self._context.account,
            may_ask=self._context.may_ask,
            title=self._free(title),
            fields=fields,
            vault=self._vault or self._chosen_vault(),
            tags=[loader.load(aws_asking.PLUGIN).tag],
        )
        return messages.convert(self._context.call(request), ItemView)

    def _chosen_vault(self) -> str:
        """The vault for new items, asked for where there are several; empty for the only one."""
        request = requests.ListVaults(account=self._context.account, may_ask=self._context.may_ask)
        rows = messages.convert(self._context.call(request), list[results.VaultRow])
        if len(rows) > 1 and self._context.may_ask:
            lines = [(printable(row.title), row.id) for row in rows]
            self._vault = choosing.choose(self._context.terminal, "into which vault?", lines)
        return self._vault

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

    def _check(self, reference: ItemReference, fields: Mapping[str, Secret]) -> None:
        request = requests.CheckItem(
            account=reference.account,
            may_ask=self._context.may_ask,
            reference=reference,
            fields=dict(fields),
        )
        if self._context.call(request) is not True:
            raise KeyturnError(
                "the item read back from the vault is not what was imported; nothing was removed"
            )
