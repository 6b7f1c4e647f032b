"""Where sign-ins are kept: sealed, whole or not at all, and nothing in clear."""

import dataclasses
import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keyturn.aws.calls import Sts
from keyturn.aws.sso_config import SsoSession
from keyturn.aws.sso_oidc import Flow, Registration, Token
from keyturn.aws.sso_tokens import TokenStore
from keyturn.ground.errors import StorageError
from keyturn.ground.secret import Secret
from tests.aws.sso_stage import ACCOUNT, Sealing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PLACE = Sts("eu-central-1", variant=frozenset({"fips", "dualstack"}))
CORP = SsoSession(
    "https://corp.awsapps.com/start#/", "eu-central-1", "corp", ("sso:account:access",), PLACE, PLACE
)
LAB = dataclasses.replace(CORP, name="lab")
KNOWN = Registration("client", Secret("client-CANARY"), NOW + timedelta(days=90), Flow.BROWSER)
TOKEN = Token(Secret("access-CANARY"), NOW + timedelta(hours=1), Secret("refresh-CANARY"), KNOWN)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "account.age"


@pytest.fixture
def sealing() -> Sealing:
    return Sealing()


@pytest.fixture
def store(path: Path, sealing: Sealing) -> TokenStore:
    return TokenStore(path, ACCOUNT, sealing, lambda: NOW)


def again(path: Path, sealing: Sealing, account: str = ACCOUNT) -> TokenStore:
    return TokenStore(path, account, sealing, lambda: NOW)


def test_what_is_kept_is_found_again_and_only_under_its_session(
    store: TokenStore, path: Path, sealing: Sealing
) -> None:
    assert store.find(CORP) is None
    store.keep(CORP, TOKEN)
    store.keep_registration(CORP, KNOWN)
    other = again(path, sealing)
    assert other.find(CORP) == TOKEN
    assert other.find(LAB) is None
    assert [each.session for each in other.sign_ins()] == [CORP]
    assert other.registration(CORP, Flow.BROWSER) == KNOWN
    assert other.registration(CORP, Flow.DEVICE) is None
    assert other.registration(LAB, Flow.BROWSER) is None
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"CANARY" not in path.read_bytes()
    assert b"corp" not in path.read_bytes()


def test_a_token_takes_the_place_of_the_one_before(store: TokenStore) -> None:
    store.keep(CORP, TOKEN)
    store.keep(LAB, TOKEN)
    new = dataclasses.replace(TOKEN, access=Secret("new"))
    store.keep(CORP, new)
    assert (store.find(CORP), store.find(LAB)) == (new, TOKEN)
    assert len(store.sign_ins()) == 2
    store.drop(CORP)
    assert (store.find(CORP), store.find(LAB)) == (None, TOKEN)


def test_an_access_token_that_is_no_good_leaves_what_can_be_refreshed(store: TokenStore) -> None:
    store.keep(CORP, TOKEN)
    store.forget_access(CORP, Secret("another"))
    assert store.find(CORP) == TOKEN, "somebody has refreshed it meanwhile"
    store.forget_access(CORP, TOKEN.access)
    found = store.find(CORP)
    assert found is not None
    assert found.expires < NOW
    assert found.refresh == TOKEN.refresh
    store.keep(CORP, dataclasses.replace(TOKEN, refresh=None))
    store.forget_access(CORP, TOKEN.access)
    assert store.find(CORP) is None


def test_a_registration_that_ends_soon_is_none(store: TokenStore) -> None:
    store.keep_registration(CORP, dataclasses.replace(KNOWN, expires=NOW + timedelta(minutes=30)))
    assert store.registration(CORP, Flow.BROWSER) is None
    store.keep_registration(CORP, KNOWN)
    store.drop_registration(CORP, Flow.BROWSER)
    assert store.registration(CORP, Flow.BROWSER) is None


@pytest.mark.parametrize(
    "how", ["identity", "account", "garbage", "cut", "empty", "other content", "directory"]
)
def test_what_does_not_open_counts_as_none_and_is_replaced(
    store: TokenStore, path: Path, sealing: Sealing, how: str
) -> None:
    store.keep(CORP, TOKEN)
    if how == "identity":
        sealing.identity = Sealing().identity
    elif how == "account":
        store = again(path, sealing, "b" * 26)
    elif how == "directory":
        path.unlink()
        path.mkdir()
    else:
        content = path.read_bytes()
        path.write_bytes(
            {"garbage": b"x" * 500, "cut": content[:-1], "empty": b"", "other content": sealing.seal(b"[]")}[
                how
            ]
        )
    if how == "directory":
        with pytest.raises(StorageError):
            store.find(CORP)
        return
    assert store.find(CORP) is None
    store.keep(LAB, TOKEN)
    assert store.find(LAB) == TOKEN


def test_two_writers_lose_nothing(path: Path, sealing: Sealing) -> None:
    """Two agents may share the state directory; each has a store, and neither undoes the other's change."""
    sessions = [dataclasses.replace(CORP, name=f"s{number}") for number in range(20)]

    def write(own: list[SsoSession]) -> None:
        mine = again(path, sealing)
        for session in own:
            mine.keep(session, TOKEN)

    threads = [threading.Thread(target=write, args=(sessions[start::4],)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(again(path, sealing).sign_ins()) == 20
    assert not [name for name in os.listdir(path.parent) if name.endswith(".new")]


def test_a_place_that_cannot_be_written(tmp_path: Path, sealing: Sealing) -> None:
    store = TokenStore(tmp_path / "missing/account.age", ACCOUNT, sealing, lambda: NOW)
    assert store.find(CORP) is None
    with pytest.raises(StorageError, match="cannot write"):
        store.keep(CORP, TOKEN)
