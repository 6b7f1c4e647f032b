"""What a tool keeps in the login keyring (the Secret Service of Linux desktops), by a plugin's description.

It is encrypted there, and no leftover: it is offered for import and stays where it is. Reading it is a task
for another process, as all opening of other programs' stores is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from keyturn.catalogue import selection
from keyturn.ground.names import plain_label, printable
from keyturn.ground.packed import Packed
from keyturn.ground.secret import Secret
from keyturn.plaintext.entries import Entry
from keyturn.sdk import importers
from keyturn.sdk.import_schema import Importer
from keyturn.sdk.importers import Candidate, Findings, Rejected
from keyturn.sdk.schema import Plugin

PLACE = "the login keyring"
LARGEST = 1024 * 1024
_LONGEST_NAME = 60


class ReadKeyring(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything whose service is like one of these patterns; the environment tells the session bus."""

    services: tuple[str, ...]


class Kept(msgspec.Struct, frozen=True):
    """One entry, as Go's library go-keyring writes them: by a service and a user's name."""

    service: str
    username: str
    secret: Secret


class Opened(msgspec.Struct, frozen=True):
    """`problem` is why there may be more than `kept`; empty: there is not."""

    kept: tuple[Kept, ...] = ()
    problem: str = ""


tasks: Packed[ReadKeyring] = Packed(ReadKeyring, "a task")
results: Packed[Opened] = Packed(Opened, "a result")


def services(plugin: Plugin) -> tuple[str, ...]:
    """The patterns of services under which the plugin's tools keep credentials; none for most plugins."""
    steps = [each.at[0] for each in plugin.importers if each.keyring]
    return tuple(pattern for step in steps for pattern in ((step,) if isinstance(step, str) else step))


def perform(task: ReadKeyring) -> Opened:
    """Read what is there. Nothing is unlocked for it: that would open a window in front of the person."""
    try:
        import secretstorage
        from secretstorage.exceptions import SecretStorageException
    except ImportError:
        return Opened(
            problem="reading it needs the Python package secretstorage: pip install 'keyturn[keyring]'"
        )
    try:
        connection = secretstorage.dbus_init()
    except (SecretStorageException, OSError, KeyError):
        # No desktop, no keyring.
        return Opened()
    try:
        collections = list(secretstorage.get_all_collections(connection))
        is_locked = any(each.is_locked() for each in collections)
        kept = tuple(
            entry for each in collections if not each.is_locked() for entry in _kept(each, task.services)
        )
        return Opened(kept, "it is locked: unlock it and try again" if is_locked else "")
    except (SecretStorageException, OSError, EOFError):
        return Opened()
    finally:
        connection.close()


def _kept(collection: Any, patterns: Sequence[str]) -> Iterator[Kept]:
    for item in collection.get_all_items():
        attributes = item.get_attributes()
        service, username = attributes.get("service", ""), attributes.get("username")
        # Only what is wanted is decrypted.
        if username is not None and any(selection.stands_for(each, service) is not None for each in patterns):
            yield Kept(service, username, Secret(item.get_secret().decode("utf-8", "replace")))


def find(plugin: Plugin, opened: Opened) -> Findings:
    """The plugin's credentials among what was read.

    Equal ones are offered once, one with a user's name first. What is of a kind that the plugin does not
    import is among the rejected.
    """
    kept = sorted(opened.kept, key=lambda each: (not each.username, each.service, each.username))
    # `line` has to tell entries apart.
    entries = [
        Entry((each.service, each.username), each.secret, number) for number, each in enumerate(kept, start=1)
    ]
    candidates: dict[frozenset[tuple[str, str]], Candidate] = {}
    rejected: dict[Rejected, None] = {}
    for importer in plugin.importers if kept else ():
        if importer.keyring:
            for each in _judged(plugin, importer, entries):
                if isinstance(each, Candidate):
                    same = frozenset((label, value.reveal()) for label, value in each.fields.items())
                    candidates.setdefault(same, each)
                else:
                    rejected[each] = None
    if opened.problem:
        rejected[Rejected(PLACE, opened.problem)] = None
    return Findings(tuple(candidates.values()), tuple(rejected))


def _judged(plugin: Plugin, importer: Importer, entries: Sequence[Entry]) -> Iterator[Candidate | Rejected]:
    definitions = plugin.credential.fields
    fitting = {each.line for each in selection.select(importer, definitions, "keyring", entries)}
    for each in selection.select(importer, definitions, "keyring", entries, is_any_secret=True):
        name = printable(each.profile, _LONGEST_NAME)
        source = f"“{name}” in {PLACE}" if name else PLACE
        there = {plain_label(label) for label in each.fields}
        required = [field.label for field in definitions if not field.optional]
        missing = [label for label in (*required, *importer.need) if plain_label(label) not in there]
        reason = importers.why_refused(plugin.credential, each.fields) or each.temporary
        if each.line not in fitting:
            yield Rejected(source, "it is of a kind that is not imported")
        elif missing or reason:
            yield Rejected(source, reason or f"its {missing[0]} is missing")
        else:
            yield Candidate(source, name, dict(each.fields))
