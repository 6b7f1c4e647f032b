"""age plugins as keys of slots, with a plugin of the tests' own, and what may be run as one."""

import os
from pathlib import Path

import pytest

from keyturn.ground.errors import KeyUnusableError, UsageError
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError
from keyturn.vaults.age import derive, identities, plugin, plugin_file
from keyturn.vaults.age.derive import Unwrapped, Wrapped
from keyturn.vaults.age.plugin import UnwrapByPlugin, WrapForPlugin
from keyturn.vaults.failed import Failed
from tests.parts import needs
from tests.vaults.age_plugin import NAME, Device
from tests.vaults.people import Person


@pytest.fixture
def device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Device:
    """A device whose plugin alone is on PATH."""
    found = Device.make(tmp_path / "device")
    monkeypatch.setenv("PATH", str(found.program.parent))
    return found


def work(task: plugin.Task, person: Person | None = None) -> derive.Result:
    return derive.decode_result(plugin.work(plugin.encode_task(task), person or Person()))


def wrap(device: Device, *, by_identity: bool = False) -> Wrapped:
    recipient = "" if by_identity else device.recipient
    result = work(WrapForPlugin(NAME, recipient, Secret(device.identity)))
    assert isinstance(result, Wrapped)
    return result


def unwrap(device: Device, block: bytes, person: Person | None = None) -> derive.Result:
    return work(UnwrapByPlugin(NAME, block, Secret(device.identity)), person)


@pytest.mark.parametrize("by_identity", [False, True])
def test_what_is_wrapped_opens(device: Device, by_identity: bool) -> None:
    wrapped = wrap(device, by_identity=by_identity)
    result = unwrap(device, wrapped.block)
    assert isinstance(result, Unwrapped)
    assert identities.recipient_of(result.identity) == wrapped.recipient


@pytest.mark.parametrize(
    ("mode", "answers", "asked"),
    [
        ("pin", ("1234 EXAMPLE",), "PIN of the key: "),
        ("public", ("probe",), "name of the key: "),
        ("confirm", ("o",), "open with the key? [open/leave] "),
        ("confirm", ("perhaps", "", "OPEN"), "open with the key? [open/leave] "),
    ],
)
def test_what_a_plugin_asks(device: Device, mode: str, answers: tuple[str, ...], asked: str) -> None:
    (device.directory / "pin").write_text("1234 EXAMPLE")
    wrapped = wrap(device)
    device.behave(mode)
    person = Person(*answers)
    assert isinstance(unwrap(device, wrapped.block, person), Unwrapped)
    assert [prompt for prompt, _ in person.asked] == [f"age-plugin-probe: {asked}"] * len(answers)


def test_what_a_plugin_shows_has_no_control_characters(device: Device) -> None:
    wrapped = wrap(device)
    device.behave("touch")
    device.touch()
    person = Person()
    assert isinstance(unwrap(device, wrapped.block, person), Unwrapped)
    assert person.shown == ["age-plugin-probe: touch the key·[2J"]


@pytest.mark.parametrize(
    ("mode", "answers", "message"),
    [
        ("no", (), "the device says no·[2J"),
        ("die", (), "age-plugin-probe failed: unexpectedly died."),
        ("killed", (), "age-plugin-probe failed: unexpectedly died."),
        ("garbage", (), "age-plugin-probe failed: "),
        ("pin", ("wrong EXAMPLE",), "wrong PIN"),
        ("confirm", ("leave",), "not confirmed"),
    ],
)
def test_a_plugin_that_gives_no_key(
    device: Device, mode: str, answers: tuple[str, ...], message: str
) -> None:
    (device.directory / "pin").write_text("1234 EXAMPLE")
    wrapped = wrap(device)
    device.behave(mode)
    result = unwrap(device, wrapped.block, Person(*answers))
    assert isinstance(result, Failed)
    assert isinstance(result.error(), KeyUnusableError)
    assert message in result.message
    assert "EXAMPLE" not in result.message
    assert "\n" not in result.message


def test_another_device_does_not_open(device: Device, tmp_path: Path) -> None:
    wrapped = wrap(device)
    (device.directory / "secret").write_bytes(bytes(32))
    result = unwrap(device, wrapped.block)
    assert isinstance(result, Failed)
    assert result.message == "age-plugin-probe has not the key of the slot"


def test_no_plugin(device: Device) -> None:
    wrapped = wrap(device)
    device.program.unlink()
    for result in (unwrap(device, wrapped.block), work(WrapForPlugin(NAME, device.recipient, Secret("")))):
        assert isinstance(result, Failed)
        assert isinstance(result.error(), KeyUnusableError)


