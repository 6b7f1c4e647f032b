"""Candidates from the environment: complete ones are offered, halves reported, ghosts nothing."""

from __future__ import annotations

import pytest

from keyturn.catalogue import loader
from keyturn.ground.secret import Secret
from keyturn.items import FieldType
from keyturn.sdk.importers import Candidate, Findings, from_environment, item_fields, shown

AWS = loader.load("aws")
KEY, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PAIR = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}


def only(found: Findings) -> Candidate:
    assert found.rejected == ()
    (candidate,) = found.candidates
    return candidate


def revealed(candidate: Candidate) -> dict[str, str]:
    return {label: value.reveal() for label, value in candidate.fields.items()}


def test_a_pair_with_its_region() -> None:
    candidate = only(from_environment(AWS, {**PAIR, "AWS_DEFAULT_REGION": "eu-west-1", "PATH": "/bin"}))
    assert revealed(candidate) == {
        "access key id": KEY,
        "secret access key": SECRET,
        "default region": "eu-west-1",
    }
    assert candidate.source == "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment"
    assert candidate.variables == ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    assert candidate.place is None


def test_of_two_regions_the_first_counts() -> None:
    candidate = only(from_environment(AWS, {**PAIR, "AWS_DEFAULT_REGION": "b", "AWS_REGION": "a"}))
    assert candidate.fields["default region"] == Secret("a")


def test_other_names_and_the_same_keys_once() -> None:
    amazon = {"AMAZON_ACCESS_KEY_ID": KEY, "AMAZON_SECRET_ACCESS_KEY": SECRET}
    assert revealed(only(from_environment(AWS, amazon)))["access key id"] == KEY
    assert len(from_environment(AWS, {**PAIR, **amazon}).candidates) == 1
    other = {"AWS_ACCESS_KEY": KEY, "AWS_ACCESS_SECRET": SECRET}
    assert only(from_environment(AWS, other)).variables == ("AWS_ACCESS_KEY", "AWS_ACCESS_SECRET")


def test_story_28_any_base64_text_comes_through() -> None:
    secret = "a/b+c=d/+=%$#'\"\\ x"
    found = only(from_environment(AWS, {**PAIR, "AWS_SECRET_ACCESS_KEY": secret}))
    assert revealed(found)["secret access key"] == secret


@pytest.mark.parametrize(
    ("environment", "reason"),
    [
        ({"AWS_ACCESS_KEY_ID": KEY}, "AWS_SECRET_ACCESS_KEY is missing"),
        ({"AWS_SECRET_ACCESS_KEY": SECRET, "AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID is missing"),
        ({**PAIR, "AWS_SESSION_TOKEN": "t"}, "AWS_SESSION_TOKEN is set: temporary keys"),
        ({**PAIR, "AWS_ACCESS_KEY_ID": "ASIAX"}, "temporary: its access key id begins with ASIA"),
        ({**PAIR, "AWS_SECRET_ACCESS_KEY": "a\nb"}, "its secret access key has more than one line"),
    ],
)
def test_defect_l15_what_is_not_offered(environment: dict[str, str], reason: str) -> None:
    found = from_environment(AWS, environment)
    assert found.candidates == ()
    assert [each.reason for each in found.rejected] == [reason]
    assert SECRET not in repr(found)


@pytest.mark.parametrize("environment", [{}, {"AWS_DEFAULT_REGION": "x"}, dict.fromkeys(PAIR, "")])
def test_defect_l15_no_ghosts(environment: dict[str, str]) -> None:
    assert from_environment(AWS, environment) == Findings()


def test_what_is_shown_is_masked() -> None:
    candidate = only(from_environment(AWS, {**PAIR, "AWS_REGION": "eu\x1b[2J"}))
    rows = dict(shown(candidate, AWS.credential))
    assert rows["access key id"] == KEY
    assert rows["secret access key"] == "…EKEY"
    assert rows["default region"] == "eu·[2J"
    assert SECRET not in repr(candidate)


def test_the_fields_of_an_item() -> None:
    candidate = only(from_environment(AWS, {**PAIR, "AWS_REGION": "r"}))
    assert [(field.label, field.type) for field in item_fields(candidate, AWS.credential)] == [
        ("access key id", FieldType.TEXT),
        ("secret access key", FieldType.CONCEALED),
        ("default region", FieldType.TEXT),
    ]
