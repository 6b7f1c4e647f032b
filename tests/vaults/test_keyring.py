"""The login keyring as the key of a slot, with a real gnome-keyring-daemon."""

from collections.abc import Iterator

import pytest

from keyturn.ground.errors import KeyUnusableError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError
from keyturn.vaults.age import derive, identities, keyring
from keyturn.vaults.age.derive import Unwrapped
from keyturn.vaults.age.keyring import DeleteFromKeyring, ReadFromKeyring, StoreInKeyring
from keyturn.vaults.failed import Failed
from tests.vaults.login_keyring import LoginKeyring
from tests.vaults.people import Person


@pytest.fixture(scope="module")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoginKeyring]:
    with LoginKeyring(tmp_path_factory.mktemp("k")) as found:
        yield found


@pytest.fixture
def bus(login: LoginKeyring, monkeypatch: pytest.MonkeyPatch) -> LoginKeyring:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", login.bus)
    return login


def work(task: keyring.Task) -> derive.Result:
    return derive.decode_result(keyring.work(keyring.encode_task(task), Person()))


def refusal(task: keyring.Task) -> str:
    result = work(task)
    assert isinstance(result, Failed)
    assert isinstance(result.error(), KeyUnusableError)
    return result.message


def test_stored_read_and_deleted(bus: LoginKeyring) -> None:
    account, item, key = new_id(), new_id(), identities.generate()
    assert work(StoreInKeyring(account, item, "Keyturn", key)) == Unwrapped(key)
    assert work(ReadFromKeyring(account, item)) == Unwrapped(key)
    assert any(entry.get("slot") == item for entry in bus.entries())
    for other in (ReadFromKeyring(new_id(), item), ReadFromKeyring(account, new_id())):
        assert refusal(other) == "the login keyring has no entry for the slot"
    assert work(DeleteFromKeyring(account, item)) == Unwrapped(key)
    assert refusal(ReadFromKeyring(account, item)) == "the login keyring has no entry for the slot"


def test_an_entry_that_is_no_key(bus: LoginKeyring) -> None:
    account, item = new_id(), new_id()
    message = refusal(StoreInKeyring(account, item, "Keyturn", Secret("no key EXAMPLE")))
    assert message == "the entry in the login keyring holds no key of a slot"


def test_no_bus(login: LoginKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", login.bus + "-elsewhere")
    assert refusal(ReadFromKeyring(new_id(), new_id())).startswith("there is no login keyring")


def test_what_is_no_task() -> None:
    for content in (b"", b"\x80", derive.encode_task(derive.WrapPassword(Secret("x")))):
        with pytest.raises(WireError):
            keyring.decode_task(content)


def test_a_locked_keyring_stays_locked(bus: LoginKeyring) -> None:
    """The last test of the module: nothing unlocks it again without a person."""
    account, item = new_id(), new_id()
    assert isinstance(work(StoreInKeyring(account, item, "Keyturn", identities.generate())), Unwrapped)
    bus.lock()
    assert refusal(ReadFromKeyring(account, item)) == "the login keyring is locked"
