"""What somebody can make of the files alone: mixtures of old and new ones, grafts, forged slots.

They have everything in the account's directory, of every time, and no key.
"""

import hashlib
import itertools
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.ground.errors import KeyturnError
from keyturn.ground.names import new_id
from keyturn.vaults.age import identities, rotation, slots
from keyturn.vaults.age.opening import Opening
from keyturn.vaults.age.pins import Machine
from keyturn.vaults.age.slots import Header, Kind, Slot
from tests.faults.operations import Scene, make_scene
from tests.vaults import age_scrypt
from tests.vaults.changes import outcome
from tests.vaults.templates import PASSWORD, make_item, make_machine, open_account

NAMED = {
    *("rolled-back", "forked", "another-identity", "misplaced", "damaged"),
    *("former-identity", "wrong-password", "missing"),
}


class Times:
    """The directory of one account at several times, each as files; the last one is now."""

    def __init__(self, place: Path) -> None:
        self.scene = make_scene(place / "scene")
        self.states = [self._files()]
        for change in (self._save, self._rename, self._second_vault, self._new_identity, self._save):
            change()
            self.states.append(self._files())
        self.now = self.contents()
        self.state = place / "state"
        shutil.copytree(self.scene.place / "state", self.state)

    def _files(self) -> dict[str, bytes]:
        names = [path for path in self.scene.directory.rglob("*") if path.suffix in (".age", ".slot")]
        return {str(path.relative_to(self.scene.directory)): path.read_bytes() for path in sorted(names)}

    def _save(self) -> None:
        self.scene.account().create(self.scene.vault, make_item(f"item {new_id()}"))

    def _rename(self) -> None:
        self.scene.account().rename("Later")

    def _second_vault(self) -> None:
        self.scene.account().create_vault("Third")

    def _new_identity(self) -> None:
        rotation.remove_slot(self.scene.account(), self.scene.slot("second"))

    def contents(self) -> object:
        account = self.scene.account()
        return account.title, sorted(summary.title for summary, _ in account.items()), account.vaults()

    def put(self, files: dict[str, bytes]) -> None:
        shutil.rmtree(self.scene.directory)
        for name, content in files.items():
            path = self.scene.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self.scene.directory.chmod(0o700)
        shutil.rmtree(self.scene.place / "state")
        shutil.copytree(self.state, self.scene.place / "state")


@pytest.fixture(scope="module")
def times(tmp_path_factory: pytest.TempPathFactory) -> Times:
    return Times(tmp_path_factory.mktemp("times"))


def is_noticed(times: Times) -> str:
    """The code of the refusal, `told` for a vault that is named as missing, or nothing if all is as now."""
    code = outcome(lambda: (times.scene.account().items(), times.scene.account().vaults()))
    if code != "opens":
        assert code in NAMED
        return code
    account = times.scene.account()
    if any("is gone" in note for note in account.notes()):
        return "told"
    assert times.contents() == times.now, "something old was taken for what is now"
    return ""


@pytest.mark.parametrize("time", range(5))
def test_the_whole_directory_of_another_time_is_named(times: Times, time: int) -> None:
    times.put(times.states[time])
    assert is_noticed(times) in ("rolled-back", "another-identity", "forked")
    times.put(times.states[-1])
    assert is_noticed(times) == ""


def check_mixture(times: Times, picks: list[int]) -> None:
    names = sorted({name for state in times.states for name in state})
    mixed = {}
    for name, pick in zip(names, itertools.cycle(picks), strict=False):
        content = times.states[pick].get(name)
        if content is not None:
            mixed[name] = content
    times.put(mixed)
    is_noticed(times)


mixtures = st.lists(st.integers(0, 5), min_size=12, max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picks=mixtures)
def test_no_mixture_of_times_is_taken_for_now(times: Times, picks: list[int]) -> None:
    check_mixture(times, picks)


