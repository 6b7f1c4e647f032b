"""A new item of a credential type: its tag, and its fields with the right types, asked for in their order."""

from __future__ import annotations

from collections.abc import Sequence

from keyturn import otp
from keyturn.agent.field_changes import defined_type
from keyturn.agent.requests import FieldChange
from keyturn.catalogue import loader
from keyturn.cli.context import Context
from keyturn.cli.field_check import typed_value
from keyturn.cli.item_view import WORDS
from keyturn.cli.output import note
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.names import plain_label, printable
from keyturn.items import CREDENTIAL_TAG, FieldType
from keyturn.sdk.schema import Plugin


def find(kind: str) -> Plugin:
    """The plugin of a credential type: `aws/access-key`, or `aws` alone. Raises UsageError."""
    owner, _, name = kind.partition("/")
    known = loader.credentials()
    if owner not in known:
        raise UsageError(
            f"no credential type is called {printable(kind)}",
            f"types: {', '.join(_written(loader.load(each)) for each in known)}",
        )
    plugin = loader.load(owner)
    if name not in ("", plugin.credential.name):
        raise UsageError(
            f"no credential type is called {printable(kind)}", f"the one of {owner} is {_written(plugin)}"
        )
    return plugin


def _written(plugin: Plugin) -> str:
    return plugin.tag.removeprefix(CREDENTIAL_TAG)


def asked(
    context: Context, plugin: Plugin, given: Sequence[FieldChange], *, only_required: bool
) -> list[FieldChange]:
    """`given` with the fields of the credential that it lacks, in the credential's order, then the others.

    What is missing is asked for; optional ones unless `only_required`. Raises UsageError where nobody can be
    asked for a required one.
    """
    rest = {plain_label(change.label): change for change in given}
    found: list[FieldChange] = []
    for definition in plugin.credential.fields:
        change = rest.pop(plain_label(definition.label), None)
        if change is not None:
            found.append(change)
            continue
        if definition.optional and (only_required or not definition.asked or not context.may_ask):
            continue
        label, kind = definition.label, defined_type(definition)
        context.require_input(f"the {label}", f"give it: '{label}=@PATH' or '{label}=-'")
        while True:
            value = typed_value(context.terminal, label, definition)
            if kind is not FieldType.OTP or not value:
                break
            try:
                otp.parse(value)
            except ConfigurationError as error:
                note(f"{error.message}; once more")
            else:
                break
        if value:
            found.append(FieldChange(label=label, type=WORDS[kind], value=value))
    return [*found, *rest.values()]
