"""What stands between a store of pass and harm: names, locks, other people's keys, and GnuPG's refusals."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from keyturn.ground import files
from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    DamagedError,
    KeyturnError,
    MissingError,
    SessionEndedError,
    StorageError,
    UnusableError,
    UsageError,
    WrongPasswordError,
)
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, Item, new_field, required_field
from keyturn.vaults import operations
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.operations import Answer, Got, Listing, Opened, Operation
from keyturn.vaults.password_store import entry, gnupg
from keyturn.vaults.password_store.store import open_store
from tests.parts import needs
from tests.vaults.foreign import make_account
from tests.vaults.stores import PASSPHRASE, Store, making
from tests.vaults.templates import make_item

# It also is started to forget what it may have remembered; only this asks.
PINENTRY = """#!/bin/sh
echo OK
while read -r line; do
    case "$line" in
        GETPIN*) touch {}; echo ERR 83886179 cancelled;;
        *) echo OK;;
    esac
done
"""


@pytest.fixture(scope="module")
def made() -> Iterator[Store]:
    with making() as store:
        yield store


@pytest.fixture
def store(made: Store) -> Store:
    """The module's key, with an empty store."""
    made.run("rm", "-rf", str(made.root))
    made.run(needs("pass"), "init", made.key)
    return made


@pytest.fixture
def account(store: Store) -> ForeignAccount:
    return make_account(store.place, None, store.environment)


def perform(store: Store, operation: Operation, key: Secret | None = None) -> Answer:
    """Do an operation on the store itself; nothing is remembered."""
    return operations.perform(operations.Task(store.place, operation, key, store.environment))


def refused(answer: Answer) -> KeyturnError:
    assert isinstance(answer, Failed)
    return answer.error()


def top(store: Store) -> str:
    listing = perform(store, operations.ListItems())
    assert isinstance(listing, Listing)
    return listing.vaults[0].id


def test_what_begins_with_a_dot_is_no_entry(store: Store, account: ForeignAccount) -> None:
    account.create(account.create_vault("cloud").id, make_item("one"))
    for hidden in (".git/x.gpg", ".extensions/y.gpg", "cloud/.z.gpg", ".w.gpg"):
        path = store.root / hidden
        path.parent.mkdir(exist_ok=True)
        path.write_text("no entry")
    assert [summary.title for summary, _ in account.items()] == ["one"]
    assert [vault.name for vault in account.vaults()] == ["(top)", "cloud"]


@pytest.mark.parametrize(
    "title", ["../out", "a/../b", "/etc/x", ".git/config", "a//b", "x\ny", "é" * 121, " a"]
)
def test_a_title_that_is_no_path_below_is_refused(store: Store, title: str) -> None:
    before = sorted(store.home.rglob("*"))
    error = refused(perform(store, operations.CreateItem(top(store), make_item(title))))
    assert isinstance(error, UsageError)
    assert [path for path in sorted(store.root.rglob("*")) if path not in before] == []


@pytest.mark.parametrize("name", ["a/b", ".git", "..", "x\ny", "\u2028"])
def test_a_directorys_name_is_one_name(store: Store, account: ForeignAccount, name: str) -> None:
    with pytest.raises(UsageError):
        account.create_vault(name)
    assert sorted(each.name for each in store.root.iterdir()) == [".gpg-id"]


def test_a_name_that_is_taken_is_refused_and_kept(store: Store, account: ForeignAccount) -> None:
    vault = account.create_vault("cloud")
    account.create(vault.id, make_item("one", "first EXAMPLE"))
    other = account.create(account.vaults()[0].id, make_item("one", "second EXAMPLE"))
    with pytest.raises(ConflictError, match="there already"):
        account.create(vault.id, make_item("one", "third EXAMPLE"))
    with pytest.raises(ConflictError, match="already"):
        account.move(other.id, vault.id)
    with pytest.raises(ConflictError):
        account.create_vault("cloud")
    assert store.run("pass", "show", "cloud/one").splitlines()[0] == "first EXAMPLE"
    assert store.run("pass", "show", "one").splitlines()[0] == "second EXAMPLE"


