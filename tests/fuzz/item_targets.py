"""Targets of what a person gives to `keyturn item`, as tests/fuzz/targets.py has them."""

from keyturn import otp
from keyturn.cli import item_key, item_text
from keyturn.ground.errors import ConfigurationError, UsageError
from keyturn.ground.secret import Secret
from keyturn.items import Item
from tests.fuzz.refusals import CANARY, ITEM, MOMENT, refused


def item_in_editor(content: bytes) -> bool:
    """What a person's editor leaves of an item's text."""
    before = Item(ITEM, "AWS", "API_CREDENTIAL", 3, MOMENT, MOMENT, [])
    try:
        found = item_text.read(Secret(content.decode("utf-8", "replace")), before)
    except UsageError as error:
        return refused(error, content)
    assert item_text.read(Secret(item_text.write(found, reveal=True)), found) == found
    assert CANARY.decode() not in repr(found.fields) or CANARY.decode() in "".join(
        field.id + field.label for field in found.fields
    )
    return True


def access_key(content: bytes) -> bool:
    """What a person pipes into `item create --from -`."""
    try:
        found = item_key.parse(Secret(content.decode("utf-8", "replace")))
    except UsageError as error:
        return refused(error, content)
    assert found.key_id
    assert found.secret
    assert found.secret.reveal() not in repr(found)
    return True


def one_time_password(content: bytes) -> bool:
    """An otpauth URI or a bare secret."""
    try:
        found = otp.parse(Secret(content.decode("utf-8", "replace")))
    except ConfigurationError as error:
        return refused(error, content)
    assert len(found.code(1).reveal()) == found.digits
    return True
