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

DEFAULT_PROFILE = "default"


@dataclass(frozen=True)
class Choices:
    """What the flags answer; None or empty: to be asked.

    `fields` are labels of the credential to labels of the item; `also` other executables, none of them if it
    is empty and not None.
    """

    import_profile: str | None = None
    import_env: bool = False
    item: str | None = None
    vault: str = ""
    title: str = ""
    remove_plaintext: bool | None = None
    recovery: bool | None = None
    preset: str | None = None
    scope: str | None = None
    directory: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] | None = None
    shell_rc: bool | None = None
    dry_run: bool = False


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
class Wrapped:
    """A command that gets the default, and the item that it had in that scope until now, by title."""

    plugin: Plugin
    executable: str
    former: str = ""


@dataclass(frozen=True)
class Plan:
    """Everything that is to be done. `wrapped` has the command that was named first, then the others.

    `candidate` is what was found in plaintext or typed; `place` the written form of a directory.
    """

    wrapped: tuple[Wrapped, ...]
    item: NewItem | KnownItem
    candidate: Candidate | None
    first_account: FirstAccount | None
    scope: Scope
    place: str
    remove_plaintext: bool
    sourcing: Sourcing

    @property
    def plugin(self) -> Plugin:
        return self.wrapped[0].plugin

    @property
    def executable(self) -> str:
        return self.wrapped[0].executable

    @property
    def executables(self) -> list[str]:
        return [each.executable for each in self.wrapped]

    @property
    def profile(self) -> str:
        """The name that the item is bound to; empty for none."""
        place = self.candidate.place if self.candidate is not None else None
        return "" if place is None or place.profile == DEFAULT_PROFILE else place.profile
