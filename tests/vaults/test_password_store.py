"""The store of pass: the contract with a real GnuPG, and pass itself reading and editing the same entries."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.ground.errors import (
    ConfigurationError,
    DamagedError,
    MissingError,
    UnsupportedError,
    WrongPasswordError,
)
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, Item, Url, new_field, new_item, required_field
from keyturn.vaults import operations
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.operations import KeyWanted, Opened
from keyturn.vaults.password_store import entry
from keyturn.vaults.places import Place
from tests.parts import needs
from tests.vaults.contract import BackendContract
from tests.vaults.contract_keeping import contents
from tests.vaults.foreign import make_account
from tests.vaults.stores import PASSPHRASE, Store, making
from tests.vaults.templates import MOMENT, error_of, make_item


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


def open_account(store: Store, passphrase: str | None = None) -> ForeignAccount:
    key = None if passphrase is None else Secret(passphrase)
    return make_account(store.place, key, store.environment)


class TestPasswordStore(BackendContract):
    is_exact = False
    lists_tags = False
    cannot = frozenset({"archive", "restore", "history", "rename"})

    @pytest.fixture
    def backend(self, store: Store) -> ForeignAccount:
        return open_account(store)

    @pytest.fixture
    def reopened(self, store: Store) -> ForeignAccount:
        return open_account(store)

    def can_hold(self, text: str) -> bool:
        return text.isprintable() and text.strip() == text != "" and len(text) < 200 and "/" not in text


def test_pass_reads_what_was_written_here(store: Store) -> None:
    account = open_account(store)
    item = make_item("aws", "wJalr/EXAMPLE")
    item.fields.append(
        new_field("one-time password", FieldType.OTP, Secret("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"))
    )
    account.create(account.create_vault("cloud").id, item)
    lines = store.run("pass", "show", "cloud/aws").splitlines()
    assert lines[0] == "wJalr/EXAMPLE"
    assert lines[1] == "access key id: AKIAIOSFODNN7EXAMPLE"
    assert lines[2] == "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"
    assert (store.root / "cloud/aws.gpg").stat().st_mode & 0o777 == 0o600


def test_what_pass_writes_is_read_here(store: Store) -> None:
    text = "hunter2 EXAMPLE\nlogin: bob\nurl: https://example.com\npin: 1234\nfree text\notpauth://totp/x?secret=JBSWY3DPEHPK3PXP\n"
    store.run("pass", "insert", "-m", "web/sub/site", stdin=text)
    account = open_account(store)
    item, vault = account.find("sub/site")
    assert vault.name == "web"
    assert contents(item) == [
        ("login", FieldType.TEXT, "bob"),
        ("notes", FieldType.CONCEALED, "free text"),
        ("one-time password", FieldType.OTP, "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"),
        ("password", FieldType.CONCEALED, "hunter2 EXAMPLE"),
        ("pin", FieldType.CONCEALED, "1234"),
    ]
    assert item.urls == [Url("https://example.com", primary=True)]
    required_field(item, "password").value = Secret("changed EXAMPLE")
    account.edit(item)
    assert store.run("pass", "show", "web/sub/site").splitlines()[0] == "changed EXAMPLE"
    store.run("pass", "insert", "-m", "-f", "web/sub/site", stdin="again EXAMPLE\n")
    assert required_field(account.get(item.id)[0], "password").value == Secret("again EXAMPLE")
    store.run("pass", "rm", "-f", "web/sub/site")
    with pytest.raises(MissingError):
        account.get(item.id)


def test_a_change_made_meanwhile_is_seen_before_anything_is_believed(store: Store) -> None:
    account = open_account(store)
    item = account.create(account.create_vault("a").id, make_item("one", "first EXAMPLE"))
    assert required_field(account.get(item.id)[0], "secret access key").value == Secret("first EXAMPLE")
    text = store.run("pass", "show", "a/one").replace("first", "second")
    store.run("pass", "insert", "-m", "-f", "a/one", stdin=text)
    assert required_field(account.get(item.id)[0], "secret access key").value == Secret("second EXAMPLE")
    store.run("pass", "insert", "-m", "two/three", stdin="x\n")
    assert [summary.title for summary, _ in account.items()] == ["one", "three"]


def test_a_sub_directory_for_other_keys_is_encrypted_to_those(store: Store) -> None:
    gpg = needs("gpg")
    words = ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", ""]
    if "bob@example.com" not in store.run(gpg, "--list-keys"):
        store.run(gpg, *words, "--quick-gen-key", "bob@example.com", "future-default", "default", "never")
    store.run("pass", "init", "-p", "shared", "ada@example.com", "bob@example.com")
    account = open_account(store)
    vault = next(each for each in account.vaults() if each.name == "shared")
    account.create(vault.id, make_item("one"))
    packets = store.run(gpg, "--list-packets", "--list-only", str(store.root / "shared/one.gpg"))
    assert packets.count(":pubkey enc packet:") == 2
    with pytest.raises(UnsupportedError, match="other keys"):
        account.move(account.find("one")[0].id, account.vaults()[0].id)


def test_a_key_that_is_not_trusted_gets_nothing(store: Store) -> None:
    (store.root / ".gpg-id").write_text("stranger@example.com\n")
    account = open_account(store)
    with pytest.raises(ConfigurationError, match=r"stranger@example\.com"):
        account.create(account.vaults()[0].id, make_item("one"))
    assert sorted(each.name for each in store.root.iterdir()) == [".gpg-id"]


def test_a_passphrase_is_asked_for_and_really_checked() -> None:
    with making(PASSPHRASE) as store:

        def unlock(key: Secret | None) -> object:
            return operations.perform(
                operations.Task(store.place, operations.Unlock(), key, store.environment)
            )

        wanted = unlock(None)
        assert isinstance(wanted, KeyWanted)
        assert wanted == KeyWanted("passphrase of the GnuPG key of .password-store: ")
        right = unlock(Secret(PASSPHRASE))
        assert right == Opened(Secret(PASSPHRASE), typed=True)
        assert unlock(None) == Opened(prompt=wanted.prompt), "GnuPG's agent remembers the right one by now"
        wrong = unlock(Secret("wrong"))
        assert isinstance(wrong, Failed)
        assert isinstance(wrong.error(), WrongPasswordError)
        account = open_account(store, PASSPHRASE)
        item = account.create(account.vaults()[0].id, make_item("one", "hunter2 EXAMPLE"))
        assert open_account(store, PASSPHRASE).get(item.id)[0].fields


def test_damage_is_named_and_never_an_empty_item(store: Store) -> None:
    account = open_account(store)
    item = account.create(account.vaults()[0].id, make_item("one", "hunter2 EXAMPLE"))
    path = store.root / "one.gpg"
    for content in (path.read_bytes()[:-20], b"", b"no message"):
        path.write_bytes(content)
        with pytest.raises(DamagedError) as caught:
            account.get(item.id)
        assert "hunter2" not in error_of(caught.value)
        assert path.read_bytes() == content


def test_no_store_and_no_program_are_named(store: Store, tmp_path: Path) -> None:
    place = store.place
    with pytest.raises(ConfigurationError, match="no store"):
        make_account(Place("pass", str(tmp_path), program=place.program), None, store.environment).items()
    gone = make_account(Place("pass", str(store.root), program="/gone/gpg"), None, store.environment)
    with pytest.raises(ConfigurationError, match="cannot run /gone/gpg"):
        gone.create(gone.vaults()[0].id, make_item("one"))


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
FIELDS = st.lists(st.tuples(TEXT, st.sampled_from(FieldType), TEXT), max_size=5)


@given(FIELDS, st.lists(TEXT, max_size=3))
def test_any_fields_come_back_from_the_text(
    fields: list[tuple[str, FieldType, str]], tags: list[str]
) -> None:
    item = new_item(
        "t", [new_field(label, kind, Secret(value)) for label, kind, value in fields], MOMENT, tags
    )
    found, found_tags, urls, created = entry.parse(entry.render(item))
    assert _shown(found) == _shown(item.fields)
    assert (found_tags, urls, created) == (tags, [], MOMENT)


@given(TEXT)
def test_any_text_is_an_entry(text: str) -> None:
    fields, tags, urls, _ = entry.parse(text)
    item = Item("a" * 26, "t", "", 1, MOMENT, MOMENT, fields, tags, urls)
    assert _shown(entry.parse(entry.render(item))[0]) == _shown(fields)


def _shown(fields: list[Field]) -> list[tuple[str, FieldType, str]]:
    return sorted((field.label, field.type, field.value.reveal()) for field in fields)


def test_a_key_without_a_passphrase_takes_none_for_a_proof(store: Store) -> None:
    def unlock(key: Secret | None) -> object:
        task = operations.Task(store.place, operations.Unlock(), key, store.environment)
        return operations.perform(task)

    assert isinstance(unlock(None), Opened)
    assert unlock(Secret("anything")) == Opened()
