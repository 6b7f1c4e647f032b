"""Provisioning that needs no code: variables filled with the fields of the selected item."""

from __future__ import annotations

from collections.abc import Mapping

from keyturn.ground.errors import MissingError, NoDefaultError
from keyturn.ground.names import printable
from keyturn.items import Field, Item, find_field, required_field
from keyturn.sdk.run import Invocation, NeedItem, Provision, Provisioned, Selection
from keyturn.sdk.schema import Plugin


def provision_environment(plugin: Plugin) -> Provision:
    """The provisioning function of a plugin that only sets variables.

    The function raises NoDefaultError if nothing is selected, MissingError for a field that the item
    lacks or that no environment variable can carry.
    """
    variables = plugin.provision.environment
    if variables is None:
        raise ValueError(f"plugin {plugin.name} is provisioned by a hook")

    def provision(
        invocation: Invocation, selection: Selection, opened: Mapping[str, Item]
    ) -> NeedItem | Provisioned:
        if selection.selected is None:
            raise no_default(plugin, invocation.executable)
        item = opened.get(selection.selected.value.item)
        if item is None:
            return NeedItem(selection.selected)
        assign = {variable: value.encode() for variable, value in plugin.provision.fixed.items()}
        remove = list(plugin.provision.remove)
        for variable, label in variables.items():
            definition = plugin.credential.field(label)
            is_optional = definition is not None and definition.optional
            field = find_field(item, label) if is_optional else required_field(item, label)
            if field is not None and field.value:
                assign[variable] = carried(item, field)
            elif definition is not None and definition.secret:
                # The caller's own value would be half of another identity.
                remove.append(variable)
        return Provisioned(
            arguments=invocation.arguments,
            assign=assign,
            remove=tuple(remove),
            reasons=(f"item “{printable(item.title)}”: {selection.selected.source}",),
        )

    return provision


def no_default(plugin: Plugin, executable: str) -> NoDefaultError:
    """Nothing is selected for a command of this plugin."""
    return NoDefaultError(
        f"no item is chosen for {plugin.platform}", f"choose one: keyturn plugin init {executable}"
    )


def carried(item: Item, field: Field) -> bytes:
    """A field's value as an environment variable carries it.

    Raises MissingError for a value that none can carry; the value itself is not repeated.
    """
    try:
        value = field.value.reveal().encode()
    except UnicodeEncodeError:
        value = b"\0"
    if b"\0" in value:
        raise MissingError(
            f"item “{printable(item.title)}”: the field “{printable(field.label)}” holds characters that no"
            " environment variable can carry",
            f"mend it: keyturn item edit {item.id}",
        )
    return value