def test_two_keyturns_do_not_write_at_once(
    store: Store, account: ForeignAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = account.create(account.create_vault("cloud").id, make_item("one"))
    target = top(store)
    monkeypatch.setattr(files, "HOLD_SECONDS", 0.05)
    with files.holding(store.root):
        for operation in (
            operations.CreateItem(target, make_item("two")),
            operations.EditItem(item),
            operations.MoveItem(item.id, target),
            operations.DeleteItem(item.id),
        ):
            assert isinstance(refused(perform(store, operation)), ConflictError)
    assert account.read_back(item.id)[0] == item


def test_a_link_stays_one(store: Store, account: ForeignAccount, tmp_path: Path) -> None:
    item = account.create(account.vaults()[0].id, make_item("one", "first EXAMPLE"))
    path, elsewhere = store.root / "one.gpg", tmp_path / "elsewhere.gpg"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    changed, _ = account.get(item.id)
    required_field(changed, "secret access key").value = Secret("second EXAMPLE")
    account.edit(changed)
    assert path.is_symlink()
    assert elsewhere.stat().st_mode & 0o777 == 0o600
    assert store.run("pass", "show", "one").splitlines()[0] == "second EXAMPLE"


def test_directories_that_are_empty_now_go_and_vaults_stay(store: Store, account: ForeignAccount) -> None:
    item = account.create(account.create_vault("cloud").id, make_item("a/b/c"))
    kept = account.create(account.find("a/b/c")[1].id, make_item("d/e"))
    account.delete(item.id)
    assert not (store.root / "cloud/a").exists()
    account.move(kept.id, account.vaults()[0].id)
    assert sorted(each.name for each in store.root.iterdir()) == [".gpg-id", "cloud", "d"]
    assert list((store.root / "cloud").iterdir()) == []


def test_a_list_of_keys_may_have_comments_but_not_be_empty(store: Store, account: ForeignAccount) -> None:
    ids = store.root / ".gpg-id"
    ids.write_text(f"# who reads this\n\n{store.key} # ada\n")
    account.create(account.vaults()[0].id, make_item("one"))
    ids.write_text("# nobody\n")
    error = refused(perform(store, operations.CreateItem(top(store), make_item("two"))))
    assert isinstance(error, ConfigurationError)
    assert "names no key" in error.message
    assert not (store.root / "two.gpg").exists()


def test_nobody_else_can_read_whatever_gnupg_is_set_to(store: Store, account: ForeignAccount) -> None:
    """`encrypt-to` in gpg.conf would add a reader whom .gpg-id does not name."""
    gpg = needs("gpg")
    words = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    store.run(gpg, *words, "--quick-gen-key", "eve@example.com", "future-default", "default", "never")
    conf = store.home / ".gnupg/gpg.conf"
    conf.write_text("encrypt-to eve@example.com\n")
    try:
        account.create(account.vaults()[0].id, make_item("one"))
    finally:
        conf.unlink()
    packets = store.run(gpg, "--list-packets", "--list-only", str(store.root / "one.gpg"))
    assert packets.count(":pubkey enc packet:") == 1


def test_an_entry_for_other_keys_is_told_from_a_damaged_one(store: Store, account: ForeignAccount) -> None:
    with making(address="bob@example.com") as theirs:
        theirs.run("pass", "insert", "-m", "x", stdin="EXAMPLE\n")
        content = (theirs.root / "x.gpg").read_bytes()
    (store.root / "x.gpg").write_bytes(content)
    with pytest.raises(ConfigurationError, match="secret key that this entry is encrypted to"):
        account.find("x")


def test_an_entry_that_is_no_text_is_named(store: Store, account: ForeignAccount) -> None:
    (store.home / "bytes").write_bytes(b"\xff\xfe")
    words = ["--batch", "--quiet", "-r", store.key, "-o", str(store.root / "x.gpg"), "--encrypt"]
    store.run(needs("gpg"), *words, str(store.home / "bytes"))
    with pytest.raises(DamagedError, match="the entry x is no text"):
        account.find("x")


def test_gnupgs_own_failures_are_one_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    target = top(store)
    program = store.home / "gpg"

    (store.root / "x.gpg").write_text("")
    listing = perform(store, operations.ListItems())
    assert isinstance(listing, Listing)
    item = listing.items[0].summary.id

    def run(script: str, *, is_read: bool = False) -> KeyturnError:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        place = msgspec.structs.replace(store.place, program=str(program))
        operation = operations.GetItem(item) if is_read else operations.CreateItem(target, make_item())
        return refused(operations.perform(operations.Task(place, operation, None, store.environment)))

    error = run("echo secret; echo '[GNUPG:] FAILURE encrypt 53' >&2; exit 2")
    assert (type(error), error.message) == (UnusableError, "GnuPG failed (FAILURE encrypt 53)")
    assert run("exit 3").message == "GnuPG failed"
    error = run(f"echo '[GNUPG:] INV_RECP 10 {store.key}' >&2; exit 2")
    assert "does not trust" in error.message
    assert "--lsign-key" in error.hints[0]
    said = "ENC_TO A 18 0\nENC_TO B 18 0\n{}DECRYPTION_FAILED\n".replace("\n", "\n[GNUPG:] ")
    one, both = "NO_SECKEY B\n[GNUPG:] ", "NO_SECKEY A\n[GNUPG:] NO_SECKEY B\n[GNUPG:] "
    for absent, kind in (("", SessionEndedError), (one, SessionEndedError), (both, ConfigurationError)):
        script = f"cat >&2 <<END\n[GNUPG:] {said.format(absent)}\nEND\nexit 2"
        assert isinstance(run(script, is_read=True), kind), absent
    monkeypatch.setattr(gnupg, "SECONDS", 0.3)
    error = run("exec sleep 30")
    assert isinstance(error, UnusableError)
    assert "no answer" in error.message
    assert sorted(each.name for each in store.root.iterdir()) == [".gpg-id", "x.gpg"]


def test_a_disk_that_fails_is_one_line(store: Store) -> None:
    target = top(store)
    (store.root / "in the way").write_text("")
    error = refused(perform(store, operations.CreateItem(target, make_item("in the way/one"))))
    assert isinstance(error, StorageError)
    assert "not a directory" in error.message or "file exists" in error.message


def test_a_passphrase_that_gnupg_has_forgotten_is_asked_for_again() -> None:
    with making(PASSPHRASE) as store:
        # A window of GnuPG's own is for what it is asked by itself, never for what was typed here.
        window, opened = store.home / "pinentry", store.home / "opened"
        window.write_text(PINENTRY.format(opened))
        window.chmod(0o755)
        (store.home / ".gnupg/gpg-agent.conf").write_text(f"pinentry-program {window}\n")
        store.run("gpgconf", "--kill", "all")
        unlock = operations.Unlock()
        assert isinstance(refused(perform(store, unlock, Secret("wrong"))), WrongPasswordError)
        assert isinstance(perform(store, unlock, Secret(PASSPHRASE)), Opened)
        assert not opened.exists()
        account = make_account(store.place, Secret(PASSPHRASE), store.environment)
        item = account.create(account.vaults()[0].id, make_item("one"))
        store.run("gpgconf", "--kill", "all")
        assert isinstance(refused(perform(store, operations.GetItem(item.id))), SessionEndedError)
        assert opened.exists(), "what nobody typed here GnuPG asks for"
        # The message's own damage is not taken for a wrong passphrase.
        path = store.root / "one.gpg"
        content = bytearray(path.read_bytes())
        content[-30] ^= 1
        path.write_bytes(content)
        assert isinstance(
            refused(perform(store, operations.GetItem(item.id), Secret(PASSPHRASE))), DamagedError
        )


def test_what_somebody_wrote_over_our_lines_is_still_an_entry() -> None:
    lines = [
        "secret",
        'a: no json"',
        "keyturn.tags: [1",
        'keyturn.fields: [{"key": "a", "label": "a", "type": "STRING", "json": true}]',
    ]
    fields, tags, _, _ = entry.parse("\n".join(lines))
    assert {field.label: field.value.reveal() for field in fields} == {"password": "secret", "a": 'no json"'}
    assert tags == []


def test_a_value_of_several_lines_is_one_line(store: Store, account: ForeignAccount) -> None:
    value = 'first\nkeyturn.tags: ["planted"]\notpauth://x'
    item = make_item("one")
    item.fields.append(new_field("note", FieldType.TEXT, Secret(value)))
    stored: Item = account.create(account.vaults()[0].id, item)
    assert required_field(stored, "note").value == Secret(value)
    assert stored.tags == item.tags
    assert stat.S_IMODE(os.stat(store.root / "one.gpg").st_mode) == 0o600
    assert isinstance(perform(store, operations.GetItem(stored.id)), Got)


def test_a_store_that_has_moved_is_told_from_a_directory_that_is_none(store: Store) -> None:
    place = msgspec.structs.replace(store.place, path=str(store.home / "gone"))
    unlock = operations.Task(place, operations.Unlock(), None, store.environment)
    error = refused(operations.perform(unlock))
    assert isinstance(error, MissingError)
    assert "keyturn account forget" in error.hints[0]


def test_a_list_is_read_once_as_long_as_its_directories_are_the_same(store: Store) -> None:
    asked = list[str]()

    def count(operation: Operation) -> Answer:
        asked.append(type(operation).__name__)
        return perform(store, operation)

    account = ForeignAccount("a" * 26, "Test", store.place, count, lambda: 0.0)
    for _ in range(2):
        assert account.items() == []
    assert asked == ["ListItems"]
    store.run("pass", "insert", "-m", "x", stdin="EXAMPLE\n")
    assert len(account.items()) == 1


def test_a_list_of_keys_that_has_gone_meanwhile_is_named(store: Store) -> None:
    (store.root / ".gpg-id").unlink()
    opened = open_store(store.place, None, store.environment)
    with pytest.raises(ConfigurationError, match=r"has no \.gpg-id"):
        opened._recipients(store.root / "below")
