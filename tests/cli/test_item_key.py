"""The access key in what a command prints or a person pastes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.cli import item_key
from keyturn.ground.errors import UsageError
from keyturn.ground.secret import Secret

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
JSON = {
    "AccessKey": {"UserName": "ada", "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET, "Status": "Active"}
}


@pytest.mark.parametrize(
    "text",
    [
        f"{KEY_ID}\n{SECRET}",
        f"{SECRET}\t{KEY_ID}\r\n",
        f"ACCESSKEY\t{KEY_ID}\t2026-01-31T12:00:00+00:00\t{SECRET}\tActive\tada\n",
        f"Access key ID,Secret access key\r\n{KEY_ID},{SECRET}\r\n",
        f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n",
        f'export AWS_ACCESS_KEY_ID="{KEY_ID}"\nexport AWS_SECRET_ACCESS_KEY={SECRET}\n',
        f"{KEY_ID} {SECRET}\n{KEY_ID} {SECRET}",
    ],
)
def test_a_pair_is_found_however_it_is_written(text: str) -> None:
    found = item_key.parse(Secret(text))
    assert (found.key_id, found.secret, found.user) == (KEY_ID, Secret(SECRET), "")
    assert SECRET not in repr(found)


def test_json() -> None:
    for written in (JSON, JSON["AccessKey"]):
        found = item_key.parse(Secret(json.dumps(written, indent=4) + "\n"))
        assert (found.key_id, found.secret, found.user) == (KEY_ID, Secret(SECRET), "ada")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (" \n", "nothing on standard input"),
        (SECRET, "0 key ids (AKIA…) and 1 secret keys"),
        (f"{KEY_ID} {SECRET} {SECRET[::-1]}", "1 key ids (AKIA…) and 2 secret keys"),
        (f"{KEY_ID} {SECRET[1:]}", "0 secret keys"),
        (f"{KEY_ID} {SECRET}x", "0 secret keys"),
        (f"ASIA{KEY_ID[4:]} {SECRET}", "temporary key"),
        (json.dumps({**JSON["AccessKey"], "SessionToken": SECRET}), "temporary credentials"),
        (json.dumps({"Credentials": JSON["AccessKey"]}), "temporary credentials"),
        (json.dumps({"AccessKey": {"AccessKeyId": KEY_ID}}), "no AccessKeyId with its SecretAccessKey"),
        (json.dumps({"AccessKey": [SECRET]}), "not the JSON of an access key"),
        ("{" + SECRET, "not the JSON of an access key"),
        ("{" + '"a":[' * 100_000, "not the JSON of an access key"),
    ],
)
def test_what_is_refused_is_not_repeated(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        item_key.parse(Secret(text))
    assert said in caught.value.message
    everything = [caught.value.message, *caught.value.hints, repr(caught.value.__context__)]
    assert SECRET[:20] not in "".join(everything)


@given(st.text())
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    with pytest.raises(UsageError):
        item_key.parse(Secret(text))
