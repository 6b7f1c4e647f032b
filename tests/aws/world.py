"""A caller with AWS files and items, for the tests of this room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keyturn.aws import hook
from keyturn.aws.config import ConfigurationCache
from keyturn.catalogue import loader
from keyturn.ground.resolution import Resolution
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, ItemReference, new_field, new_item
from keyturn.sdk.run import Invocation, NeedItem, Provisioned, Selection

PLUGIN = loader.load("aws")
TYPES = {"secret access key": FieldType.CONCEALED, "one-time password": FieldType.OTP}


def item(name: str, **others: str) -> Item:
    """An item whose keys are made of its name; `others` are fields, `_` for a space in their labels."""
    values = {"access key id": f"AKIA{name.upper()}", "secret access key": f"secret-{name}"}
    values |= {
        label.replace("_", " ").replace("one time", "one-time"): text for label, text in others.items()
    }
    fields = [
        new_field(label, TYPES.get(label, FieldType.TEXT), Secret(text))
        for label, text in values.items()
        if text
    ]
    return new_item(name, fields, "2026-01-01T00:00:00Z")


def reference(chosen: Item, source: str) -> Resolution[ItemReference]:
    return Resolution(ItemReference("a" * 26, "b" * 26, chosen.id, chosen.title), source)


@dataclass
class Caller:
    """Calls the hook as the agent does: again with each item that it asks for."""

    home: Path
    selected: Item | None = None
    bound: dict[str, Item] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    cache: ConfigurationCache = field(default_factory=ConfigurationCache)
    asked: list[str] = field(default_factory=list)

    def write(self, config: str | None = None, credentials: str | None = None) -> None:
        directory = self.home / ".aws"
        directory.mkdir(exist_ok=True)
        for name, text in (("config", config), ("credentials", credentials)):
            if text is not None:
                (directory / name).write_text(text)

    def selection(self) -> Selection:
        selected = None if self.selected is None else reference(self.selected, "the global default")
        return Selection(
            selected, {name: reference(each, f"bound to {name}") for name, each in self.bound.items()}
        )

    def invocation(self, line: str, path: bytes = b"/usr/bin/aws") -> Invocation:
        environment = {"HOME": str(self.home), **self.environment}
        return Invocation(
            "aws",
            path,
            tuple(line.encode().split()),
            {
                name.encode(): value.encode()
                for name, value in environment.items()
                if PLUGIN.reads_variable(name.encode())
            },
            str(self.home),
        )

    def run(self, line: str = "s3 ls") -> Provisioned:
        known = {each.id: each for each in (self.selected, *self.bound.values()) if each is not None}
        opened: dict[str, Item] = {}
        provision = hook.provision(PLUGIN, self.cache)
        for _ in range(5):
            step = provision(self.invocation(line), self.selection(), opened)
            if isinstance(step, Provisioned):
                return step
            assert isinstance(step, NeedItem)
            assert step.item.value.item not in opened
            self.asked.append(step.item.value.title)
            opened[step.item.value.item] = known[step.item.value.item]
        raise AssertionError("it asks for ever")

    def child(self, done: Provisioned) -> dict[str, str]:
        """The environment of the command."""
        after = {**self.environment, "HOME": str(self.home)}
        for name in done.remove:
            after.pop(name, None)
        return after | {name: value.decode() for name, value in done.assign.items()}


def key_id(assigned: Mapping[str, bytes]) -> str:
    return assigned["AWS_ACCESS_KEY_ID"].decode()
