"""Several writers and several machines: what is there descends from what was seen, or is named."""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keyturn.ground import files
from keyturn.ground.errors import (
    ConflictError,
    ForgedError,
    ForkedError,
    RolledBackError,
    StorageError,
)
from keyturn.ground.secret import Secret
from keyturn.vaults.age import documents, identities
from keyturn.vaults.age.pins import Sighting
from tests.vaults.templates import Made, make_item, make_machine


def vault_file(made: Made) -> Path:
    return made.directory / "vaults" / f"{made.vault.id}.age"


def test_a_roll_back_is_named_and_nothing_overwritten(made: Made) -> None:
    path = vault_file(made)
    old = path.read_bytes()
    made.account.create(made.vault.id, make_item("new"))
    path.write_bytes(old)
    for account in (made.account, made.open()):
        with pytest.raises(RolledBackError, match="generation 2, seen was 3"):
            account.items()
        with pytest.raises(RolledBackError):
            account.create(made.vault.id, make_item())
    assert path.read_bytes() == old


def test_a_rolled_back_account_does_not_open(made: Made) -> None:
    path = made.directory / "account.age"
    old = path.read_bytes()
    made.account.rename("New")
    path.write_bytes(old)
    with pytest.raises(RolledBackError):
        made.open()


@pytest.mark.parametrize("further", [0, 1, 3])
def test_a_fork_is_named(made: Made, further: int) -> None:
    """Two machines save from the same state; the second one's file arrives here."""
    path, machine = vault_file(made), make_machine(made.directory.parent / "elsewhere")
    common = path.read_bytes()
    made.account.create(made.vault.id, make_item("here"))
    path.write_bytes(common)
    elsewhere = made.open(machine=machine)
    for number in range(1 + further):
        elsewhere.create(made.vault.id, make_item(f"there {number}"))
    theirs = path.read_bytes()
    for account in (made.account, made.open()):
        with pytest.raises(ForkedError, match="does not descend"):
            account.items()
    assert path.read_bytes() == theirs


def test_a_descendant_of_another_machine_is_taken(made: Made) -> None:
    elsewhere = made.open(machine=make_machine(made.directory.parent / "elsewhere"))
    for number in range(documents.HISTORY):
        elsewhere.create(made.vault.id, make_item(f"there {number}"))
    assert len(made.account.items()) == 1 + documents.HISTORY
    pinned = made.machine.pinned(made.account.id)
    assert pinned is not None
    digest = hashlib.sha256(vault_file(made).read_bytes()).hexdigest()
    assert pinned.files[made.vault.id].digest == digest


def test_a_pin_that_lags_behind_is_caught_up(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash after the rename and before the pin."""
    before, witness = made.machine.pinned(made.account.id), made.machine.witness

    def crash(seen: Sighting) -> None:
        if seen.generation == 3:
            raise KeyboardInterrupt
        witness(seen)

    monkeypatch.setattr(made.machine, "witness", crash)
    with pytest.raises(KeyboardInterrupt):
        made.account.create(made.vault.id, make_item("new"))
    monkeypatch.undo()
    assert made.machine.pinned(made.account.id) == before
    assert len(made.open().items()) == 2
    assert made.machine.pinned(made.account.id) != before


def test_the_pin_is_written_after_the_file(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    before, content = made.machine.pinned(made.account.id), vault_file(made).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(StorageError, match="no space left on device"):
        made.account.create(made.vault.id, make_item("new"))
    monkeypatch.undo()
    assert made.machine.pinned(made.account.id) == before
    assert vault_file(made).read_bytes() == content
    made.account.create(made.vault.id, make_item("new"))


def test_what_another_program_writes_meanwhile_is_not_overwritten(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """git or a synchroniser takes no lock: it may write between our reading and our rename."""
    path = vault_file(made)
    seal = identities.seal

    def meddle(content: bytes, recipient: Secret, **rest: bool) -> bytes:
        path.write_bytes(b"theirs")
        return seal(content, recipient, **rest)

    monkeypatch.setattr(identities, "seal", meddle)
    with pytest.raises(ConflictError, match="another program"):
        made.account.create(made.vault.id, make_item())
    assert path.read_bytes() == b"theirs"


WRITER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tests.vaults.templates import make_item, make_machine
from keyturn.ground.secret import Secret
from keyturn.vaults.age.opening import Opening
directory, state, vault, code, name = sys.argv[1:]
account = Opening.with_recovery_code(Path(directory), Secret(code)).account(make_machine(Path(state)))
for number in range(15):
    account.create(vault, make_item(f"{name} {number}"))
    account.create_vault(f"vault {name} {number}")
"""


def test_processes_that_write_at_once_lose_nothing(made: Made) -> None:
    assert made.recovery_code is not None
    command = [sys.executable, "-c", WRITER, str(made.directory), str(made.directory.parent / "state")]
    command += [made.vault.id, made.recovery_code.reveal()]
    writers = [subprocess.Popen([*command, name]) for name in "abc"]
    readings = 0
    while any(writer.poll() is None for writer in writers):
        made.account.items()  # must never see a roll-back, a fork or a half-written file
        readings += 1
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    assert readings > 1
    assert len(made.account.items(made.vault.id)) == 1 + 3 * 15
    assert len(made.account.vaults()) == 1 + 3 * 15


def test_threads_that_write_at_once_lose_nothing(made: Made) -> None:
    """Also where two accounts over one directory, and two threads with one account, share a file."""
    before = made.account.file.load().generation
    accounts = [made.account, made.account, made.recover(), made.recover()]

    def rename(number: int) -> None:
        for turn in range(10):
            accounts[number].rename(f"{number} {turn}")

    with ThreadPoolExecutor(len(accounts)) as pool:
        for future in [pool.submit(rename, number) for number in range(len(accounts))]:
            future.result()
    assert made.recover().file.load().generation == before + 40


@pytest.mark.timeout(20)
def test_a_reader_of_what_did_not_change_waits_for_no_writer(made: Made) -> None:
    made.account.items()
    with files.exclusively(made.directory / ".lock"):
        assert len(made.account.items()) == 1


def test_another_account_under_the_same_id_is_forged(made: Made) -> None:
    """Who once held a slot knows everything but the identity that came after; pins tell."""
    stranger = identities.generate()
    machine, account = make_machine(made.directory.parent / "elsewhere"), made.account
    for record in account.file.load().slots:
        account.write_slot(record, stranger)
    for path in (made.directory / "account.age", vault_file(made)):
        payload = identities.unseal(path.read_bytes(), account.ring.current)
        assert payload is not None
        path.write_bytes(identities.seal(payload, identities.recipient_of(stranger)))
    before = made.machine.pinned(account.id)
    with pytest.raises(ForgedError) as caught:
        made.recover()
    assert any("keyturn account trust" in hint for hint in caught.value.hints)
    assert made.machine.pinned(account.id) == before
    assert made.recover(machine).fingerprint == identities.fingerprint(stranger), (
        "a machine without pins takes it"
    )
