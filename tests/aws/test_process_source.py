"""What a credential_process may print, and what a profile may ask of Keyturn itself."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.aws import delegation, process_source
from keyturn.ground.errors import ConfigurationError, KeyturnError, ServiceRefusedError
from keyturn.ground.secret import Secret
from keyturn.sdk.printed import Printed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEYS = {"Version": 1, "AccessKeyId": "AKIAPRINTED", "SecretAccessKey": "printed-EXAMPLE"}
TEMPORARY = {**KEYS, "SessionToken": "token-EXAMPLE", "Expiration": "2099-01-01T00:00:00Z"}


def parsed(document: object) -> tuple[str, str, str, str]:
    keys = process_source.parse(Secret(json.dumps(document)), "p", NOW)
    token = "" if keys.token is None else keys.token.reveal()
    return keys.key_id, keys.secret.reveal(), token, "" if keys.expires is None else keys.expires.isoformat()


@pytest.mark.parametrize(
    ("document", "token", "expires"),
    [
        (KEYS, "", ""),
        ({**KEYS, "SessionToken": None, "Expiration": None}, "", ""),
        ({**KEYS, "SessionToken": ""}, "", ""),
        (TEMPORARY, "token-EXAMPLE", "2099-01-01T00:00:00+00:00"),
        (
            {**TEMPORARY, "Expiration": "2099-01-01T02:00:00+02:00"},
            "token-EXAMPLE",
            "2099-01-01T00:00:00+00:00",
        ),
        ({**TEMPORARY, "AccountId": "1", "More": {}}, "token-EXAMPLE", "2099-01-01T00:00:00+00:00"),
    ],
)
def test_keys(document: object, token: str, expires: str) -> None:
    assert parsed(document) == ("AKIAPRINTED", "printed-EXAMPLE", token, expires)


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ({**KEYS, "Version": 2}, "printed no “Version” 1"),
        ({**KEYS, "Version": "1"}, "printed no “Version” 1"),
        ({**KEYS, "Version": True}, "printed no “Version” 1"),
        ({"AccessKeyId": "x", "SecretAccessKey": "y"}, "printed no “Version” 1"),
        ({"Version": 1, "AccessKeyId": "AKIAPRINTED"}, "printed no “SecretAccessKey”"),
        ({**KEYS, "AccessKeyId": ""}, "printed no “AccessKeyId”"),
        ({**KEYS, "SessionToken": 1}, "“SessionToken” is no text"),
        ({**TEMPORARY, "Expiration": "2020-01-01T00:00:00Z"}, "printed keys that have expired"),
        ({**TEMPORARY, "Expiration": "tomorrow"}, "printed an “Expiration” that is no moment"),
        ({**TEMPORARY, "Expiration": "2099-01-01T00:00:00"}, "printed an “Expiration” that is no moment"),
        ([KEYS], "printed no JSON object"),
        (None, "printed no JSON object"),
    ],
)
def test_garbage(document: object, line: str) -> None:
    with pytest.raises(ServiceRefusedError) as caught:
        parsed(document)
    assert (
        caught.value.message == f"the credential_process of profile “p” {line}"
        or line in caught.value.message
    )
    assert "EXAMPLE" not in caught.value.message


@given(st.text())
def test_no_text_is_taken_for_keys_and_none_is_repeated(text: str) -> None:
    with pytest.raises(ServiceRefusedError) as caught:
        process_source.parse(Secret(text), "p", NOW)
    assert caught.value.message.startswith("the credential_process of profile “p” printed no")


def test_deep_json_is_garbage() -> None:
    with pytest.raises(ServiceRefusedError):
        process_source.parse(Secret("[" * 100_000), "p", NOW)


@pytest.mark.parametrize(
    ("printed", "kind", "line"),
    [
        (Printed(124, Secret(""), is_late=True), ServiceRefusedError, "did not end in 60 s"),
        (Printed(127, Secret("")), ConfigurationError, "cannot be run (status 127)"),
        (Printed(126, Secret("")), ConfigurationError, "cannot be run (status 126)"),
        (Printed(143, Secret("x"), is_cut=True), ServiceRefusedError, "printed far more than keys"),
        (Printed(1, Secret(json.dumps(KEYS))), ServiceRefusedError, "ended with status 1"),
    ],
)
def test_how_it_ended(printed: Printed, kind: type[KeyturnError], line: str) -> None:
    with pytest.raises(kind, match="profile “p”") as caught:
        process_source.check_end(printed, "p", 60.0)
    assert line in caught.value.message
    assert caught.value.hints


def test_a_good_end() -> None:
    process_source.check_end(Printed(0, Secret("")), "p", 60.0)


def test_marks() -> None:
    one, two = process_source.mark("p", ("x", "y")), process_source.mark("p", ("x y",))
    assert one != two != process_source.mark("q", ("x y",))
    assert process_source.marks_of(process_source.joined((one, two))) == (one, two)
    assert process_source.marks_of("") == ()


@pytest.mark.parametrize(
    ("command", "profile"),
    [
        ("keyturn aws credential-process --profile p", "p"),
        ("/usr/bin/keyturn aws credential-process --no-input --profile=p", "p"),
        ("'/opt/my tools/keyturn' aws credential-process --profile 'a b'", "a b"),
        ("python3 -I -Xutf8 -m keyturn aws credential-process --profile p", "p"),
        ("keyturn aws credential-process", ""),
        ("keyturn aws credential-process --profile", ""),
        ("keyturn aws export --profile p", None),
        ("keyturn-aws aws credential-process --profile p", None),
        ("python3 -m pip aws credential-process --profile p", None),
        ("sh -c 'keyturn aws credential-process --profile p'", None),
    ],
)
def test_who_asks_keyturn(command: str, profile: str | None) -> None:
    assert delegation.asked_profile(delegation.split("p", command)) == profile


def test_a_profile_that_asks_for_itself_is_what_it_was() -> None:
    own = "keyturn aws credential-process --profile p"
    section = {
        "region": "r",
        "keyturn_role_arn": "a",
        "keyturn_source_profile": "s",
        "credential_process": own,
    }
    restored = delegation.restored("p", section)
    assert {restored["role_arn"], restored["source_profile"], restored["region"]} == {"a", "s", "r"}
    assert "credential_process" not in restored
    assert delegation.restored("q", section) is section, "another one asks for p, and means it"


def test_a_key_that_came_back_by_its_own_name_counts() -> None:
    """Every SDK reads it, and Keyturn does not run a command as somebody else than they would."""
    own = "keyturn aws credential-process --profile p"
    section = {"keyturn_role_arn": "old", "role_arn": "new", "credential_process": own}
    assert delegation.restored("p", section)["role_arn"] == "new"
