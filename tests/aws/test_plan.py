"""Whose keys: every row of the table, and never another identity than botocore's."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError
from botocore.session import Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keyturn.ground.errors import (
    ConfigurationError,
    KeyturnError,
    MissingError,
    NoDefaultError,
    NotYetError,
)
from keyturn.items import Item
from tests.aws.world import Caller, item, key_id

OWN = "aws_access_key_id = AKIAOWN\naws_secret_access_key = own\n"
SELECTED = "aws_access_key_id = AKIASELECTED\naws_secret_access_key = old\n"

ROWS = tomllib.loads((Path(__file__).parent / "base_table.toml").read_text())
KEYS = {"bound": "AKIABOUND", "selected": "AKIASELECTED", "own": "AKIAOWN"}
ERRORS = {
    "not yet": (NotYetError, "Keyturn does not do that yet, and uses no other keys instead"),
    "contradiction": (ConfigurationError, " has "),
    "unknown": (ConfigurationError, "is not in the AWS files"),
    "no default": (NoDefaultError, "no item is chosen for aws"),
}


@pytest.mark.parametrize("name", ROWS)
def test_the_table(name: str, home: Path) -> None:
    row = ROWS[name]
    profile = row.get("profile", "p")
    found = Caller(home, item("selected") if "selected" in row["items"] else None)
    if "bound" in row["items"]:
        found.bound[profile] = item("bound")
    config, credentials = (
        row.get(name, "").replace("@OWN", OWN).replace("@SELECTED", SELECTED)
        for name in ("config", "credentials")
    )
    found.write(config, credentials)
    line = "s3 ls" if profile == "default" else f"--profile {profile} s3 ls"
    if row["expect"] in KEYS:
        assert key_id(found.run(line).assign) == KEYS[row["expect"]]
        return
    kind, message = ERRORS[row["expect"]]
    with pytest.raises(KeyturnError) as caught:
        found.run(line)
    assert type(caught.value) is kind
    assert message in caught.value.message
    assert f"“{profile}”" in caught.value.message


def test_the_table_has_every_row() -> None:
    assert {name[0] for name in ROWS if name[0].isdigit()} == set("123456789")


WORDS = {
    "own keys": OWN,
    "half": "aws_access_key_id = AKIAHALF\n",
    "role": "role_arn = arn:aws:iam::1:role/r\n",
    "self": "source_profile = p\n",
    "source": "source_profile = other\n",
    "environment": "credential_source = Environment\n",
    "web": "web_identity_token_file = /nowhere\n",
    "session": "sso_session = s\n",
    "start": "sso_start_url = u\nsso_region = r\n",
    "account": "sso_account_id = 1\n",
    "sso role": "sso_role_name = x\n",
    "login": "login_session = x\n",
    "process": "credential_process = false\n",
    "mfa": "mfa_serial = arn:aws:iam::1:mfa/x\n",
    "region": "region = eu-west-1\n",
}
sections = st.sets(st.sampled_from(sorted(WORDS)), max_size=4).map(
    lambda chosen: "".join(map(WORDS.__getitem__, chosen))
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(in_config=sections, in_credentials=sections, is_selected=st.booleans())
def test_a_named_profile_is_whom_botocore_resolves(
    in_config: str, in_credentials: str, is_selected: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where botocore finds keys without a call, Keyturn has the same or refuses; it never has others."""
    found = Caller(home, item("selected") if is_selected else None)
    other = OWN.replace("OWN", "OTHER")
    found.write(f"[profile p]\n{in_config}", f"[p]\n{in_credentials}[other]\n{other}")
    monkeypatch.setattr("botocore.credentials.ContainerProvider.load", lambda self: None)
    monkeypatch.setattr("botocore.credentials.InstanceMetadataProvider.load", lambda self: None)
    try:
        credentials = Session(profile="p").get_credentials()
        resolved = None if credentials is None else (credentials.method, credentials)
    except BotoCoreError:
        resolved = ("error", None)
    try:
        mine = key_id(found.run("--profile p s3 ls").assign)
    except KeyturnError:
        # What is refused: calls, processes, MFA, errors of botocore's, and nothing at all.
        static = resolved is not None and resolved[0] in ("shared-credentials-file", "config-file")
        assert (
            not static or "mfa_serial" in in_config + in_credentials or "login" in in_config + in_credentials
        )
        return
    if mine == "AKIASELECTED":
        # The profile names nobody, so who is selected is whom it means.
        assert resolved is None
    else:
        assert resolved is not None
        assert resolved[1] is not None
        assert mine == resolved[1].access_key == "AKIAOWN"


def test_only_the_item_that_is_needed_is_asked_for(home: Path) -> None:
    found = Caller(home, item("selected"), {"p": item("bound"), "q": item("other")})
    found.run("--profile p s3 ls")
    assert found.asked == ["bound"]
    found.asked.clear()
    found.run("s3 ls")
    assert found.asked == ["selected"]


