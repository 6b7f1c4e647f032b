"""Every changed byte and every truncation of every kind of file, through the whole of an opening.

tests/vaults looks at the layers one by one; here the question is what a person is told, and that what is
refused is not written over. `make soak` takes every byte, `make test` a sample.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keyturn.agent.registry import Registry
from keyturn.ground import settings
from keyturn.ground.errors import KeyturnError
from keyturn.scopes import defaults
from keyturn.scopes.defaults import Defaults, DefaultsFile
from keyturn.vaults.age import slots
from keyturn.vaults.age.pins import FilePin, Pinned
from tests.faults.operations import OPERATIONS, Scene, make_scene
from tests.vaults.templates import PASSWORD, open_account

VALUES: tuple[Callable[[int], int], ...] = (
    lambda byte: byte ^ 1,
    lambda byte: byte ^ 0x20,
    lambda byte: byte ^ 0x80,
    lambda byte: 0,
    lambda byte: ord("\n"),
    lambda byte: ord(" "),
    lambda byte: ord("9"),
    lambda byte: ord("z"),
)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return make_scene(tmp_path / "scene")


def variants(content: bytes, stride: int) -> Iterator[tuple[str, bytes]]:
    """`content` truncated, changed in one byte, with one byte doubled, and with something after it."""
    chosen = [*range(0, len(content), stride), len(content) - 1]
    for position in chosen:
        yield f"cut at {position}", content[:position]
        before, after = content[:position], content[position + 1 :]
        byte = content[position]
        for value in sorted({change(byte) for change in VALUES} - {byte}):
            yield f"{byte:#x} at {position} made {value:#x}", before + bytes([value]) + after
        yield f"{byte:#x} at {position} doubled", content[: position + 1] + content[position:]
    for more in (b"\n", b"\0", b" ", content):
        yield f"{more[:1]!r} after it", content + more


def snapshot(place: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


Harmless = Callable[[bytes, Any], bool]


def never(changed: bytes, found: object) -> bool:
    return False


class Tries:
    """Changes one file in every way, and looks at what comes of it."""

    def __init__(self, scene: Scene, path: Path, attempt: Callable[[], Any], codes: set[str]) -> None:
        self.scene, self.path, self.attempt, self.codes = scene, path, attempt, codes
        self.content = path.read_bytes()
        self.seen: set[str] = set()
        attempt()

    def run(self, stride: int, is_harmless: Harmless = never) -> None:
        before = snapshot(self.scene.place)
        for what, changed in variants(self.content, stride):
            self.path.write_bytes(changed)
            code, found = self._try()
            if code:
                assert code in self.codes, f"{what}: {code}"
                self.seen.add(code)
                there = {**snapshot(self.scene.place), self.path: self.content}
                assert there.keys() == before.keys(), f"{what}: refused, and files came or went"
                assert there == before, f"{what}: refused, and something was written"
                assert self.path.read_bytes() == changed, f"{what}: refused and written over"
            else:
                assert is_harmless(changed, found), f"{what}: accepted"
                self._restore(before)
        self.path.write_bytes(self.content)
        assert self.seen, "nothing was refused"

    def _try(self) -> tuple[str, Any]:
        try:
            return "", self.attempt()
        except KeyturnError as error:
            return error.code, None

    def _restore(self, before: dict[Path, bytes]) -> None:
        for path in [path for path in snapshot(self.scene.place) if path not in before]:
            path.unlink()
        for path, content in before.items():
            path.write_bytes(content)


def every(test: int, soak: int = 1) -> pytest.MarkDecorator:
    """Every so many bytes in `make test`, and in `make soak`."""
    return pytest.mark.parametrize(
        "stride",
        [test, pytest.param(soak, marks=[pytest.mark.soak, pytest.mark.timeout(900)])],
        ids=["some bytes", "every byte"],
    )


def use(scene: Scene) -> Any:
    """Open the account and save; what cannot be opened must not be written."""
    account = scene.account()
    [*items] = account.items()
    return account, items


def slot_path(scene: Scene, title: str) -> Path:
    return scene.directory / "slots" / slots.file_name(scene.slot(title))


@every(37)
def test_a_recovery_slot(scene: Scene, stride: int) -> None:
    # A well-formed block that does not open: whether it or the code is wrong, nobody can tell.
    codes = {"damaged", "misplaced", "newer", "wrong-password"}
    tries = Tries(scene, slot_path(scene, "recovery code"), scene.account, codes)
    tries.run(stride)
    assert {"damaged", "newer"} <= tries.seen or stride > 1


@every(131, 7)
def test_a_password_slot(scene: Scene, stride: int) -> None:
    """Each change of the first block costs a derivation, so that not every byte is tried, here."""
    path = slot_path(scene, "password")

    def attempt() -> Any:
        return open_account(scene.directory, PASSWORD, scene.machine)

    codes = {"damaged", "misplaced", "newer", "work-factor", "wrong-password"}
    tries = Tries(scene, path, attempt, codes)
    tries.run(stride)


@every(97)
def test_the_account_file(scene: Scene, stride: int) -> None:
    Tries(scene, scene.directory / "account.age", scene.account, {"damaged"}).run(stride)


@every(97)
def test_a_vault(scene: Scene, stride: int) -> None:
    path = scene.directory / "vaults" / f"{scene.vault}.age"
    Tries(scene, path, lambda: use(scene), {"damaged"}).run(stride)


@every(23)
def test_the_pins(scene: Scene, stride: int) -> None:
    """What they hold of names and places is for people; the name of a file is told as one that is gone."""
    path = scene.machine._directory / f"{scene.account().id}.json"
    original = msgspec.json.decode(path.read_bytes(), type=Pinned)

    def is_harmless(changed: bytes, found: Any) -> bool:
        account, _ = found
        pinned = msgspec.json.decode(changed, type=Pinned)
        strangers = pinned.files.keys() - original.files.keys()
        told = all(any(name in note for note in account.notes()) for name in strangers)
        files: dict[str, FilePin] = {
            name: pinned.files.get(name, pin) for name, pin in original.files.items()
        }
        shown = {"title": original.title, "directory": original.directory}
        plain = msgspec.structs.replace(pinned, files=files, **shown)
        return told and plain == original

    codes = {"damaged", "newer", "rolled-back", "forked", "another-identity"}
    tries = Tries(scene, path, lambda: use(scene), codes)
    tries.run(stride, is_harmless)
    assert {"damaged", "forked", "another-identity"} <= tries.seen


@every(5)
def test_the_machine_file(scene: Scene, stride: int) -> None:
    path = scene.place / "state" / "machine.json"

    def is_harmless(changed: bytes, found: Any) -> bool:
        # Another id is written into later saves, for people to tell machines apart; nothing else hangs on it.
        return len(changed) == len(path.read_bytes()) and found != ""

    tries = Tries(scene, path, lambda: scene.machine.id, {"damaged", "newer"})
    tries.run(stride, is_harmless)


def is_one_letter(before: object, after: object) -> bool:
    """Whether two values, as compact JSON, are the same but for one letter that was changed or doubled."""
    one, other = (json.dumps(each, ensure_ascii=False, sort_keys=False) for each in (before, after))
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) <= 1
    at = next((index for index, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
    return other[:at] + other[at + 1 :] == one or len(other) - len(one) in (1, 5)


@every(7)
def test_the_defaults(scene: Scene, stride: int) -> None:
    """It holds ids and names in clear: what a changed letter makes of them is another name, never less."""
    file = DefaultsFile(scene.config("defaults.json"))
    file.change(lambda was: defaults.with_default(was, "bws", scene.reference))
    original = msgspec.to_builtins(file.read())

    def is_harmless(changed: bytes, found: Defaults) -> bool:
        return is_one_letter(original, msgspec.to_builtins(found))

    path = scene.config("defaults.json")
    Tries(scene, path, lambda: DefaultsFile(path).read(), {"configuration"}).run(stride, is_harmless)


@every(5)
def test_the_list_of_accounts(scene: Scene, stride: int) -> None:
    path = scene.config("accounts.json")
    original = msgspec.to_builtins(Registry(path).entries())

    def is_harmless(changed: bytes, found: Any) -> bool:
        return is_one_letter(original, msgspec.to_builtins(found))

    Tries(scene, path, lambda: Registry(path).entries(), {"configuration", "damaged"}).run(
        stride, is_harmless
    )


@every(2)
def test_the_settings(scene: Scene, stride: int) -> None:
    """A person's own file: what is valid TOML with known keys and values in bounds is what they meant."""
    path = scene.config("settings.toml")
    path.write_bytes(b"# mine\n[approval]\nidle_minutes = 7\n[prompt]\ntimeout_seconds = 60\n")

    def is_harmless(changed: bytes, found: settings.Settings) -> bool:
        within = 1 <= found.approval.idle_minutes <= 720 and 5 <= found.prompt.timeout_seconds <= 3600
        return within and set(settings.rows(found)[0]) is not None

    tries = Tries(scene, path, lambda: settings.load(path), {"configuration"})
    tries.run(stride, is_harmless)


