"""Which type a field gets, and changes of fields, without an agent."""

import pytest

from keyturn.agent import field_changes
from keyturn.agent.field_changes import credential_types, field_type, known_type
from keyturn.agent.requests import FieldChange
from keyturn.ground.errors import ConfigurationError, MissingError, UsageError
from keyturn.ground.secret import Secret
from keyturn.items import ALWAYS_ASK, FieldType, Item, new_field, new_item

AWS = "keyturn/aws/access-key"
SEED = "JBSWY3DPEHPK3PXP"


def item(*tags: str) -> Item:
    fields = [
        new_field("user", FieldType.TEXT, Secret("ada")),
        new_field("key", FieldType.CONCEALED, Secret("k")),
    ]
    return new_item("t", fields, "2024-05-06T07:08:09Z", list(tags))


def shown(found: Item) -> list[tuple[str, FieldType, str]]:
    return [(field.label, field.type, field.value.reveal()) for field in found.fields]


def test_a_tag_tells_the_types() -> None:
    assert [each.name for each in credential_types([ALWAYS_ASK, "red", AWS])] == ["access-key"]
    for tag in (
        "keyturn/aws/other",
        "keyturn/none/access-key",
        "keyturn/aws",
        "aws/access-key",
        "keyturn/../aws",
    ):
        assert credential_types([tag]) == []
    assert known_type([AWS], "Secret_Access-Key") is FieldType.CONCEALED
    assert known_type([AWS], "mfa serial") is FieldType.TEXT
    assert known_type([AWS], "one-time password") is FieldType.OTP
    assert known_type([AWS], "other") is known_type([], "mfa serial") is None


@pytest.mark.parametrize(
    ("written", "there", "known", "expected"),
    [
        ("", None, None, FieldType.CONCEALED),
        ("", None, FieldType.TEXT, FieldType.TEXT),
        ("url", FieldType.TEXT, FieldType.OTP, FieldType.URL),
        ("", FieldType.URL, FieldType.TEXT, FieldType.URL),
        ("", FieldType.CONCEALED, FieldType.TEXT, FieldType.CONCEALED),
        ("", FieldType.CONCEALED, FieldType.OTP, FieldType.OTP),
        ("", FieldType.TEXT, FieldType.OTP, FieldType.TEXT),
    ],
)
def test_the_type_of_a_field(
    written: str, there: FieldType | None, known: FieldType | None, expected: FieldType
) -> None:
    field = None if there is None else new_field("x", there, Secret("v"))
    assert field_type(written, field, known) is expected


def test_changes() -> None:
    found = item(AWS)
    field_changes.apply(
        found,
        [
            FieldChange(label="USER", value=Secret("bob")),
            FieldChange(label="mfa serial", value=Secret("arn")),
            FieldChange(label="secret", former="key", type="text"),
            FieldChange(label="one-time password", value=Secret(SEED)),
        ],
    )
    assert shown(found) == [
        ("user", FieldType.TEXT, "bob"),
        ("secret", FieldType.TEXT, "k"),
        ("mfa serial", FieldType.TEXT, "arn"),
        ("one-time password", FieldType.OTP, SEED),
    ]
    field_changes.apply(found, [FieldChange(label="Mfa-Serial"), FieldChange(label="one-time password")])
    field_changes.apply(found, [FieldChange(label="user", former="user", type="concealed")])
    assert shown(found) == [("user", FieldType.CONCEALED, "bob"), ("secret", FieldType.TEXT, "k")]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (FieldChange(label="none"), MissingError, "no field “none”"),
        (FieldChange(label="x", former="none"), MissingError, "no field “none”"),
        (FieldChange(label="user", former="key"), UsageError, "has a field “user” already"),
        (FieldChange(label="x", type="password", value=Secret("v")), UsageError, "no field type"),
        (FieldChange(label="x", type="otp", value=Secret("oops")), ConfigurationError, "cannot be used"),
        (FieldChange(label="key", type="otp", former="key"), ConfigurationError, "cannot be used"),
    ],
)
def test_what_is_refused(change: FieldChange, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        field_changes.apply(item(), [change])


def test_an_empty_field_gives_way_to_one_that_is_renamed() -> None:
    found = item()
    found.fields[0].value = Secret("")
    field_changes.apply(found, [FieldChange(label="user", former="key")])
    assert shown(found) == [("user", FieldType.CONCEALED, "k")]
