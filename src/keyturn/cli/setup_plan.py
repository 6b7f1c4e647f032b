"""What `plugin init` is told by its flags, and what it has decided when every question is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keyturn.agent.requests import FieldChange
from keyturn.agent.results import ItemView
from keyturn.cli.sourcing import Sourcing
from keyturn.scopes.layers import Scope
from keyturn.sdk.importers import Candidate
from keyturn.sdk.schema import Plugin


@dataclass(frozen=True)
class Choices:
    """What the flags answer; None or empty: to be asked.

    `credential` is the plugin whose credential is meant. `fields` are labels of the credential to labels of
    the item; `also` other executables, none of them if it is empty and not None.
    """

    import_profile: str | None = None
    import_file: str | None = None
    import_env: bool = False
    import_keyring: bool = False
    item: str | None = None
    vault: str = ""
    title: str = ""
    remove_plaintext: bool | None = None
    verify: bool = True
    recovery: bool | None = None
    preset: str | None = None
    scope: str | None = None
    directory: str | None = None
    profile: str | None = None
    credential: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] | None = None
    shell_rc: bool | None = None
    dry_run: bool = False

    @property
    def names_source(self) -> bool:
        """Whether they say which credential it is to be, so that it is this one and no further."""
        return self.names_file or self.import_env or self.import_keyring or self.item is not None

    @property
    def names_file(self) -> bool:
        """Whether they say which credential in the tool's files it is."""
        return self.import_profile is not None or self.import_file is not None


@dataclass(frozen=True)
class FirstAccount:
    """The account that has to be made first. `preset` None: as the settings have it."""

    title: str
    vault: str
    preset: str | None
    recovery: bool


@dataclass(frozen=True)
class NewItem:
    """An item to be made of the candidate. `vault` is empty for the only one."""

    title: str
    vault: str


@dataclass(frozen=True)
class KnownItem:
    """An item that is in a vault, and what is to be changed in it."""

    view: ItemView
    changes: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class Where:
    """Where an item is used: in a scope, by who is told a profile, or both.

    `place` is the written form of a directory. Without a scope the item is no default, but bound alone.
    """

    scope: Scope | None
    place: str = ""
    profile: str = ""


@dataclass(frozen=True)
class Wrapped:
    """A command that plugins.sh wraps from now on."""

    plugin: Plugin
    executable: str


@dataclass(frozen=True)
class Use:
    """A command whose default an item becomes: under which key, and in place of which item, by title."""

    wrapped: Wrapped
    key: str
    former: str = ""


@dataclass(frozen=True)
class Chosen:
    """One credential: the plugin whose it is, and the item that holds it, or is to be made of `candidate`.

    `candidate` is what was found in plaintext or typed. `profile` is the name that the item is bound to.
    """

    plugin: Plugin
    item: NewItem | KnownItem
    candidate: Candidate | None
    uses: tuple[Use, ...] = ()
    profile: str = ""
    remove_plaintext: bool = False

    @property
    def title(self) -> str:
        return self.item.title if isinstance(self.item, NewItem) else self.item.view.item.title


@dataclass(frozen=True)
class Plan:
    """Everything that is to be done. `wrapped` has the command that was named first, then the others."""

    wrapped: tuple[Wrapped, ...]
    chosen: tuple[Chosen, ...]
    first_account: FirstAccount | None
    where: Where
    sourcing: Sourcing

    @property
    def executables(self) -> list[str]:
        return [each.executable for each in self.wrapped]