def test_identity_files(device: Device) -> None:
    content = Path(device.identity_file()).read_text()
    assert plugin.read_identity(content) == (Secret(device.identity), device.recipient)
    assert plugin.name_in_identity(Secret(device.identity)) == NAME
    assert plugin.name_in_recipient(device.recipient) == NAME
    assert plugin.read_identity(device.identity + "\n")[1] == ""
    age = identities.generate().reveal()
    for wrong in ("", "# nothing\n", device.identity * 2, f"{device.identity}\n{device.identity}\n", age):
        with pytest.raises(UsageError) as caught:
            plugin.read_identity(wrong)
        assert device.identity[:40] not in str(caught.value)
    for recipient in ("", device.recipient + "x", "age1xyz", identities.recipient_of(Secret(age)).reveal()):
        with pytest.raises(UsageError):
            plugin.name_in_recipient(recipient)


def test_what_is_no_task() -> None:
    for content in (b"", b"\x80", derive.encode_task(derive.WrapPassword(Secret("x")))):
        with pytest.raises(WireError):
            plugin.decode_task(content)


class TestFile:
    def test_looked_at(self, device: Device) -> None:
        link = device.directory / "link"
        link.symlink_to(device.program)
        found = plugin_file.look_at(str(link), os.getuid())
        assert found.real == str(device.program)
        assert found.mode == "-rwxr-xr-x"
        assert found.describe() == f"{link} ({found.owner}, -rwxr-xr-x), a link to {device.program}"
        before = found.digest
        device.program.write_text("#!/bin/sh\n")
        assert plugin_file.look_at(str(link), os.getuid()).digest != before

    @pytest.mark.parametrize("mode", [0o775, 0o757, 0o777])
    def test_others_may_not_write_it_or_where_it_lies(self, device: Device, mode: int) -> None:
        if mode & 0o020:
            needs("root")
        for place in (device.program, device.program.parent, device.directory):
            # A group that is not root's: who is in that one needs no plugin.
            os.chown(place, -1, 12345) if mode & 0o020 else None
            before = place.stat().st_mode
            place.chmod(mode)
            assert plugin_file.check(str(device.program), os.getuid()).endswith(
                "can be changed by other users"
            )
            with pytest.raises(KeyUnusableError):
                plugin_file.look_at(str(device.program), os.getuid())
            place.chmod(before & 0o777)
            assert plugin_file.check(str(device.program), os.getuid()) == ""

    def test_a_link_in_a_place_of_others(self, device: Device, tmp_path: Path) -> None:
        """Whoever may write the directory of the link may lead it elsewhere."""
        place = tmp_path / "open"
        place.mkdir()
        (place / "link").symlink_to(device.program)
        assert plugin_file.check(str(place / "link"), os.getuid()) == ""
        place.chmod(0o777)
        assert "can be changed by other users" in plugin_file.check(str(place / "link"), os.getuid())

    @pytest.mark.needs("root")
    def test_another_users_plugin(self, device: Device) -> None:
        os.chown(device.program, 12345, -1)
        assert "can be changed by other users" in plugin_file.check(str(device.program), os.getuid())

    def test_what_cannot_be_run(self, device: Device) -> None:
        name = str(device.program)
        device.program.chmod(0o644)
        assert "is not an executable file" in plugin_file.check(name, os.getuid())
        device.program.chmod(0o4755)
        assert "setuid" in plugin_file.check(name, os.getuid())
        assert "is not an executable file" in plugin_file.check(str(device.directory), os.getuid())
        assert "is not an absolute path" in plugin_file.check("bin/age-plugin-probe", os.getuid())
        assert "no such file" in plugin_file.check(name + "x", os.getuid())

    def test_found_on_a_path_without_relative_parts(
        self, device: Device, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(device.program.parent)
        name, place = device.program.name, str(device.program.parent)
        assert plugin_file.find(name, f"/nowhere::.:{place}") == str(device.program)
        for path in ("", ".", "::", "bin:."):
            with pytest.raises(KeyUnusableError):
                plugin_file.find(name, path)

    def test_the_search_path_leads_to_it_alone(self, device: Device, tmp_path: Path) -> None:
        state = tmp_path / "state"
        (device.program.parent / "other").write_text("#!/bin/sh\n")
        found = plugin_file.look_at(str(device.program), os.getuid())
        first = plugin_file.search_path(found, device.program.name, state, os.getuid())
        assert plugin_file.search_path(found, device.program.name, state, os.getuid()) == first
        directory, *rest = first.split(":")
        assert rest == ["/usr/bin", "/bin"]
        assert os.listdir(directory) == [device.program.name]
        assert os.path.realpath(f"{directory}/{device.program.name}") == str(device.program)
        os.unlink(f"{directory}/{device.program.name}")
        os.symlink("/bin/false", f"{directory}/{device.program.name}")
        plugin_file.search_path(found, device.program.name, state, os.getuid())
        assert os.path.realpath(f"{directory}/{device.program.name}") == str(device.program)
