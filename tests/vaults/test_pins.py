"""What the machine remembers: strict, private, and never mistaken for nothing."""

from pathlib import Path

import msgspec
import pytest

from keyturn.ground.errors import (
    ConfigurationError,
    DamagedError,
    ForgedError,
    ForkedError,
    NewerError,
    RolledBackError,
)
from keyturn.vaults.age import identities
from keyturn.vaults.age.pins import Change, Machine, Sighting
from tests.vaults.templates import Made, StoppedClock, make_item, make_machine

ACCOUNT = "a" * 26
ONE, TWO = "1" * 64, "2" * 64


def sighting(identity: str = ONE, generation: int = 1, digest: str = ONE, **rest: object) -> Sighting:
    history = rest.get("history", [])
    assert isinstance(history, list)
    path = Path("/x/account.age")
    return Sighting(ACCOUNT, "Test", Path("/x"), identity, "account", path, generation, digest, history)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return make_machine(tmp_path / "state")


def test_a_machine_has_one_id(machine: Machine, tmp_path: Path) -> None:
    assert machine.id == make_machine(tmp_path / "state").id
    assert machine.id != make_machine(tmp_path / "other").id


def test_the_first_sighting_is_taken_and_the_same_again(machine: Machine) -> None:
    assert machine.pinned(ACCOUNT) is None
    machine.witness(sighting())
    machine.witness(sighting())
    pinned = machine.pinned(ACCOUNT)
    assert pinned is not None
    assert (pinned.identity, pinned.title, pinned.directory) == (ONE, "Test", "/x")


@pytest.mark.parametrize(
    ("later", "error"),
    [
        (sighting(identity=TWO, generation=6), ForgedError),
        (sighting(generation=4), RolledBackError),
        (sighting(generation=5, digest=TWO), ForkedError),
        (sighting(generation=6, digest=TWO), ForkedError),
        (sighting(generation=6, digest=TWO, history=[(5, TWO)]), ForkedError),
        (sighting(generation=6, digest=TWO, history=[(4, ONE)]), ForkedError),
        (sighting(generation=7, digest=TWO, history=[(5, ONE), (6, TWO)]), None),
    ],
)
def test_what_does_not_descend_is_refused_and_not_remembered(
    machine: Machine, later: Sighting, error: type[DamagedError] | None
) -> None:
    machine.witness(sighting(generation=5))
    before = machine.pinned(ACCOUNT)
    if error is None:
        machine.witness(later)
        assert machine.pinned(ACCOUNT) != before
        return
    with pytest.raises(error):
        machine.witness(later)
    assert machine.pinned(ACCOUNT) == before


def test_an_identity_that_is_being_made_is_known_and_no_third_one(machine: Machine) -> None:
    machine.witness(sighting())
    begun = Change(TWO, [])
    machine.update(ACCOUNT, lambda was: None if was is None else msgspec.structs.replace(was, change=begun))
    machine.witness(sighting(identity=TWO))
    machine.witness(sighting(identity=ONE))
    with pytest.raises(ForgedError):
        machine.witness(sighting(identity="3" * 64))


def test_what_does_not_change_is_not_written_again(machine: Machine, tmp_path: Path) -> None:
    machine.witness(sighting())
    path = tmp_path / "state" / "pins" / f"{ACCOUNT}.json"
    before = path.stat()
    assert machine.update(ACCOUNT, lambda was: was) == machine.pinned(ACCOUNT)
    assert machine.update(ACCOUNT, lambda was: None) is None
    assert path.stat() == before
    assert machine.pinned(ACCOUNT) is not None


def test_files_are_private(machine: Machine, tmp_path: Path) -> None:
    machine.witness(sighting())
    assert machine.id
    for path in (tmp_path / "state").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_pins_directory_open_to_others_is_refused(machine: Machine, tmp_path: Path) -> None:
    machine.witness(sighting())
    (tmp_path / "state" / "pins").chmod(0o770)
    with pytest.raises(ConfigurationError):
        machine.witness(sighting(generation=2, digest=TWO, history=[(1, ONE)]))


def test_damaged_pins_are_not_no_pins(made: Made) -> None:
    path = made.directory.parent / "state" / "pins" / f"{made.account.id}.json"
    content = path.read_bytes()
    for damaged in (b"", content[:-2], content + b" ", content.replace(b'"format": 1', b'"format": true')):
        path.write_bytes(damaged)
        with pytest.raises(DamagedError, match="is damaged"):
            made.recover()
        assert path.read_bytes() == damaged
    path.write_bytes(content.replace(b'"format": 1', b'"format": 9'))
    with pytest.raises(NewerError, match="format 9"):
        made.recover()
    path.write_bytes(content.replace(made.account.id.encode(), b"a" * 26))
    with pytest.raises(DamagedError, match="another account"):
        made.recover()


def test_forgetting_drops_the_pins_alone(made: Made) -> None:
    made.machine.forget(made.account.id)
    made.machine.forget(made.account.id)
    assert made.machine.pinned(made.account.id) is None
    assert made.recover().items() != []


def test_a_state_directory_that_cannot_be_written_does_not_stop_reading(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = made.recover(make_machine(made.directory.parent / "elsewhere"))
    elsewhere.create(made.vault.id, make_item("new"))
    old = (made.directory / "vaults" / f"{made.vault.id}.age").read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("keyturn.ground.files.write_atomically", full)
    assert len(made.account.items()) == 2
    monkeypatch.undo()
    # What cannot be remembered is compared all the same.
    made.account.create(made.vault.id, make_item("newer"))
    (made.directory / "vaults" / f"{made.vault.id}.age").write_bytes(old)
    with made.account.place.locked():
        monkeypatch.setattr("keyturn.ground.files.exclusively", full)
        with pytest.raises(RolledBackError):
            made.account.items()


def test_a_directory_that_is_no_text_is_remembered_readably(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "state", StoppedClock(), make_machine(tmp_path).uid)
    machine.trust(ACCOUNT, Path("/x\udcff"), ONE)
    pinned = machine.pinned(ACCOUNT)
    assert pinned is not None
    assert pinned.directory == "/x\\xff"


def test_fingerprints_tell_identities_apart() -> None:
    one, other = identities.generate(), identities.generate()
    assert identities.fingerprint(one) == identities.fingerprint(one) != identities.fingerprint(other)
