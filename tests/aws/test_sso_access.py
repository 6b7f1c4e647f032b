"""Keys through a sign-in that is kept: refreshed once for all, never used after its end, never another's."""

import asyncio
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from keyturn.aws.calls import Keys, Network
from keyturn.ground.errors import ServiceRefusedError, ServiceUnreachableError, SignedOutError
from tests.aws.sso_stage import ACCOUNT, NETWORK, Stage
from tests.aws_server.sso import SsoServer


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with SsoServer() as sso:
        found = Stage(sso, tmp_path)
        asyncio.run(found.sign_in())
        yield found


async def keys(stage: Stage) -> Keys:
    return (await stage.access.keys(ACCOUNT, stage.source, NETWORK)).keys


async def has_question(stage: Stage) -> bool:
    return await stage.access.question(ACCOUNT, stage.source, NETWORK) is not None


def test_keys_of_the_role_and_until_when(stage: Stage) -> None:
    found = asyncio.run(keys(stage))
    assert found.key_id.startswith("ASIA")
    assert found.token is not None
    assert found.token.reveal().startswith("111111111111/Admin/")
    assert found.expires is not None
    assert 3590 < (found.expires - stage.time.now()).total_seconds() < 3610


def test_a_hundred_who_need_it_refresh_once(stage: Stage) -> None:
    stage.time.move(3600)

    async def crowd() -> list[bool]:
        # Half of them would reach the network in another way.
        networks = [NETWORK, Network((("NO_PROXY", "*"),))] * 50
        questions = (stage.access.question(ACCOUNT, stage.source, network) for network in networks)
        return [question is not None for question in await asyncio.gather(*questions)]

    assert asyncio.run(crowd()) == [False] * 100
    assert stage.sso.count("Refresh") == 1
    assert len(stage.sso.rules.old_refreshes) == 1
    # And the next one uses the new refresh token, not the one that is used up.
    stage.time.move(3600)
    assert asyncio.run(has_question(stage)) is False
    assert stage.sso.count("Refresh", error="") == 2


def test_who_goes_away_takes_no_refresh_along(stage: Stage) -> None:
    stage.time.move(3600)
    stage.sso.slow["Refresh"] = 0.3

    async def two() -> bool:
        first = asyncio.create_task(has_question(stage))
        second = asyncio.create_task(has_question(stage))
        await asyncio.sleep(0.1)
        first.cancel()
        return await second

    assert asyncio.run(two()) is False
    assert stage.sso.count("Refresh") == 1


def test_a_refresh_that_is_refused_asks_the_person(stage: Stage) -> None:
    stage.sso.revoke()
    stage.time.move(3600)
    assert asyncio.run(has_question(stage)) is True
    assert asyncio.run(has_question(stage)) is True
    assert stage.sso.count("Refresh") == 1, "a refresh token that was refused is not sent again"


def test_a_refresh_in_time_that_fails_does_no_harm(stage: Stage) -> None:
    stage.time.move(3600 - 300)
    stage.sso.fail_next("Refresh", 500)
    assert asyncio.run(has_question(stage)) is False
    assert asyncio.run(keys(stage)).key_id
    stage.time.move(3600)
    stage.sso.fail_next("Refresh", 500)
    with pytest.raises(ServiceUnreachableError, match="refreshing the sign-in “corp”"):
        asyncio.run(has_question(stage))


def test_nothing_is_refreshed_by_a_registration_that_has_ended(stage: Stage) -> None:
    stage.time.move(91 * 86400)
    assert asyncio.run(has_question(stage)) is True
    assert stage.sso.count("Refresh") == 0


def test_a_token_without_refresh_is_used_to_its_end(tmp_path: Path) -> None:
    with SsoServer() as sso:
        sso.rules.refreshes = False
        stage = Stage(sso, tmp_path)
        asyncio.run(stage.sign_in())
        stage.time.move(3600 - 60)
        assert asyncio.run(has_question(stage)) is False
        stage.time.move(40)
        assert asyncio.run(has_question(stage)) is True
        with pytest.raises(SignedOutError, match="has ended"):
            asyncio.run(keys(stage))
        assert sso.count("GetRoleCredentials") == 0


