"""A planned identity is the one that botocore comes to, wherever it comes to one without the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError
from botocore.session import Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.aws.calls import NO_KEYS, AssumeRole
from keyturn.aws.plan import Plan
from keyturn.ground.errors import KeyturnError, NoDefaultError, NotYetError
from tests.aws.world import OWN, A, Caller, item, role_arn


@dataclass
class Sts:
    """In the place of botocore's STS: remembers who asked for what, and gives keys named after the role."""

    calls: list[dict[str, Any]] = field(default_factory=list)

    def client(self, session: Session, service: str, **made_with: Any) -> Sts:
        assert service == "sts"
        self.key_id = made_with["aws_access_key_id"]
        self.region = made_with["region_name"] or session.get_config_variable("region")
        return self

    def assume_role(self, **asked: Any) -> dict[str, Any]:
        self.calls.append({"by": self.key_id, "region": self.region, **asked})
        role = asked["RoleArn"].rpartition("/")[2]
        credentials = {
            "AccessKeyId": f"ASIA{role}",
            "SecretAccessKey": "x",
            "SessionToken": "x",
            "Expiration": "2099-01-01T00:00:00Z",
        }
        return {"Credentials": credentials, "AssumedRoleUser": {"Arn": role_arn(role)}}


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Sts:
    found = Sts()
    monkeypatch.setattr("botocore.credentials.create_nested_client", found.client)
    for provider in ("ContainerProvider", "InstanceMetadataProvider"):
        monkeypatch.setattr(f"botocore.credentials.{provider}.load", lambda self: None)
    return found


def resolve(name: str, sts: Sts) -> str:
    """botocore's key id for a profile, "" for nobody, "error: …"; what it called is in `sts`."""
    sts.calls.clear()
    try:
        session = Session(profile=name)
        session.get_component("credential_provider").get_provider("assume-role")._prompter = lambda _: (
            "123456"
        )
        credentials = session.get_credentials()
        return "" if credentials is None else credentials.get_frozen_credentials().access_key
    except (BotoCoreError, OSError) as error:
        return f"error: {type(error).__name__}"


def roles(planned: Plan) -> list[AssumeRole]:
    return [call for call in planned.calls if isinstance(call, AssumeRole)]


KEYS = {name: OWN.replace("OWN", name.upper()) for name in ("p", "q", "r", "default")}
WORDS = {
    "role": "role_arn = @\n",
    "half": "aws_access_key_id = AKIAHALF\n",
    "secret": "aws_secret_access_key = half\n",
    **{f"over {name}": f"source_profile = {name}\n" for name in ("p", "q", "r", "default", "nobody")},
    "environment": "credential_source = Environment\n",
    "web": "web_identity_token_file = /nowhere\n",
    "session": "sso_session = s\n",
    "start": "sso_start_url = u\nsso_region = r\n",
    "account": "sso_account_id = 1\n",
    "sso role": "sso_role_name = x\n",
    "login": "login_session = x\n",
    "process": "credential_process = false\n",
    "mfa": f"mfa_serial = {A}\n",
    "region": "region = eu-west-1\n",
    "external": "external_id = from-outside\n",
    "name": "role_session_name = me\n",
    "short": "duration_seconds = 900\n",
}
likely = ["role", "role", *[word for word in WORDS if word.startswith("over")]]


def section(name: str) -> st.SearchStrategy[str]:
    keys = st.sampled_from(["", KEYS[name]])
    words = st.lists(st.sampled_from([*likely, *likely, *WORDS]), max_size=4)

    def written(chosen: list[str], own: str) -> str:
        # One source, and no key twice: a file with two is no file.
        sources = [word for word in chosen if word.startswith("over")][:1]
        others = dict.fromkeys(word for word in chosen if not word.startswith("over"))
        if own:
            others.pop("half", None)
            others.pop("secret", None)
        return own + "".join(WORDS[word] for word in (*others, *sources)).replace("@", role_arn(name))

    return st.builds(written, words, keys)


worlds = st.fixed_dictionaries({name: section(name) for name in KEYS})


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sections=worlds, is_in_config=st.booleans(), is_selected=st.booleans())
def test_whom_botocore_resolves(
    sections: dict[str, str], is_in_config: bool, is_selected: bool, home: Path, sts: Sts
) -> None:
    compare(sections, is_in_config, is_selected, home, sts)


@pytest.mark.soak
@pytest.mark.timeout(400)
@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sections=worlds, is_in_config=st.booleans(), is_selected=st.booleans())
def test_whom_botocore_resolves_thousands_of_times(
    sections: dict[str, str], is_in_config: bool, is_selected: bool, home: Path, sts: Sts
) -> None:
    compare(sections, is_in_config, is_selected, home, sts)


