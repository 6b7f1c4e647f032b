"""What is kept under one name, and what is not."""

from dataclasses import replace

import pytest

from keyturn.aws import cache
from keyturn.aws.cache import Cache
from keyturn.aws.calls import (
    NO_KEYS,
    AssumeRole,
    AssumeRoleWithWebIdentity,
    Call,
    GetSessionToken,
    Keys,
    Mfa,
    Sts,
)
from keyturn.aws.origins import CONTAINER, INSTANCE, Process, Provider, Step
from keyturn.ground.secret import Secret
from tests.aws.strict import MovedClock

USER = Keys("AKIAADA", Secret("secret"))
DEVICE = Mfa("arn:aws:iam::123456789012:mfa/ada", Secret("JBSWY3DPEHPK3PXP"))
EUROPE = Sts("eu-central-1")
SESSION = GetSessionToken(DEVICE, 43200, EUROPE)
ROLE = AssumeRole("p", "arn:aws:iam::123456789012:role/team/Admin", 3600, EUROPE, "ada")


def last(*calls: Call, keys: Keys = USER) -> str:
    return cache.names(keys, calls)[-1]


@pytest.mark.parametrize(
    "other",
    [
        replace(ROLE, role=ROLE.role + "2"),
        replace(ROLE, duration=7200),
        replace(ROLE, sts=Sts("us-east-1")),
        replace(ROLE, sts=Sts("eu-central-1", partition="aws-eusc")),
        replace(ROLE, sts=Sts("eu-central-1", endpoint="https://sts.example.com")),
        replace(ROLE, sts=Sts("eu-central-1", variant=frozenset({"fips"}))),
        replace(ROLE, session_name="grace"),
        replace(ROLE, external_id="x1"),
        replace(ROLE, tags=(("a", "b"),)),
        replace(ROLE, transitive_tags=("a",)),
        replace(ROLE, source_identity="ada"),
        replace(ROLE, mfa=DEVICE),
        replace(ROLE, mfa=replace(DEVICE, serial=DEVICE.serial + "2")),
        replace(ROLE, mfa=replace(DEVICE, secret=Secret("JBSWY3DPEHPK3PXQ"))),
    ],
)
def test_a_role_with_another_input_is_another(other: AssumeRole) -> None:
    """Story 38."""
    assert last(other) != last(ROLE)
    assert last(SESSION, other) != last(SESSION, ROLE)


def test_every_input_of_a_role_has_its_case_above() -> None:
    inputs = set(AssumeRole.__dataclass_fields__) - {"profile"}
    assert inputs == {
        *("role", "duration", "sts", "session_name", "external_id", "tags", "transitive_tags"),
        *("source_identity", "mfa"),
    }


@pytest.mark.parametrize(
    "keys",
    [
        replace(USER, key_id="AKIAGRACE"),
        replace(USER, secret=Secret("another")),
        replace(USER, token=Secret("token")),
    ],
)
def test_other_keys_have_other_results(keys: Keys) -> None:
    assert last(SESSION, keys=keys) != last(SESSION)
    assert last(ROLE, keys=keys) != last(ROLE)


def test_a_profiles_name_is_no_input() -> None:
    assert last(replace(ROLE, profile="q")) == last(ROLE)


@pytest.mark.parametrize(
    "same",
    [
        replace(SESSION, sts=Sts("ap-east-1")),
        replace(SESSION, duration=900),
        replace(SESSION, mfa=Mfa(DEVICE.serial)),
    ],
)
def test_a_session_is_one_for_all_regions(same: GetSessionToken) -> None:
    assert last(same) == last(SESSION)
    assert last(same, ROLE) == last(SESSION, ROLE)


@pytest.mark.parametrize(
    "other",
    [
        replace(SESSION, mfa=Mfa(DEVICE.serial + "2")),
        replace(SESSION, sts=Sts("eu-central-1", partition="aws-cn")),
        replace(SESSION, sts=Sts("eu-central-1", endpoint="https://sts.example.com")),
        replace(SESSION, sts=Sts("eu-central-1", variant=frozenset({"legacy"}))),
    ],
)
def test_a_session_with_another_device_or_place_is_another(other: GetSessionToken) -> None:
    """Stories 4 and 34: a session of the global endpoint is refused by regions that are opted into."""
    assert last(other) != last(SESSION)
    assert last(other, ROLE) != last(SESSION, ROLE)


def test_a_role_over_a_session_is_not_the_role_over_the_user() -> None:
    """Story 4: what was assumed without MFA is not used where MFA is wanted."""
    assert last(SESSION, ROLE) != last(ROLE)


def test_a_name_shows_nothing() -> None:
    """Story 94: an ARN's slashes end in no file name, and no secret can be read off."""
    for name in cache.names(USER, [SESSION, ROLE]):
        assert len(name) == 64
        assert int(name, 16)


def test_an_entry_lasts_until_five_minutes_before_its_end() -> None:
    clock = MovedClock()
    kept = Cache(clock)
    kept.put("a", USER, clock.boot() + 900)
    clock.time += 299
    found = kept.get("a")
    assert found is not None
    assert not kept.is_ageing(found)
    clock.time += 2
    assert kept.is_ageing(found)
    clock.time += 298
    assert kept.get("a") is not None
    clock.time += 2
    assert kept.get("a") is None


def test_what_is_forgotten_is_gone() -> None:
    clock = MovedClock()
    kept = Cache(clock)
    kept.put("a", USER, clock.boot() + 900)
    kept.forget("a")
    kept.forget("b")
    assert kept.get("a") is None


def test_very_many_entries_make_room_for_each_other() -> None:
    clock = MovedClock()
    kept = Cache(clock)
    for number in range(cache.MOST + 1):
        kept.put(str(number), USER, clock.boot() + 1000 + number)
    left = [number for number in range(cache.MOST + 1) if kept.get(str(number))]
    assert left == list(range(cache.MOST // 2 + 1, cache.MOST + 1))


def test_what_brings_the_first_keys_is_kept_by_all_that_it_depends_on() -> None:
    """Another caller's environment, another account's sign-in, another token: other keys."""
    process = Process("p", ("x", "y"), "here", ("m",), 60.0)
    web = AssumeRoleWithWebIdentity("p", "arn:aws:iam::111122223333:role/p", 3600, Sts("r-1"), "me", "/token")
    container = Provider("p", CONTAINER, (("address", "http://127.0.0.1/"),), Secret("token"))
    steps: list[Step] = [
        process,
        replace(process, profile="q"),
        replace(process, words=("x",)),
        replace(process, surroundings="there"),
        web,
        replace(web, role="arn:aws:iam::111122223333:role/q"),
        replace(web, duration=900),
        replace(web, session_name="you"),
        replace(web, token_file="/other"),
        replace(web, sts=Sts("r-2")),
        container,
        replace(container, source=INSTANCE),
        replace(container, settings=()),
        replace(container, token=Secret("other")),
        replace(container, token=None, token_file="/token"),
    ]
    found = [cache.names(NO_KEYS, [step])[0] for step in steps]
    assert len(set(found)) == len(found)
    assert cache.names(NO_KEYS, [replace(web, profile="q")])[0] == cache.names(NO_KEYS, [web])[0], (
        "the same role and token"
    )
    assert (
        cache.names(NO_KEYS, [replace(process, marks=(), seconds=1.0)])[0]
        == cache.names(NO_KEYS, [process])[0]
    )
