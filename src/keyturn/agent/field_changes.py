"""Which type a field gets, and changes of an item's fields."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from keyturn import otp
from keyturn.agent.requests import FieldChange
from keyturn.catalogue import loader
from keyturn.ground.errors import ConfigurationError, MissingError, UsageError
from keyturn.ground.names import plain_label, printable
from keyturn.ground.secret import Secret
from keyturn.items import CREDENTIAL_TAG, TYPE_WORDS, Field, FieldType, Item, find_field, new_field
from keyturn.otp import OneTimePassword
from keyturn.sdk.schema import CredentialType, FieldDefinition

# 1Password's label too. A plugin says only that this field is secret.
ONE_TIME_PASSWORD = "one-time password"


def credential_types(tags: Iterable[str]) -> list[CredentialType]:
    """The credential types that an item's tags name; of plugins that there are."""
    found = []
    for tag in tags:
        plugin, _, name = tag.removeprefix(CREDENTIAL_TAG).partition("/")
        if tag.startswith(CREDENTIAL_TAG) and plugin in loader.credentials():
            credential = loader.load(plugin).credential
            if credential.name == name:
                found.append(credential)
    return found


def known_type(tags: Iterable[str], label: str) -> FieldType | None:
    """The type that an item's credential types give to a field of this label; None if they know none."""
    for credential in credential_types(tags):
        definition = credential.field(label)
        if definition is not None:
            return defined_type(definition)
    return None


def defined_type(definition: FieldDefinition) -> FieldType:
    """The type of a field of a credential."""
    if not definition.secret:
        return FieldType.TEXT
    is_otp = plain_label(definition.label) == plain_label(ONE_TIME_PASSWORD)
    return FieldType.OTP if is_otp else FieldType.CONCEALED


def field_type(written: str, there: Field | None, known: FieldType | None) -> FieldType:
    """The type of a field that gets a value: as written, else as it has it, else as its credential knows it.

    What is hidden becomes a one-time password where the credential knows it as one. Raises UsageError for a
    type that there is not.
    """
    if written:
        if written not in TYPE_WORDS:
            words = ", ".join(TYPE_WORDS)
            raise UsageError(f"no field type is called {printable(written)}", f"types: {words}")
        return TYPE_WORDS[written]
    if there is None or (there.type is FieldType.CONCEALED and known is FieldType.OTP):
        return known or FieldType.CONCEALED
    return there.type


def apply(item: Item, changes: list[FieldChange]) -> None:
    """Set, add, remove, rename or retype fields.

    Raises UsageError for an unknown type, MissingError if a field is not there, ConfigurationError for a
    one-time password that makes no codes.
    """
    for change in changes:
        field = find_field(item, change.label)
        if change.value is None and change.former:
            _rename(item, change, field)
            continue
        if change.value is None:
            if field is None:
                raise _no_field(item, change.label)
            item.fields.remove(field)
            continue
        kind = field_type(change.type, field, known_type(item.tags, change.label))
        if field is None:
            changed = new_field(change.label, kind, change.value)
            item.fields.append(changed)
        else:
            changed = msgspec.structs.replace(field, type=kind, value=change.value)
            item.fields[item.fields.index(field)] = changed
        check(item, changed)


def check(item: Item, field: Field) -> None:
    """Raises ConfigurationError for a one-time password that makes no codes; nothing of it is shown."""
    if field.type is FieldType.OTP and field.value:
        one_time_password(field.value, f"the field “{printable(field.label)}” of “{printable(item.title)}”")


def one_time_password(value: Secret, where: str) -> OneTimePassword:
    """What makes the codes. Raises ConfigurationError, which says `where` the value is and nothing of it."""
    try:
        return otp.parse(value)
    except ConfigurationError as error:
        raise ConfigurationError(error.message, *error.hints, f"it is {where}") from None


def _rename(item: Item, change: FieldChange, there: Field | None) -> None:
    """Give the field called `change.former` label and type; an empty field with that label already goes."""
    field = find_field(item, change.former)
    if field is None:
        raise _no_field(item, change.former)
    if there is not None and there is not field:
        if there.value:
            raise UsageError(f"item “{printable(item.title)}” has a field “{printable(there.label)}” already")
        item.fields.remove(there)
    kind = field_type(change.type, field, known_type(item.tags, change.label))
    changed = msgspec.structs.replace(field, label=change.label, type=kind)
    item.fields[item.fields.index(field)] = changed
    check(item, changed)


def _no_field(item: Item, label: str) -> MissingError:
    there = ", ".join(f"“{printable(each.label)}”" for each in item.fields) or "none"
    return MissingError(
        f"item “{printable(item.title)}” has no field “{printable(label)}”", f"its fields: {there}"
    )