def test_what_is_not_built_asks_for_no_item(home: Path) -> None:
    found = Caller(home, item("selected"), {"p": item("bound")})
    found.write("[profile p]\nrole_arn = r\nsource_profile = q\n[profile q]\n")
    with pytest.raises(NotYetError):
        found.run("--profile p s3 ls")
    assert found.asked == []


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            "[profile p]\nrole_arn=r\nsource_profile=q\n",
            "profile “p” names “q” as its source_profile, and that",
        ),
        (
            "[profile p]\nrole_arn=r\nsource_profile=q\ncredential_source=Environment\n",
            "profile “p” has both source_profile and credential_source",
        ),
        (
            "[profile q]\nrole_arn=r\nsource_profile=q\n[profile p]\nrole_arn=r\nsource_profile=q\n",
            "the source profiles form a cycle: “q” → “q”",
        ),
    ],
)
def test_chains_that_contradict_themselves(config: str, message: str, home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(config)
    with pytest.raises(ConfigurationError) as caught:
        found.run("--profile p s3 ls")
    assert caught.value.message.startswith(message)


def role(name: str, source: str) -> str:
    return f"[profile {name}]\nrole_arn = r\nsource_profile = {source}\n"


def test_story_15_a_cycle_is_listed(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(role("start", "andy") + role("andy", "prod") + role("prod", "dev") + role("dev", "andy"))
    with pytest.raises(ConfigurationError, match="“andy” → “prod” → “dev” → “andy”"):
        found.run("--profile start s3 ls")


def test_story_16_a_profile_may_name_itself(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(role("p", "p") + OWN)
    with pytest.raises(NotYetError, match="profile “p” assumes a role: "):
        found.run("--profile p s3 ls")


def test_static_keys_of_a_source_end_the_chain(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write(role("p", "q") + role("q", "p") + OWN)
    with pytest.raises(NotYetError, match="over “q”"):
        found.run("--profile p s3 ls")


def test_an_item_bound_to_a_source_ends_the_chain(home: Path) -> None:
    found = Caller(home, item("selected"), {"q": item("bound")})
    found.write(role("p", "q") + role("q", "p"))
    with pytest.raises(NotYetError, match="over “q”"):
        found.run("--profile p s3 ls")


def test_a_chain_has_an_end(home: Path) -> None:
    found = Caller(home, item("selected"))
    found.write("".join(role(f"p{number}", f"p{number + 1}") for number in range(100)))
    with pytest.raises(ConfigurationError, match="more than 32 source profiles"):
        found.run("--profile p0 s3 ls")


def test_an_unknown_profile_is_told_the_nearest_names(home: Path) -> None:
    found = Caller(home, item("selected"), {"production": item("bound")})
    found.write("[profile development]\n[profile x]\n")
    with pytest.raises(ConfigurationError) as caught:
        found.run("--profile devlopment s3 ls")
    assert caught.value.message == "profile “devlopment” is not in the AWS files, and no item is bound to it"
    assert caught.value.hints == ("did you mean “development”?",)
    with pytest.raises(ConfigurationError) as caught:
        found.run("--profile prodution s3 ls")
    assert "“production”" in caught.value.hints[0]


@pytest.mark.parametrize(
    ("chosen", "missing"),
    [
        (item("x", access_key_id=""), "access key id"),
        (item("x", secret_access_key=""), "secret access key"),
    ],
)
def test_an_item_without_a_key_names_the_field(chosen: Item, missing: str, home: Path) -> None:
    with pytest.raises(MissingError, match=missing):
        Caller(home, chosen).run()


@pytest.mark.parametrize(
    "fields", [{"mfa_serial": "arn"}, {"mfa_serial": "arn", "one_time_password": "JBSW"}]
)
def test_an_item_with_a_serial_is_never_used_without_its_code(fields: dict[str, str], home: Path) -> None:
    with pytest.raises(NotYetError, match="profile “default” needs a multi-factor code"):
        Caller(home, item("x", **fields)).run()


def test_temporary_plaintext_is_used_as_it_is(home: Path) -> None:
    found = Caller(home)
    found.write("[profile p]\nmfa_serial = arn\n", f"[p]\n{OWN}aws_session_token = token\n")
    done = found.run("--profile p s3 ls")
    assert done.assign["AWS_SESSION_TOKEN"] == b"token"
    assert done.notes == (f"profile “p” uses plaintext keys from {home}/.aws/credentials (temporary ones)",)


def test_notes(home: Path) -> None:
    file = home / ".aws/credentials"
    found = Caller(home, item("selected"))
    found.write("", f"[default]\n{OWN}[my profile]\n{OWN}[same]\n{SELECTED}")
    found.environment["AWS_PROFILE"] = "my profile"
    (note,) = found.run().notes
    assert note.startswith(f"profile “my profile” uses plaintext keys from {file}; ")
    assert note.endswith("to import and bind them: keyturn plugin init aws --import-profile 'my profile'")
    found.environment.clear()
    assert found.run().notes == (f"profile “default” has other keys in {file}; item “selected” is used",)
    assert found.run("--profile same s3 ls").notes == ()
    found.selected = None
    assert "--import-profile default" in found.run().notes[0]
    found.selected = item("x", one_time_password="JBSW")
    found.write("", "")
    (note,) = found.run().notes
    assert "has a “one-time password” but no “mfa serial”" in note
    assert "JBSW" not in note
