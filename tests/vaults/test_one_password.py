"""1Password, on a stand-in for its program: the contract, the ways in, and what goes wrong."""

import re
from pathlib import Path

import pytest

from keyturn.ground.errors import (
    ConfigurationError,
    ConflictError,
    DeniedError,
    KeyturnError,
    MissingError,
    ServiceUnreachableError,
    SessionEndedError,
    UnreachableError,
    UnsupportedError,
    WrongPasswordError,
)
from keyturn.ground.secret import Secret
from keyturn.items import FieldType, new_field, required_field
from keyturn.vaults import operations
from keyturn.vaults.failed import Failed
from keyturn.vaults.foreign import ForeignAccount
from keyturn.vaults.onepassword import program
from keyturn.vaults.onepassword.program import Access
from keyturn.vaults.operations import Answer, KeyWanted, Opened
from tests.vaults.contract import BackendContract
from tests.vaults.foreign import make_account
from tests.vaults.one_password import CONNECT_TOKEN, PASSWORD, SERVICE_TOKEN, OnePassword
from tests.vaults.templates import error_of, make_item

CANARY = "wJalrXUtnFEMIEXAMPLECANARY"


@pytest.fixture
def one(tmp_path: Path) -> OnePassword:
    return OnePassword(tmp_path)


def open_account(one: OnePassword, key: Secret | None = None, **environment: str) -> ForeignAccount:
    return make_account(one.place, key, {"PATH": "/usr/bin:/bin", **environment})


def unlock(one: OnePassword, key: str | None, **environment: str) -> Answer:
    task = operations.Task(
        one.place,
        operations.Unlock(),
        None if key is None else Secret(key),
        {"PATH": "/usr/bin", **environment},
    )
    return operations.perform(task)


class TestOnePassword(BackendContract):
    is_exact = False
    cannot = frozenset({"restore", "history"})

    @pytest.fixture
    def backend(self, one: OnePassword) -> ForeignAccount:
        return open_account(one)

    @pytest.fixture
    def reopened(self, one: OnePassword) -> ForeignAccount:
        return open_account(one)

    def can_hold(self, text: str) -> bool:
        return bool(text.strip())


def test_no_secret_is_in_any_argument(one: OnePassword) -> None:
    account = open_account(one)
    item = account.create(account.vaults()[0].id, make_item("AWS", CANARY))
    required_field(item, "secret access key").value = Secret(CANARY + "2")
    account.edit(item)
    account.read_back(item.id)
    assert len(one.calls) >= 5
    assert CANARY not in str(one.calls)


def test_an_edit_changes_nothing_else(one: OnePassword) -> None:
    """What this program knows nothing of stays: kinds of fields, sections, values of other fields."""
    with one.service() as found:
        vault = {key: found["vaults"][0][key] for key in ("id", "name")}
        found["items"].append(
            {
                "id": "a" * 26,
                "title": "made by 1Password",
                "version": 7,
                "vault": vault,
                "category": "LOGIN",
                "created_at": "2020-01-01T00:00:00Z",
                "updated_at": "2020-01-01T00:00:00Z",
                "sections": [{"id": "add more"}, {"id": "s", "label": "Keys"}],
                "fields": [
                    {
                        "id": "username",
                        "type": "STRING",
                        "purpose": "USERNAME",
                        "label": "username",
                        "value": "ada",
                    },
                    {"id": "password", "type": "CONCEALED", "purpose": "PASSWORD", "label": "password"},
                    {
                        "id": "mail",
                        "type": "EMAIL",
                        "label": "mail",
                        "value": "ada@example.com",
                        "section": {"id": "s"},
                    },
                    {"id": "key", "type": "SSHKEY", "label": "private key", "value": "EXAMPLE"},
                    {"id": "x", "type": "CONCEALED", "label": "token", "value": "old", "reference": "op://x"},
                ],
            }
        )
    account = open_account(one)
    item, _ = account.find("made by 1Password")
    assert [field.label for field in item.fields] == ["username", "mail", "private key", "token"]
    assert required_field(item, "private key").type is FieldType.CONCEALED
    required_field(item, "token").value = Secret("new EXAMPLE")
    item.fields.append(new_field("one-time password", FieldType.OTP, Secret("JBSWY3DPEHPK3PXP")))
    account.edit(item)
    with one.service() as found:
        fields = {field["id"]: field for field in found["items"][0]["fields"]}
    assert fields["mail"]["type"] == "EMAIL"
    assert fields["key"]["type"] == "SSHKEY"
    assert "value" not in fields["password"], "an empty field of the category stays as it was"
    assert fields["x"]["value"] == "new EXAMPLE"
    assert found["items"][0]["version"] == 8
    renamed = account.get(item.id)[0]
    renamed.fields[0].label = "login"
    with pytest.raises(UnsupportedError, match="fixed label"):
        account.edit(renamed)


def test_the_app_lets_in_without_a_question(one: OnePassword) -> None:
    assert unlock(one, None) == Opened()


def test_without_the_app_the_accounts_password_opens_a_session(tmp_path: Path) -> None:
    one = OnePassword(tmp_path, app=False)
    assert unlock(one, None) == KeyWanted("password of the 1Password account ada@example.com: ")
    wrong = unlock(one, "wrong")
    assert isinstance(wrong, Failed)
    assert isinstance(wrong.error(), WrongPasswordError)
    opened = unlock(one, PASSWORD)
    assert isinstance(opened, Opened)
    assert opened.typed
    assert opened.key is not None
    account = open_account(one, opened.key)
    account.create(account.vaults()[0].id, make_item())
    assert PASSWORD not in str(one.calls)
    variables = [name for call in one.calls for name in call["variables"] if name.startswith("OP_")]
    assert set(variables) == {"OP_SESSION_ADAEXAMPLE"}, "a session has no other documented way"
    with one.service() as found:
        found["sessions"].clear()
    with pytest.raises(SessionEndedError):
        account.create(account.vaults()[0].id, make_item())


