"""Everything that saves something, each with how to tell the old content from the new.

A scene is a directory with an account, a state directory and a configuration directory; every run of an
operation starts from a copy of the same scene, always at the same place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from keyturn.agent.registry import Entry, Registry
from keyturn.ground import settings
from keyturn.ground.errors import WrongPasswordError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.items import ItemReference
from keyturn.scopes import defaults
from keyturn.scopes.defaults import DefaultsFile
from keyturn.shells import plugins_sh
from keyturn.vaults.age import creation, rotation, slots
from keyturn.vaults.age.account import AgeAccount
from keyturn.vaults.age.openers import Openers, SshOpener
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.age.pins import Machine
from tests.vaults import age_scrypt
from tests.vaults.templates import PASSWORD, make_account, make_item, make_machine, open_account

NEW = "the new password EXAMPLE"
SECOND = "the second password EXAMPLE"
COMMAND = ["/usr/bin/python3", "-IS", "/data/launcher"]


@dataclass
class Scene:
    """The places of one run, and what the operations have in common."""

    place: Path
    code: Secret
    vault: str
    item: str
    added: Any = field(default_factory=lambda: make_item("added"))
    reference: ItemReference = field(
        default_factory=lambda: ItemReference(new_id(), new_id(), new_id(), "AWS")
    )
    entry: Entry = field(default_factory=lambda: Entry(new_id(), "Other", "/elsewhere"))

    @property
    def directory(self) -> Path:
        return self.place / "account"

    @property
    def machine(self) -> Machine:
        return make_machine(self.place / "state")

    def config(self, name: str) -> Path:
        return self.place / "config" / name

    def account(self) -> AgeAccount:
        return Opening.with_recovery_code(self.directory, self.code).account(self.machine)

    def slot(self, title: str) -> str:
        return next(slot.id for slot in self.account().slots() if slot.title == title)


def make_scene(place: Path) -> Scene:
    """A scene whose account has two passwords, a recovery code, two vaults and an item in each."""
    made = make_account(place / "account", place / "state", items=[make_item()], recovery=True)
    made.account.add_slot(slots.password_key(age_scrypt.wrapped(SECOND), "second"))
    made.account.create(made.account.create_vault("Other").id, make_item("in the other"))
    assert made.recovery_code is not None
    item = made.account.items(made.vault.id)[0][0].id
    scene = Scene(place, made.recovery_code, made.vault.id, item)
    scene.config("x").parent.mkdir(mode=0o700)
    Openers(scene.machine).keep(made.account.id, "1" * 64, SshOpener("/one", unprotected=False))
    Registry(scene.config("accounts.json")).add(Entry(made.account.id, "Test", str(place / "account")))
    DefaultsFile(scene.config("defaults.json")).change(
        lambda was: defaults.with_default(was, "aws", scene.reference)
    )
    settings.change(scene.config("settings.toml"), "prompt.timeout_seconds", "60")
    plugins_sh.update(scene.config("plugins.sh"), ["aws"], COMMAND)
    age_scrypt.wrapped(NEW)
    return scene


@dataclass(frozen=True)
class Operation:
    """`begin` prepares and returns the work; `look` says what is there, and fails if something is broken."""

    name: str
    begin: Callable[[Scene], Callable[[], object]]
    look: Callable[[Scene], Any]


def opens(scene: Scene, password: str) -> bool:
    try:
        open_account(scene.directory, password, scene.machine)
    except WrongPasswordError:
        return False
    return True


def look_at_account(scene: Scene) -> Any:
    """Everything in the account; nothing in it may be half-done once it has been opened."""
    account = scene.account()
    assert account.unfinished == []
    assert account.file.load().previous is None
    found = [account.get(summary.id) for summary, _ in account.items()]
    items = sorted(
        (item.title, item.version, vault.name, item.fields[1].value.reveal()) for item, vault in found
    )
    left = [path for path in scene.directory.rglob("*") if path.name.endswith(".new")]
    assert not left, f"left: {left}"
    listed = [slot.title for slot in account.slots() if slot.present]
    # A slot whose recording was cut short is there and reported; everything else would be a loss.
    unlisted = account.unlisted_slots()
    assert len(account.notes()) == len(unlisted) <= 1
    keys = [password for password in (PASSWORD, SECOND, NEW) if opens(scene, password) or unlisted]
    return (
        account.title,
        items,
        sorted((summary.title, vault.name) for summary, vault in account.items(archived=True)),
        [vault.name for vault in account.vaults()],
        listed,
        keys if not unlisted else [],
    )


def begin_edit(scene: Scene) -> Callable[[], object]:
    account = scene.account()
    item, _ = account.get(scene.item)
    value = msgspec.structs.replace(item.fields[1], value=Secret("a new value EXAMPLE"))
    return lambda: account.edit(msgspec.structs.replace(item, fields=[item.fields[0], value]))


def begin_archive(scene: Scene) -> Callable[[], object]:
    account = scene.account()
    return lambda: account.archive(scene.item)


def begin_delete(scene: Scene) -> Callable[[], object]:
    account = scene.account()
    return lambda: account.delete(scene.item)


def begin_move(scene: Scene) -> Callable[[], object]:
    account = scene.account()
    [other] = [vault.id for vault in account.vaults() if vault.id != scene.vault]
    return lambda: account.move(scene.item, other)


def begin_create(scene: Scene) -> Callable[[], object]:
    account = scene.account()
    return lambda: account.create(scene.vault, scene.added)


def begin_vault(scene: Scene) -> Callable[[], object]:
    account = scene.account()
    return lambda: account.create_vault("New")


def begin_rename(scene: Scene) -> Callable[[], object]:
    account = scene.account()
    return lambda: account.rename("New")


def begin_slot_add(scene: Scene) -> Callable[[], object]:
    account, key = scene.account(), slots.password_key(age_scrypt.wrapped(NEW), "new")
    return lambda: account.add_slot(key)


def begin_slot_remove(scene: Scene) -> Callable[[], object]:
    account, slot = scene.account(), scene.slot("second")
    return lambda: rotation.remove_slot(account, slot)


def begin_password(scene: Scene) -> Callable[[], object]:
    account, slot = scene.account(), scene.slot("password")
    return lambda: rotation.change_password(account, slot, age_scrypt.wrapped(NEW))


def begin_opener(scene: Scene) -> Callable[[], object]:
    openers, account = Openers(scene.machine), scene.account().id
    return lambda: openers.keep(account, "2" * 64, SshOpener("/two", unprotected=True))


def look_at_openers(scene: Scene) -> Any:
    return Openers(scene.machine).of(scene.account().id)


def begin_account(scene: Scene) -> Callable[[], object]:
    keys = [slots.recovery_key(scene.code, "code"), slots.password_key(age_scrypt.wrapped(NEW), "password")]
    machine = scene.machine
    return lambda: creation.create(scene.place / "created", "Created", keys, machine, "Private")


def look_at_created(scene: Scene) -> Any:
    directory = scene.place / "created"
    if not (directory / "account.age").exists():
        return None
    account = Opening.with_recovery_code(directory, scene.code).account(scene.machine)
    assert not [path for path in directory.rglob(".*") if path.name.endswith(".new")]
    assert account.notes() == []
    return account.title, [vault.name for vault in account.vaults()], [slot.title for slot in account.slots()]


def begin_first_sight(scene: Scene) -> Callable[[], object]:
    """Another machine opens the account for the first time, and saves."""
    machine = make_machine(scene.place / "elsewhere")

    def work() -> None:
        Opening.with_recovery_code(scene.directory, scene.code).account(machine).rename("New")

    return work


def look_at_elsewhere(scene: Scene) -> Any:
    machine = make_machine(scene.place / "elsewhere")
    account = Opening.with_recovery_code(scene.directory, scene.code).account(machine)
    assert account.notes() == []
    return account.title


def begin_default(scene: Scene) -> Callable[[], object]:
    file = DefaultsFile(scene.config("defaults.json"))
    return lambda: file.change(lambda was: defaults.with_default(was, "cdk", scene.reference))


def look_at_defaults(scene: Scene) -> Any:
    return DefaultsFile(scene.config("defaults.json")).read()


def begin_listing(scene: Scene) -> Callable[[], object]:
    registry = Registry(scene.config("accounts.json"))
    return lambda: registry.add(scene.entry)


def look_at_listing(scene: Scene) -> Any:
    return Registry(scene.config("accounts.json")).entries()


def begin_setting(scene: Scene) -> Callable[[], object]:
    return lambda: settings.change(scene.config("settings.toml"), "approval.idle_minutes", "5")


def look_at_settings(scene: Scene) -> Any:
    return settings.load(scene.config("settings.toml"))


def begin_plugins_sh(scene: Scene) -> Callable[[], object]:
    return lambda: plugins_sh.update(scene.config("plugins.sh"), ["cdk"], COMMAND)


def look_at_plugins_sh(scene: Scene) -> Any:
    return plugins_sh.wrapped(scene.config("plugins.sh"))


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation("item edit", begin_edit, look_at_account),
        Operation("item create", begin_create, look_at_account),
        Operation("item archive", begin_archive, look_at_account),
        Operation("item delete", begin_delete, look_at_account),
        Operation("item move", begin_move, look_at_account),
        Operation("vault create", begin_vault, look_at_account),
        Operation("account rename", begin_rename, look_at_account),
        Operation("account create", begin_account, look_at_created),
        Operation("slot add", begin_slot_add, look_at_account),
        Operation("slot remove", begin_slot_remove, look_at_account),
        Operation("password change", begin_password, look_at_account),
        Operation("opener", begin_opener, look_at_openers),
        Operation("first sight", begin_first_sight, look_at_elsewhere),
        Operation("defaults", begin_default, look_at_defaults),
        Operation("accounts.json", begin_listing, look_at_listing),
        Operation("settings", begin_setting, look_at_settings),
        Operation("plugins.sh", begin_plugins_sh, look_at_plugins_sh),
    )
}
