"""`label[type]=value` in `item create` and `item edit`, and where the value comes from."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from keyturn.agent.field_changes import field_type, known_type, one_time_password
from keyturn.agent.requests import FieldChange
from keyturn.cli.context import Context
from keyturn.ground import files
from keyturn.ground.errors import UsageError
from keyturn.ground.names import plain_label, printable
from keyturn.ground.secret import Secret
from keyturn.items import TYPE_WORDS, FieldType, Item, find_field

HELP = """
ASSIGNMENT is label[type]=value; types: text, concealed, otp, url. A type that is not given is the one that
the field has, or that the item's credential type knows for the label, else concealed. What is secret
(concealed, otp) is never written into an argument, where other programs could read it: give the label alone
and type the value when asked, or label=@PATH for a file's content, or label=- for standard input.
In `edit`, label[type] alone gives a field another type and leaves its value.
"""

_PATTERN = re.compile(r"(?P<label>[^=\[\]]+)(?:\[(?P<type>[a-z]+)\])?(?:=(?P<value>.*))?\Z", re.DOTALL)
LARGEST_VALUE = 1024 * 1024


@dataclass(frozen=True)
class Assignment:
    """As it was written. `value` is None where it is to be asked for."""

    label: str
    type: str
    value: str | None

    @property
    def is_inline(self) -> bool:
        """Whether the value itself stands in the argument."""
        return self.value is not None and self.value != "-" and not self.value.startswith("@")


def parse(words: Sequence[str]) -> list[Assignment]:
    """The assignments that `words` are; nothing is read or asked yet.

    Raises UsageError for what cannot be meant.
    """
    found: list[Assignment] = []
    for word in words:
        match = _PATTERN.match(word)
        if match is None or not match["label"].strip():
            raise UsageError("an assignment is label[type]=value")
        assignment = Assignment(match["label"].strip(), match["type"] or "", match["value"])
        if assignment.type and assignment.type not in TYPE_WORDS:
            raise UsageError(f"no field type is called {assignment.type}", f"types: {', '.join(TYPE_WORDS)}")
        if assignment.is_inline and assignment.type and TYPE_WORDS[assignment.type].is_secret:
            raise _exposed(assignment)
        for other in found:
            if plain_label(other.label) == plain_label(assignment.label):
                names = f"“{printable(other.label)}” and “{printable(assignment.label)}”"
                raise UsageError(
                    f"two values for one field: {names}", "case, spaces, - and _ make no difference"
                )
        found.append(assignment)
    if sum(assignment.value == "-" for assignment in found) > 1:
        raise UsageError("standard input can be the value of one field", "give the others as 'label=@PATH'")
    return found


def changes(
    context: Context,
    assignments: Sequence[Assignment],
    item: Item | None = None,
    tags: Sequence[str] = (),
) -> list[FieldChange]:
    """The assignments with their values, for a new item or for `item`, whose fields keep their types.

    `tags`, the item's, tell of which credential it is, and so what type a field has. Raises UsageError for a
    secret in the argument, an empty secret and a value that cannot be read, and ConfigurationError for a
    one-time password that makes no codes.
    """
    # First, for it may be the first line of the same standard input.
    context.password()
    done = []
    for assignment in assignments:
        there = find_field(item, assignment.label) if item is not None else None
        kind = field_type(assignment.type, there, known_type(tags, assignment.label))
        if assignment.is_inline and kind.is_secret:
            raise _exposed(assignment)
        if assignment.value is None and there is not None and assignment.type and there.type is not kind:
            done.append(FieldChange(label=there.label, type=assignment.type, former=there.label))
            continue
        value = _value(context, assignment)
        if kind.is_secret and not value:
            raise UsageError(f"the value of “{printable(assignment.label)}” is empty")
        if kind is FieldType.OTP:
            # The agent looks too; here nothing else has been asked yet.
            one_time_password(value, f"the field “{printable(assignment.label)}”")
        done.append(FieldChange(label=assignment.label, type=assignment.type, value=value))
    return done


def check_once(changes: Sequence[FieldChange]) -> None:
    """Raises UsageError if two changes, from whatever option, are of one field."""
    seen: set[str] = set()
    for change in changes:
        label = plain_label(change.label)
        if label in seen:
            raise UsageError(
                f"two values for one field: “{printable(change.label)}”",
                "case, spaces, - and _ make no difference",
            )
        seen.add(label)


def _exposed(assignment: Assignment) -> UsageError:
    label = printable(assignment.label)
    return UsageError(
        f"the value of “{label}” would stand in an argument, where other programs can read it",
        f"leave it out to be asked, or give '{label}=@PATH' or '{label}=-'",
        f"if it is no secret: '{label}[text]=…'",
    )


def _value(context: Context, assignment: Assignment) -> Secret:
    label, value = printable(assignment.label), assignment.value
    if value is None:
        context.require_input(f"the value of “{label}”", f"give it: '{label}=@PATH' or '{label}=-'")
        return context.terminal.secret(label)
    if value == "-":
        return Secret(_standard_input(label))
    if value.startswith("@"):
        return Secret(_file(value[1:]))
    return Secret(value)


def _standard_input(label: str) -> str:
    if sys.stdin is None:
        raise UsageError("standard input is closed", f"to be asked, give the label alone: '{label}'")
    if sys.stdin.isatty():
        # It would be shown as it is typed.
        raise UsageError("standard input is a terminal", f"to be asked, give the label alone: '{label}'")
    return _text(sys.stdin.buffer.read(LARGEST_VALUE + 1), "standard input")


def _file(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return _text(stream.read(LARGEST_VALUE + 1), path)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {files.reason(error)}") from None


def _text(content: bytes, place: str) -> str:
    """What a file or standard input holds, without the newline at its end."""
    if len(content) > LARGEST_VALUE:
        raise UsageError(f"{place} holds more than {LARGEST_VALUE} bytes")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise UsageError(f"{place} is not UTF-8 text") from None
