"""Pasted keys: each form that AWS and its tools show them in, and what is none."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.aws import triples
from keyturn.aws.base import item_keys
from keyturn.ground.errors import ConfigurationError, ExpiredKeysError, UsageError
from keyturn.ground.secret import Secret
from tests.aws.world import Caller, item, role_arn

ID, SECRET, TOKEN = (
    "ASIAIOSFODNN7EXAMPLE",
    "wJalr/XUtn+FEMI=K7MDENGbPxRfiCYEXAMPLEKEY",
    "IQoJb3JpZ2luX2VjEXAMPLE//+=",
)
END = "2099-01-31T12:00:00+00:00"

# The access portal's three options, `aws configure export-credentials`, and STS itself.
FORMS = {
    "portal, macOS and Linux": f'export AWS_ACCESS_KEY_ID="{ID}"\nexport AWS_SECRET_ACCESS_KEY="{SECRET}"\n'
    f'export AWS_SESSION_TOKEN="{TOKEN}"',
    "portal, Windows": f"SET AWS_ACCESS_KEY_ID={ID}\r\nSET AWS_SECRET_ACCESS_KEY={SECRET}\r\n"
    f"SET AWS_SESSION_TOKEN={TOKEN}\r\n",
    "portal, PowerShell": f'$Env:AWS_ACCESS_KEY_ID="{ID}"\n$Env:AWS_SECRET_ACCESS_KEY="{SECRET}"\n'
    f'$Env:AWS_SESSION_TOKEN="{TOKEN}"\n',
    "portal, a credentials file": f"[123456789012_Admin]\naws_access_key_id={ID}\n"
    f"aws_secret_access_key={SECRET}\naws_session_token={TOKEN}\n",
    "export-credentials env": f"export AWS_ACCESS_KEY_ID={ID}\nexport AWS_SECRET_ACCESS_KEY={SECRET}\n"
    f"export AWS_SESSION_TOKEN={TOKEN}\nexport AWS_CREDENTIAL_EXPIRATION={END}\n",
    "export-credentials env-no-export": f"AWS_ACCESS_KEY_ID={ID}\nAWS_SECRET_ACCESS_KEY={SECRET}\n"
    f"AWS_SESSION_TOKEN={TOKEN}\nAWS_CREDENTIAL_EXPIRATION={END}\n",
    "export-credentials powershell": f'$Env:AWS_ACCESS_KEY_ID="{ID}"\n$Env:AWS_SECRET_ACCESS_KEY="{SECRET}"\n'
    f'$Env:AWS_SESSION_TOKEN="{TOKEN}"\n$Env:AWS_CREDENTIAL_EXPIRATION="{END}"\n',
    "export-credentials process": json.dumps(
        {"Version": 1, "AccessKeyId": ID, "SecretAccessKey": SECRET, "SessionToken": TOKEN, "Expiration": END}
    ),
    "sts": json.dumps(
        {
            "Credentials": {
                "AccessKeyId": ID,
                "SecretAccessKey": SECRET,
                "SessionToken": TOKEN,
                "Expiration": END,
            },
            "AssumedRoleUser": {"Arn": "x"},
        },
        indent=4,
    ),
    "fish": f"set -gx AWS_ACCESS_KEY_ID '{ID}';\nset -gx AWS_SECRET_ACCESS_KEY '{SECRET}'\n"
    f"set -gx AWS_SESSION_TOKEN '{TOKEN}'\n",
    "with a region and words around": f"# a demo\nexport AWS_REGION=eu-1\nexport AWS_ACCESS_KEY_ID={ID}\n"
    f"export AWS_SECRET_ACCESS_KEY={SECRET}\nexport AWS_SESSION_TOKEN={TOKEN}\nthat is all\n",
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form(name: str) -> None:
    found = triples.parse(Secret(FORMS[name]))
    assert (found.key_id, found.secret.reveal(), found.token.reveal()) == (ID, SECRET, TOKEN)
    has_end = END in FORMS[name]
    assert found.expires == (datetime(2099, 1, 31, 12, tzinfo=UTC) if has_end else None)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "holds no AWS_ACCESS_KEY_ID"),
        (FORMS["portal, macOS and Linux"].rpartition("\n")[0], "holds no AWS_SESSION_TOKEN"),
        (FORMS["sts"].replace("SecretAccessKey", "Other"), "holds no AWS_SECRET_ACCESS_KEY"),
        (FORMS["sts"][:-5], "begins as JSON and is none"),
        ('{"Credentials": []}', "holds no AWS_ACCESS_KEY_ID"),
        (FORMS["fish"] + FORMS["fish"].replace(ID, "ASIAIOSFODNN8EXAMPLE"), "has several keys"),
        (FORMS["sts"].replace(END, "soon"), "ends at something that is no moment"),
        (FORMS["sts"].replace(ID, "not an id"), "AWS_ACCESS_KEY_ID that is none"),
        (FORMS["sts"].replace(TOKEN, "a b"), "with characters that none has"),
        ("x" * 70000, "far more than keys"),
    ],
)
def test_what_is_none(text: str, line: str) -> None:
    with pytest.raises(UsageError, match=line) as caught:
        triples.parse(Secret(text))
    assert not {ID, SECRET, TOKEN} & set(" ".join((caught.value.message, *caught.value.hints)).split())


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    with pytest.raises(UsageError):
        triples.parse(Secret(text))


KEYS = {"access key id": ID, "secret access key": SECRET, "session_token": TOKEN}


def test_an_item_with_temporary_keys() -> None:
    keys = item_keys(item("x", session_token=TOKEN, expires=END), datetime(2098, 1, 1, tzinfo=UTC))
    assert keys.token == Secret(TOKEN)
    assert keys.expires == datetime(2099, 1, 31, 12, tzinfo=UTC)
    with pytest.raises(ExpiredKeysError, match="the temporary keys of item “x” have expired, at 2099-01-31"):
        item_keys(item("x", session_token=TOKEN, expires=END), datetime(2099, 2, 1, tzinfo=UTC))
    with pytest.raises(ConfigurationError, match="“expires” is no moment"):
        item_keys(item("x", session_token=TOKEN, expires="soon"))
    assert item_keys(item("x", session_token=TOKEN)).expires is None
    assert item_keys(item("x", expires="of something else")).token is None


def test_temporary_keys_get_no_session_and_chained_roles_an_hour(home: object) -> None:
    """However long they are asked for, and whatever device there is."""
    found = Caller(home, item("selected", session_token=TOKEN, expires=END))  # type: ignore[arg-type]
    serial = "arn:aws:iam::111122223333:mfa/a"
    found.write(f"[profile p]\nrole_arn = {role_arn('p')}\nduration_seconds = 43200\nmfa_serial = {serial}\n")
    assert found.plan("--profile default s3 ls").calls == ()
    (call,) = found.plan("--profile p s3 ls").calls
    assert (call.duration, call.mfa) == (3600, None)  # type: ignore[union-attr]
    child = found.child(found.run("--profile default s3 ls"))
    assert child["AWS_SESSION_TOKEN"] == TOKEN
    assert child["AWS_CREDENTIAL_EXPIRATION"] == "2099-01-31T12:00:00Z"
