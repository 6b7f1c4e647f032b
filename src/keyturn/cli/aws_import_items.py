"""From a key that was found somewhere to an item: verified, made or matched, and read back from the disk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyturn.agent.requests import FieldChange
from keyturn.aws.labels import KEY_ID, REGION, SECRET_KEY
from keyturn.aws.verifying import TEMPORARY
from keyturn.catalogue import loader
from keyturn.cli import aws_asking
from keyturn.cli.context import Context
from keyturn.cli.filing import Filing
from keyturn.cli.output import note
from keyturn.ground.errors import ConfigurationError, ServiceRefusedError
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
        self._filing = Filing(context, vault)
        self._tag = loader.load(aws_asking.PLUGIN).tag
        self._verify = verify

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
        matched = self._filing.matched(found.values, self._tag)
        if matched is not None:
            title, vault = printable(matched.reference.title), printable(matched.vault_title)
            note(f"item “{title}” in vault “{vault}” has {found.source} already")
            return matched.reference
        title = found.title if found.is_titled or not user else user
        reference, view = self._filing.made(title, _fields(found), self._tag)
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


def _fields(found: FoundKey) -> list[FieldChange]:
    fields = [
        FieldChange(label=KEY_ID, type="text", value=Secret(found.key_id)),
        FieldChange(label=SECRET_KEY, type="concealed", value=found.secret),
    ]
    if found.region:
        fields.append(FieldChange(label=REGION, type="text", value=Secret(found.region)))
    return fields + [
        FieldChange(label=label, type="concealed", value=value) for label, value in found.others.items()
    ]
