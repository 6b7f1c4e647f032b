"""Whether an item has every field that its command needs; what it lacks is pointed out or typed in.

Nothing is changed here: the answers become changes, for when all questions are answered.
"""

from __future__ import annotations

from collections.abc import Mapping

from keyturn.agent.requests import FieldChange
from keyturn.cli.choosing import choose
from keyturn.cli.context import Context
from keyturn.cli.terminal import Terminal
from keyturn.ground.errors import MissingError, UsageError
from keyturn.ground.names import plain_label, printable
from keyturn.ground.secret import Secret
from keyturn.items import Field, Item, find_field
from keyturn.sdk.relation import missing_field_error, missing_fields
from keyturn.sdk.schema import FieldDefinition, Plugin


class FieldCheck:
    """The check of items for one executable. `given`: labels of the plugin to labels of the item."""

    def __init__(
        self, context: Context, plugin: Plugin, executable: str, given: Mapping[str, str] | None = None
    ) -> None:
        self._context = context
        self._plugin = plugin
        self._executable = executable
        self._given = {plain_label(label): field for label, field in (given or {}).items()}
        for label in given or {}:
            if plugin.credential.field(label) is None:
                known = ", ".join(f"“{each.label}”" for each in plugin.credential.fields)
                raise UsageError(
                    f"no field of {plugin.platform} is called {printable(label)}", f"fields: {known}"
                )

    def changes(self, item: Item) -> list[FieldChange]:
        """What gives the item the fields that it lacks, as the person answers; nothing if it lacks none.

        Raises MissingError where nobody can be asked, or if a flag names a field that is not there.
        """
        found: list[FieldChange] = []
        for definition in missing_fields(item, self._plugin):
            free = self._free(item, {change.former for change in found})
            named = self._given.get(plain_label(definition.label))
            if named is not None:
                found.append(self._renaming(definition, self._named(item, free, named)))
            elif self._context.may_ask:
                found.append(self._asked(item, definition, free))
            else:
                raise missing_field_error(item, definition, self._executable)
        return found

    def _free(self, item: Item, taken: set[str]) -> list[Field]:
        """The fields with a value that are none of the credential's, the likely ones first."""
        own = {plain_label(each.label) for each in self._plugin.credential.fields}
        fields = [each for each in item.fields if each.value and plain_label(each.label) not in own]
        aka = {plain_label(text) for each in self._plugin.credential.fields for text in each.aka}
        fields = [each for each in fields if each.label not in taken]
        return sorted(fields, key=lambda each: plain_label(each.label) not in aka)

    def _named(self, item: Item, free: list[Field], label: str) -> Field:
        field = find_field(item, label)
        if field is None or field not in free:
            there = ", ".join(f"“{printable(each.label)}”" for each in free) or "none"
            raise MissingError(
                f"item “{printable(item.title)}” has no field “{printable(label)}” that could be renamed",
                f"those that could: {there}",
            )
        return field

    def _asked(self, item: Item, definition: FieldDefinition, free: list[Field]) -> FieldChange:
        title, label = printable(item.title), definition.label
        lines: list[tuple[str, Field | None]] = [(printable(each.label), each) for each in free]
        lines.append(("none of these: type it in", None))
        question = f"item “{title}” lacks the field “{label}”: which of its fields is that?"
        while True:
            field = choose(self._context.terminal, question, lines) if free else None
            if field is None:
                change = self._typed(title, definition)
                asked = f"add the field “{label}” to item “{title}”?"
            else:
                change = self._renaming(definition, field)
                asked = f"rename the field “{printable(field.label)}” of item “{title}” to “{label}”?"
            if self._context.terminal.confirm(asked, default=True):
                return change

    def _typed(self, title: str, definition: FieldDefinition) -> FieldChange:
        question = f"{definition.label} of item “{title}”"
        return FieldChange(
            label=definition.label,
            type=_type(definition),
            value=typed_value(self._context.terminal, question, definition),
        )

    def _renaming(self, definition: FieldDefinition, field: Field) -> FieldChange:
        # A field that is shown and holds a secret is hidden from now on; one that is hidden stays so.
        kind = _type(definition) if definition.secret and not field.type.is_secret else ""
        return FieldChange(label=definition.label, type=kind, former=field.label)


def typed_value(terminal: Terminal, question: str, definition: FieldDefinition) -> Secret:
    """A field's value as the person types it, a secret unechoed; empty only where that is allowed."""
    hint = " (Enter: none)" if definition.optional else ""
    while True:
        if definition.secret:
            value = terminal.secret(f"{question}{hint}")
        else:
            value = Secret(terminal.text(f"{question}{hint}"))
        if value or definition.optional:
            return value


def _type(definition: FieldDefinition) -> str:
    return "concealed" if definition.secret else "text"
