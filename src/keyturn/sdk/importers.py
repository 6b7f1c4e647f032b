"""Candidates: credentials that lie about in plaintext and could be imported.

Only a complete set of fields is offered. Half of one is reported, and so is one that would stop
working by itself; a lone region is nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keyturn.ground.names import masked, plain_label, printable
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, new_field
from keyturn.sdk.import_schema import Importer
from keyturn.sdk.schema import CredentialType, Plugin


@dataclass(frozen=True)
class FilePlace:
    """Where in a file a candidate was found, so that it can be taken out there.

    `profile` tells it from others in the file; empty: it is the only one. `word` is what the tool calls that.
    """

    path: Path
    profile: str
    word: str = "profile"


@dataclass(frozen=True)
class Candidate:
    """A credential that may be imported.

    `source` is a phrase for a person; `name_hint` a title for the item, or the empty string; `fields`
    the values by the labels of the plugin file. `place` is where to remove it from a file,
    `variables` what to unset.
    """

    source: str
    name_hint: str
    fields: Mapping[str, Secret]
    place: FilePlace | None = None
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rejected:
    """Something like a credential that is not offered, and why."""

    source: str
    reason: str


@dataclass(frozen=True)
class Findings:
    candidates: tuple[Candidate, ...] = ()
    rejected: tuple[Rejected, ...] = ()

    def __add__(self, other: Findings) -> Findings:
        return Findings(self.candidates + other.candidates, self.rejected + other.rejected)


def from_environment(plugin: Plugin, environment: Mapping[str, str]) -> Findings:
    """What the plugin's importers find in `environment`, in their order; equal finds once."""
    found = Findings()
    for importer in plugin.importers:
        for variables in importer.variables():
            new = _from_variables(plugin.credential, importer, variables, environment)
            known = [candidate.fields for candidate in found.candidates]
            found += Findings(
                tuple(each for each in new.candidates if each.fields not in known), new.rejected
            )
    return found


def _from_variables(
    credential: CredentialType,
    importer: Importer,
    mapping: Mapping[str, str],
    environment: Mapping[str, str],
) -> Findings:
    values: dict[str, Secret] = {}
    used: dict[str, str] = {}
    mapping = {
        variable: known.label for variable, label in mapping.items() if (known := credential.field(label))
    }
    for variable, label in mapping.items():
        if environment.get(variable) and label not in values:
            values[label] = Secret(environment[variable])
            used[label] = variable
    required = [field.label for field in credential.fields if not field.optional]
    # Where no field has to be there, it is a secret one that makes a credential.
    telling = required or [field.label for field in credential.fields if field.secret]
    told = tuple(variable for label, variable in used.items() if label in telling)
    if not told:
        return Findings()
    source = f"{' and '.join(told)} in the environment"
    lacking = [label for label in (*required, *importer.need) if label not in values]
    if lacking or (importer.need_any and not set(importer.need_any) & set(values)):
        wanted = lacking or importer.need_any
        missing = [variable for variable, label in mapping.items() if label in wanted]
        what = " or ".join(missing) or f"its {wanted[0]}"
        return Findings(rejected=(Rejected(source, f"{what} is missing"),))
    temporary = [variable for variable in importer.refuse_with if environment.get(variable)]
    reason = f"{temporary[0]} is set: temporary keys" if temporary else why_refused(credential, values)
    if reason:
        return Findings(rejected=(Rejected(source, reason),))
    return Findings((Candidate(source, "", values, variables=told),))


def why_refused(credential: CredentialType, fields: Mapping[str, Secret]) -> str | None:
    """Why a complete set of fields is not offered all the same; None if it is."""
    for label, value in fields.items():
        definition = credential.field(label)
        for prefix in () if definition is None else definition.temporary_prefixes:
            if value.reveal().startswith(prefix):
                return f"temporary: its {label} begins with {prefix}"
        if any(character in value.reveal() for character in "\n\r\0"):
            return f"its {label} has more than one line"
    return None


def shown(candidate: Candidate, credential: CredentialType) -> list[tuple[str, str]]:
    """The fields of a candidate as a person may see them: secrets masked, the rest cleaned for a terminal."""
    rows: list[tuple[str, str]] = []
    for label, value in candidate.fields.items():
        definition = credential.field(label)
        is_open = definition is not None and not definition.secret
        text = value.reveal()
        rows.append((label, printable(text) if is_open else masked(printable(text, len(text)))))
    return rows


def item_fields(candidate: Candidate, credential: CredentialType) -> list[Field]:
    """The fields of an item for this candidate, in the credential's order."""
    values = {plain_label(label): value for label, value in candidate.fields.items()}
    return [
        new_field(
            definition.label,
            FieldType.CONCEALED if definition.secret else FieldType.TEXT,
            values[plain_label(definition.label)],
        )
        for definition in credential.fields
        if plain_label(definition.label) in values
    ]