def test_tokens_of_service_accounts_and_of_connect_are_typed_once(tmp_path: Path) -> None:
    one = OnePassword(tmp_path, app=False)
    with one.service() as found:
        found["accounts"] = []
    assert unlock(one, None) == KeyWanted("token of the 1Password service account: ")
    opened = unlock(one, SERVICE_TOKEN)
    assert opened == Opened(Access("OP_SERVICE_ACCOUNT_TOKEN", Secret(SERVICE_TOKEN)).packed(), typed=True)
    assert open_account(one, opened.key).vaults()
    wrong = unlock(one, SERVICE_TOKEN + "x")
    assert isinstance(wrong, Failed)
    assert isinstance(wrong.error(), WrongPasswordError)
    host = {"OP_CONNECT_HOST": "http://127.0.0.1:8080"}
    assert unlock(one, None, **host) == KeyWanted("token of the 1Password Connect server: ")
    opened = unlock(one, CONNECT_TOKEN, **host)
    assert isinstance(opened, Opened)
    assert open_account(one, opened.key, **host).vaults()


def test_one_account_of_several_is_named_in_every_call(one: OnePassword) -> None:
    place = type(one.place)("1password", "my", program=str(one.program))
    account = make_account(place, None, {"PATH": "/usr/bin"})
    account.create(account.vaults()[0].id, make_item())
    assert all(call["words"][-2:] == ["--account", "my"] for call in one.calls)


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('"x" isn\'t an item. Specify the item with its UUID', MissingError),
        ("authorization prompt dismissed, please try again", DeniedError),
        ("(403) (Forbidden), You aren't authorized to perform this action.", DeniedError),
        ("(409) Conflict: the item was changed", ConflictError),
        ("Too many requests. Try again in a few minutes.", ServiceUnreachableError),
        ("dial tcp: lookup my.1password.com: no such host", ServiceUnreachableError),
        ("account is not signed in", SessionEndedError),
        ("something new", UnreachableError),
    ],
)
def test_each_refusal_is_an_error_of_its_own(one: OnePassword, line: str, kind: type[KeyturnError]) -> None:
    account = open_account(one)
    item = account.create(account.vaults()[0].id, make_item("AWS", CANARY))
    for command, work in (
        ("item get", lambda: account.read_back(item.id)),
        ("item edit", lambda: account.edit(account.get(item.id)[0])),
    ):
        one.fails(command, f"[ERROR] 2026/01/02 03:04:05 {line}\n")
        with pytest.raises(kind) as caught:
            work()
        assert CANARY not in error_of(caught.value)
        assert account.read_back(item.id)[0].version == 1, "and nothing was changed"


def test_a_template_in_an_error_is_not_repeated(one: OnePassword) -> None:
    account = open_account(one)
    one.fails("item create", f"[ERROR] 2026/01/02 03:04:05 cannot read {CANARY}\n")
    with pytest.raises(UnreachableError) as caught:
        account.create(account.vaults()[0].id, make_item("AWS", CANARY))
    assert CANARY not in error_of(caught.value)


def test_a_program_that_hangs_is_given_up(one: OnePassword, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "SECONDS", 0.7)
    one.fails("vault list", "hang")
    with pytest.raises(UnreachableError, match="gave no answer"):
        open_account(one).vaults()


@pytest.mark.parametrize("how", ["garbage", "die", "ask"])
def test_a_program_that_fails_oddly_is_named(one: OnePassword, how: str) -> None:
    account = open_account(one)
    one.fails("vault list", how)
    with pytest.raises(UnreachableError, match="op"):
        account.vaults()
    assert account.vaults(), "the next call works"


def test_one_that_dies_after_a_write_is_not_believed(one: OnePassword) -> None:
    """Whether it was written nobody can know: what is held is dropped, and the next look shows it."""
    account = open_account(one)
    item = account.create(account.vaults()[0].id, make_item("AWS", "first EXAMPLE"))
    changed, _ = account.get(item.id)
    required_field(changed, "secret access key").value = Secret("second EXAMPLE")
    one.fails("item edit", "die after")
    with pytest.raises(UnreachableError):
        account.edit(changed)
    found, _ = account.get(item.id)
    assert required_field(found, "secret access key").value == Secret("second EXAMPLE")
    assert found.version == 2


def test_versions_that_are_too_old_are_refused(one: OnePassword) -> None:
    with one.service() as found:
        found["version"] = "2.8.0"
    refused = unlock(one, None)
    assert isinstance(refused, Failed)
    assert re.search(r"2\.8\.0 is too old.*2\.9", refused.message)
    with one.service() as found:
        found["version"] = "2.9.0"
    account = open_account(one)
    item = account.create(account.vaults()[0].id, make_item())
    with pytest.raises(ConfigurationError, match=r"2\.23 or later"):
        account.edit(item)


def test_a_program_that_is_gone_or_another_is_named(one: OnePassword) -> None:
    one.program.write_text("#!/bin/sh\necho this is something else\n")
    refused = unlock(one, None)
    assert isinstance(refused, Failed)
    assert "is not 1Password's op" in refused.message
    one.program.unlink()
    refused = unlock(one, None)
    assert isinstance(refused, Failed)
    assert "cannot run" in refused.message