def compare(sections: dict[str, str], is_in_config: bool, is_selected: bool, home: Path, sts: Sts) -> None:
    """The same keys and the same roles, or a refusal that says so; never anybody else."""
    found = Caller(home, item("selected") if is_selected else None)
    written = [("profile " * (name != "default") + name, text) for name, text in sections.items()]
    if is_in_config:
        found.write("".join(f"[{name}]\n{text}" for name, text in written), "")
    else:
        found.write("", "".join(f"[{name}]\n{text}" for name, text in sections.items()))
    for name in ("p", "q", "r"):
        theirs = resolve(name, sts)
        try:
            mine = found.plan(f"--profile {name} s3 ls")
        except NotYetError:
            assert "login_session" in "".join(sections.values())
            continue
        except NoDefaultError:
            assert theirs == "" or theirs.startswith("error")
            assert not is_selected
            continue
        except KeyturnError:
            # botocore passes over half of a sign-in, and then takes other keys.
            assert theirs.startswith("error") or "sso_" in "".join(sections.values()), (name, theirs)
            continue
        if mine.keys == NO_KEYS:
            # Every such source is broken in these files: botocore comes to nobody, and so shall we.
            assert theirs.startswith("error"), (name, theirs, mine.calls[0])
            continue
        if mine.keys.key_id == "AKIASELECTED":
            # Nobody is named as the owner of the keys, so whoever is selected is meant.
            assert theirs == "" or theirs.startswith("error")
            continue
        assert [each.role for each in roles(mine)] == [call["RoleArn"] for call in sts.calls]
        assert mine.keys.key_id == (sts.calls[0]["by"] if sts.calls else theirs)
        for call, asked in zip(roles(mine), sts.calls, strict=True):
            assert call.external_id == asked.get("ExternalId", "")
            assert call.session_name == asked["RoleSessionName"] or not _is_named(sections, call.profile)
            assert call.duration == asked.get("DurationSeconds", 3600)


def _is_named(sections: dict[str, str], profile: str) -> bool:
    return "role_session_name" in sections[profile]


CHAIN = (
    f"[profile p]\nrole_arn = {role_arn('p')}\nsource_profile = q\nexternal_id = outside\n"
    "region = eu-west-3\n"
    f"[profile q]\nrole_arn = {role_arn('q')}\nsource_profile = r\nrole_session_name = me\n"
    f"[profile r]\nrole_arn = {role_arn('r')}\nsource_profile = s\nduration_seconds = 7200\n[profile s]\n"
)


def test_a_chain_of_three(home: Path, sts: Sts) -> None:
    """What the property above compares, once by hand: it would mean nothing if botocore resolved nothing."""
    found = Caller(home)
    found.write(CHAIN, f"[s]\n{OWN}")
    assert resolve("p", sts) == "ASIAp"
    asked = [(call["by"], call["RoleArn"].rpartition("/")[2]) for call in sts.calls]
    assert asked == [("AKIAOWN", "r"), ("ASIAr", "q"), ("ASIAq", "p")]
    mine = roles(found.plan("--profile p s3 ls"))
    assert [call.profile for call in mine] == ["r", "q", "p"]
    assert [call.external_id for call in mine] == ["", "", "outside"]
    assert [call.session_name for call in mine] == ["keyturn", "me", "keyturn"]
    assert [call.duration for call in mine] == [7200, 3600, 3600]


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({}, "eu-west-3"),
        ({"AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1"),
    ],
)
def test_the_region_of_the_role_that_is_asked_for(
    environment: dict[str, str], region: str, home: Path, sts: Sts, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Caller(home, environment=environment)
    found.write(CHAIN, f"[s]\n{OWN}")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    resolve("p", sts)
    assert roles(found.plan("--profile p s3 ls"))[-1].sts.region == sts.calls[-1]["region"] == region


def test_a_call_with_mfa_names_the_device_once(home: Path, sts: Sts) -> None:
    """botocore would ask for a code for each role; the device and the roles are the same."""
    found = Caller(home)
    found.write(CHAIN.replace("[profile s]", f"mfa_serial = {A}\n[profile s]"), f"[s]\n{OWN}")
    resolve("p", sts)
    assert [call.get("SerialNumber") for call in sts.calls] == [A, None, None]
    first, *others = roles(found.plan("--profile p s3 ls"))
    assert first.mfa is not None
    assert first.mfa.serial == A
    assert [call.mfa for call in others] == [None, None]