def test_a_file_that_cannot_be_read_is_not_written_by_anything(scene: Scene) -> None:
    """No operation of a person makes good what is damaged by overwriting it."""

    template = scene.place.parent / "template"
    shutil.copytree(scene.place, template)
    account = scene.account()
    damaged = {
        "item edit": [f"vaults/{scene.vault}.age"],
        "item create": [f"vaults/{scene.vault}.age"],
        "vault create": [f"vaults/{scene.vault}.age", "account.age"],
        "account rename": ["account.age"],
        "slot add": ["account.age"],
        "slot remove": [f"vaults/{scene.vault}.age", "account.age"],
        "password change": [f"vaults/{scene.vault}.age", "account.age"],
        "defaults": ["../config/defaults.json"],
        "accounts.json": ["../config/accounts.json"],
        "settings": ["../config/settings.toml"],
    }
    pins = f"../state/pins/{account.id}.json"
    for name, paths in damaged.items():
        in_account = [pins] if name not in ("defaults", "accounts.json", "settings") else []
        for relative in (*paths, *in_account):
            shutil.rmtree(scene.place)
            shutil.copytree(template, scene.place)
            work = OPERATIONS[name].begin(scene)
            path = scene.directory / relative
            path.write_bytes(path.read_bytes()[:-7])
            before = snapshot(scene.place)
            with pytest.raises(KeyturnError) as caught:
                work()
            assert caught.value.code in ("damaged", "configuration"), (name, relative)
            after = snapshot(scene.place)
            # Only a lock file may come to be, where a change begins by taking it.
            new = {each.name for each in after.keys() - before.keys()}
            assert new <= {".settings.lock"}, (name, relative)
            assert {key: after[key] for key in before} == before, (name, relative)