def test_an_access_token_that_the_service_has_ended_is_refreshed(stage: Stage) -> None:
    stage.sso.end_access()
    assert asyncio.run(keys(stage)).key_id
    assert (stage.sso.count("Refresh"), stage.sso.count("GetRoleCredentials")) == (1, 2)


def test_a_sign_in_that_the_service_has_ended_is_asked_for_anew(stage: Stage) -> None:
    stage.sso.revoke()
    with pytest.raises(SignedOutError):
        asyncio.run(keys(stage))
    assert asyncio.run(has_question(stage)) is True


@pytest.mark.parametrize("role", ["Nobody", "admin"])
def test_a_role_that_is_not_the_persons(stage: Stage, role: str) -> None:
    source = dataclasses.replace(stage.source, role_name=role)
    with pytest.raises(ServiceRefusedError, match="no such account and role for you") as error:
        asyncio.run(stage.access.keys(ACCOUNT, source, NETWORK))
    assert "keyturn aws sso list" in " ".join(error.value.hints)
    assert asyncio.run(has_question(stage)) is False, "the sign-in itself is good"


def test_a_portal_that_hiccups_is_asked_again_and_one_that_is_down_is_said_to_be(stage: Stage) -> None:
    stage.sso.fail_next("GetRoleCredentials", 500, 0)
    assert asyncio.run(keys(stage)).key_id
    stage.sso.fail_next("GetRoleCredentials", 500, 503, 500)
    with pytest.raises(ServiceUnreachableError, match="getting the role Admin of account 111111111111"):
        asyncio.run(keys(stage))


def test_another_endpoint_finds_no_token(stage: Stage) -> None:
    """A later environment cannot have a token sent to where it does not come from."""
    elsewhere = dataclasses.replace(stage.session.portal, endpoint="http://127.0.0.1:9")
    session = dataclasses.replace(stage.session, portal=elsewhere)
    source = dataclasses.replace(stage.source, session=session)
    assert asyncio.run(stage.access.question(ACCOUNT, source, NETWORK)) is not None


@pytest.mark.parametrize("change", ["name", "start_url", "region", "scopes"])
def test_story_93_only_the_very_session_is_found(stage: Stage, change: str) -> None:
    other = ("sso:account:access", "x") if change == "scopes" else "other"
    session = dataclasses.replace(stage.session, **{change: other})  # type: ignore[arg-type]
    source = dataclasses.replace(stage.source, session=session)
    assert asyncio.run(stage.access.question(ACCOUNT, source, NETWORK)) is not None


@pytest.mark.parametrize(("trouble", "heard"), [((), True), ((500,), False), ((0,), False)])
def test_signing_out_forgets_in_any_case(stage: Stage, trouble: tuple[int, ...], heard: bool) -> None:
    stage.sso.fail_next("Logout", *trouble)
    assert asyncio.run(stage.access.sign_out(ACCOUNT, stage.session, NETWORK)) is heard
    assert asyncio.run(has_question(stage)) is True
    over = [each.is_over for each in stage.sso.rules.sessions.values()]
    assert over == [heard]
    assert asyncio.run(stage.access.sign_out(ACCOUNT, stage.session, NETWORK)) is True


def test_signing_out_of_what_has_ended_already(stage: Stage) -> None:
    stage.sso.revoke()
    assert asyncio.run(stage.access.sign_out(ACCOUNT, stage.session, NETWORK)) is True


def test_all_pages_of_accounts_and_roles(stage: Stage) -> None:
    found = asyncio.run(stage.access.accounts(ACCOUNT, stage.session, NETWORK))
    assert [each.id for each in found] == ["111111111111", "222222222222", "333333333333"]
    roles = asyncio.run(stage.access.roles(ACCOUNT, stage.session, NETWORK, "333333333333"))
    assert roles == ["Admin", "Billing", "ReadOnly"]
    with pytest.raises(ServiceRefusedError):
        asyncio.run(stage.access.roles(ACCOUNT, stage.session, NETWORK, "444444444444"))
