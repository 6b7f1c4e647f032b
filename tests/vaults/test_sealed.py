"""Sealed files: any change is refused, and no failure is an empty vault or a half-written one."""

import os
import resource
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from keyturn.ground import files
from keyturn.ground.errors import (
    DamagedError,
    KeyturnError,
    MisplacedError,
    NewerError,
    StorageError,
    UsageError,
)
from keyturn.ground.names import new_id
from keyturn.vaults.age import identities, sealed
from keyturn.vaults.age.account import AgeAccount
from tests.vaults.changes import as_first_format
from tests.vaults.templates import Made, make_account, make_item


def vault_file(made: Made) -> Path:
    return made.directory / "vaults" / f"{made.vault.id}.age"


def all_files(directory: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("name", ["account", "vault"])
def test_every_changed_byte_and_every_truncation_is_refused(made: Made, name: str) -> None:
    path = vault_file(made) if name == "vault" else made.directory / "account.age"
    content, identity = path.read_bytes(), made.account.ring.current
    assert identities.unseal(content, identity) is not None
    accepted = [end for end in range(len(content)) if identities.unseal(content[:end], identity) is not None]
    for position, byte in enumerate(content):
        for value in {byte ^ 1, byte ^ 0x20, byte ^ 0x80}:
            if (
                identities.unseal(content[:position] + bytes([value]) + content[position + 1 :], identity)
                is not None
            ):
                accepted.append(position)
    accepted += [len(content)] if identities.unseal(content + b"\n", identity) is not None else []
    assert accepted == []


@pytest.mark.parametrize(
    "damage", [lambda old: b"", lambda old: old[:-1], lambda old: old[:50] + b"x" + old[51:]]
)
def test_a_damaged_vault_is_no_empty_vault_and_nothing_is_written(
    made: Made, damage: Callable[[bytes], bytes]
) -> None:
    item = make_item()
    path = vault_file(made)
    path.write_bytes(damage(path.read_bytes()))
    before = all_files(made.directory)
    for account in (made.account, made.open()):
        for attempt in (
            account.items,
            account.vaults,
            lambda account=account: account.get(new_id()),
            lambda account=account: account.create(made.vault.id, item),
            lambda account=account: account.create_vault("Other"),
        ):
            with pytest.raises(DamagedError, match="does not open"):
                attempt()
    assert all_files(made.directory) == before


def test_a_damaged_vault_does_not_hide_the_items_of_a_sound_one(made: Made) -> None:
    made.account.create_vault("Other")
    first, second = sorted(made.account.vaults(), key=lambda vault: vault.id)  # as they are looked through
    item = made.account.create(second.id, make_item())
    (made.directory / "vaults" / f"{first.id}.age").write_bytes(b"")
    account = made.open()
    assert account.get(item.id)[1] == second
    assert account.items(second.id) != []
    account.create(second.id, make_item("new"))


def test_a_vault_that_is_gone_is_told(made: Made) -> None:
    [(summary, _)] = made.account.items()
    vault_file(made).unlink()
    account = made.open()
    assert any("is gone" in line and made.vault.id in line for line in account.notes())
    with pytest.raises(DamagedError, match="a vault that was here is gone"):
        account.get(summary.id)


def test_a_file_is_read_again_only_if_it_is_another(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    account, other = made.open(), made.open()
    account.items()
    reads: list[Path] = []
    read = files.read

    def note(path: Path, limit: int = files.LARGEST) -> tuple[bytes, files.FileIdentity]:
        reads.append(path)
        return read(path, limit)

    monkeypatch.setattr(files, "read", note)
    for _ in range(3):
        account.items()
    assert reads == []
    other.create(made.vault.id, make_item("new"))
    reads.clear()
    assert len(account.items()) == 2
    assert [path for path in reads if made.directory in path.parents] == [vault_file(made)]


def test_a_vault_under_another_name_or_of_another_account_is_misplaced(made: Made) -> None:
    path = vault_file(made)
    os.rename(path, path.with_name(new_id() + ".age"))
    with pytest.raises(MisplacedError, match="under another name"):
        made.open().vaults()
    with pytest.raises(DamagedError, match="a vault that was here is gone"):
        made.open().items()

    other = make_account(made.directory.parent / "other", made.directory.parent / "state")
    payload = identities.unseal(vault_file(other).read_bytes(), other.account.ring.current)
    assert payload is not None
    recipient = identities.recipient_of(made.account.ring.current)
    next(path.parent.iterdir()).unlink()
    (path.parent / vault_file(other).name).write_bytes(identities.seal(payload, recipient))
    with pytest.raises(MisplacedError, match="another account"):
        made.open().vaults()


def test_a_vault_in_the_place_of_the_account_is_misplaced(made: Made) -> None:
    (made.directory / "account.age").write_bytes(vault_file(made).read_bytes())
    with pytest.raises(MisplacedError, match="another kind"):
        made.open()


def test_a_vault_sealed_by_a_stranger_does_not_open(made: Made) -> None:
    payload = identities.unseal(vault_file(made).read_bytes(), made.account.ring.current)
    assert payload is not None
    stranger = identities.recipient_of(identities.generate())
    vault_file(made).write_bytes(identities.seal(payload, stranger))
    with pytest.raises(DamagedError, match="does not open"):
        made.open().items()


def test_the_recipient_is_on_no_disk_in_clear(made: Made) -> None:
    made.account.create(made.vault.id, make_item())
    recipient = identities.recipient_of(made.account.ring.current).reveal()
    everything = b"".join(all_files(made.directory.parent).values())
    assert made.account.fingerprint.encode() in everything, "the search sees the pins"
    for needle in (recipient, recipient[4:], made.account.ring.current.reveal()):
        assert needle.encode() not in everything


def test_a_disk_that_is_full_loses_nothing(made: Made) -> None:
    """A real failure of write(2), by the limit on the size of files."""
    content, item = vault_file(made).read_bytes(), make_item(value="x" * 200_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageError, match="file too large"):
            made.account.create(made.vault.id, item)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert vault_file(made).read_bytes() == content
    assert not [path for path in made.directory.rglob("*") if path.name.endswith(".new")]
    assert made.account.create(made.vault.id, item) == item


def test_a_vault_that_could_not_be_read_again_is_not_written(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = vault_file(made).read_bytes()
    monkeypatch.setattr(files, "LARGEST", 2000)
    with pytest.raises(UsageError, match="larger than 2000 bytes"):
        made.account.create(made.vault.id, make_item(value="x" * 2000))
    assert vault_file(made).read_bytes() == content


def test_older_versions_are_kept_encrypted(tmp_path: Path) -> None:
    made = make_account(tmp_path / "account", tmp_path / "state", versions_kept=2)
    contents = []
    for number in range(4):
        contents.append(vault_file(made).read_bytes())
        made.account.create(made.vault.id, make_item(f"{number}"))
    kept = sealed.kept_versions(made.account.place, made.vault.id)
    assert [path.name for path in kept] == [f"{made.vault.id}.4.age", f"{made.vault.id}.3.age"]
    assert [path.read_bytes() for path in kept] == contents[:1:-1]


def test_no_versions_are_kept_if_none_are_wanted(tmp_path: Path) -> None:
    made = make_account(tmp_path / "account", tmp_path / "state", items=[make_item()], versions_kept=0)
    assert list((made.directory / "versions").iterdir()) == []


def test_a_migration_keeps_what_it_migrates(made: Made) -> None:
    """A vault of format 1 opens; the first save writes format 2 and keeps the old file for good."""
    path, account = vault_file(made), made.account
    item = account.items()[0][0].id
    before = account.get(item)
    old = as_first_format(made)
    reopened = made.open()
    assert reopened.get(item) == before
    assert path.read_bytes() == old, "reading writes nothing"
    for number in range(8):
        changed, _ = reopened.get(item)
        changed.title = f"after {number}"
        reopened.edit(changed)
    backup = path.parent.parent / "versions" / f"{made.vault.id}.2.format-1.age"
    assert backup.read_bytes() == old
    payload = identities.unseal(path.read_bytes(), account.ring.current)
    assert payload is not None
    assert payload.startswith(b'{"keyturn":"vault","format":2,')
    assert made.open().get(item)[0].title == "after 7"


def test_a_newer_vault_is_refused_with_the_version_needed(made: Made) -> None:
    recipient = identities.recipient_of(made.account.ring.current)
    newer = identities.seal(msgspec.json.encode({"keyturn": "vault", "format": 3}), recipient)
    vault_file(made).write_bytes(newer)
    with pytest.raises(NewerError, match="format 3"):
        made.open().items()
    with pytest.raises(NewerError):
        made.open().create(made.vault.id, make_item())
    assert vault_file(made).read_bytes() == newer


def test_no_error_shows_a_secret(made: Made) -> None:
    shown: list[str] = []
    vault_file(made).write_bytes(b"x")

    def collect(account: AgeAccount) -> None:
        for attempt in (account.items, account.vaults, lambda: account.create_vault("x")):
            with pytest.raises(KeyturnError) as caught:
                attempt()
            shown.extend((str(caught.value), repr(caught.value), *caught.value.hints))

    collect(made.account)
    shown.append(repr(vars(made.account)) + repr(vars(made.account.file)))
    for needle in ("wJalr", "AGE-SECRET", "age1", made.password.reveal()):
        assert not [line for line in shown if needle in line]