@pytest.mark.soak
@pytest.mark.timeout(900)
@settings(max_examples=5000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(picks=mixtures)
def test_none_of_many_mixtures_of_times_is_taken_for_now(times: Times, picks: list[int]) -> None:
    check_mixture(times, picks)


def test_one_old_file_beside_the_new_ones_is_named(times: Times) -> None:
    """Each file of each time alone; older slots of the same identity are as good as the new ones."""
    refused = 0
    for state in times.states[:-1]:
        for name, content in state.items():
            if times.states[-1].get(name) == content or name.startswith("versions/"):
                continue
            times.put({**times.states[-1], name: content})
            refused += is_noticed(times) != ""
    times.put(times.states[-1])
    assert refused > 5


def header_end(content: bytes) -> int:
    """Where the header of an age file ends, which is authenticated apart from the payload."""
    start = content.index(b"\n--- ") + 1
    return content.index(b"\n", start) + 1


def test_grafts_of_headers_and_payloads_do_not_open(times: Times) -> None:
    """All files have one recipient; still no header opens the payload of another."""
    times.put(times.states[-1])
    identity = times.scene.account().ring.current
    sealed = [content for state in times.states for name, content in state.items() if name.endswith(".age")]
    opens = 0
    for one, other in itertools.permutations(dict.fromkeys(sealed), 2):
        head, tail = one[: header_end(one)], other[header_end(other) :]
        nonce = one[header_end(one) : header_end(one) + 16]
        for graft in (head + tail, head + nonce + tail[16:], one + tail, one[:-16] + tail[-16:]):
            assert identities.unseal(graft, identity) is None
        opens += identities.unseal(one, identity) is not None
    assert opens > 10, "what is grafted opens by itself"


def forged_slots(scene: Scene) -> list[tuple[str, Slot]]:
    """Slots that a stranger can write: an identity of their own, and what stands there to be copied."""
    stranger, account = identities.generate(), scene.account()
    found = []
    for path in sorted((scene.directory / "slots").iterdir()):
        slot = slots.parse(path.read_bytes())
        header = Header(account.id, new_id(), slot.header.kind, slot.header.title, "2099-01-01T00:00:00Z")
        mine = identities.seal(
            f"# keyturn-account: {account.id}\n# keyturn-slot: {header.slot}\n# keyturn-before: "
            f"{hashlib.sha256(header.encode() + b''.join(slot.blocks[:-1])).hexdigest()}\n"
            f"{stranger.reveal()}\n".encode(),
            identities.recipient_of(stranger),
            armored=True,
        )
        found += [
            ("a new one with a block of mine", Slot(header, (*slot.blocks[:-1], mine))),
            ("a copy with a newer date", Slot(header, slot.blocks)),
            ("the same with a block of mine", Slot(slot.header, (*slot.blocks[:-1], mine))),
        ]
        if slot.header.kind is Kind.PASSWORD:
            locked = age_scrypt.lock(identities.generate().reveal().encode() + b"\n", "mine")
            found.append(("another lock", Slot(header, (locked, slot.blocks[-1]))))
    return found


def test_forged_slots_open_nothing_and_hide_nothing(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    template = tmp_path / "template"
    shutil.copytree(scene.directory, template)
    forged = forged_slots(scene)
    assert len(forged) > 8
    fingerprint = scene.account().fingerprint
    for what, slot in forged:
        shutil.rmtree(scene.directory)
        shutil.copytree(template, scene.directory)
        path = scene.directory / "slots" / slots.file_name(slot.header.slot)
        replaces = path.exists()
        path.write_bytes(slot.encode())
        openings: list[Callable[[], object]] = [
            lambda: scene.account().fingerprint,
            lambda: open_account(scene.directory, PASSWORD, scene.machine).fingerprint,
        ]
        for attempt in openings:
            code = outcome(attempt)
            assert code in ("opens", "wrong-password", "damaged", "misplaced"), what
            assert code != "opens" or attempt() == fingerprint, what
            assert code == "opens" or replaces, f"{what}: a slot beside the real ones kept them from opening"
        assert replaces or scene.account().unlisted_slots() == [path.name]
        with pytest.raises(KeyturnError):
            open_account(scene.directory, "mine", scene.machine)


def test_work_factors_out_of_bounds_cost_nothing_wherever_they_stand(tmp_path: Path) -> None:
    """A planted slot with an absurd factor is not derived, nor does it keep the real ones from opening."""
    scene = make_scene(tmp_path / "scene")
    real = slots.parse((scene.directory / "slots" / slots.file_name(scene.slot("password"))).read_bytes())
    for work in ("1", "14", "22", "30", "63", "99"):
        header = Header(real.header.account, new_id(), Kind.PASSWORD, "planted", "2099-01-01T00:00:00Z")
        path = scene.directory / "slots" / slots.file_name(header.slot)
        path.write_bytes(Slot(header, (age_scrypt.header_only(work), real.blocks[1])).encode())
        assert open_account(scene.directory, PASSWORD, scene.machine).items() != []
        for other in (scene.directory / "slots").iterdir():
            if other != path and slots.parse(other.read_bytes()).header.kind is Kind.PASSWORD:
                other.rename(tmp_path / other.name)
        with pytest.raises(KeyturnError) as caught:
            open_account(scene.directory, PASSWORD, scene.machine)
        assert caught.value.code == "work-factor"
        path.unlink()
        for kept in tmp_path.glob("*.slot"):
            kept.rename(scene.directory / "slots" / kept.name)


def test_an_account_of_somebody_elses_making_in_the_same_place(tmp_path: Path) -> None:
    """Made anew with the old id, which is public, and moved over the real one."""
    scene = make_scene(tmp_path / "scene")
    real = scene.account()
    other = make_scene(tmp_path / "other")
    machine: Machine = make_machine(tmp_path / "scene" / "state")
    shutil.rmtree(scene.directory)
    shutil.copytree(other.directory, scene.directory)
    stranger = Opening.with_recovery_code(scene.directory, other.code).account(machine)
    # Another id is another account: nothing of the real one is in it, and the agent compares the ids.
    assert stranger.id != real.id
    assert stranger.fingerprint != real.fingerprint
    with pytest.raises(KeyturnError):
        real.items()
    with pytest.raises(KeyturnError):
        real.rename("x")
