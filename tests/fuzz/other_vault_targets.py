"""What comes from other programs' vaults: helpers' answers, entries of pass, items of 1Password."""

import msgspec

from keyturn.ground import packed
from keyturn.ground.secret import Secret
from keyturn.ground.wire import WireError
from keyturn.items import Field, FieldType, Item, VaultReference, new_field, new_item
from keyturn.vaults import operations
from keyturn.vaults.onepassword import items as op_items
from keyturn.vaults.operations import Got, Listing, Opened
from keyturn.vaults.password_store import entry
from tests.fuzz.refusals import CANARY, ITEM, MOMENT, refused


def vault_answer(content: bytes) -> bool:
    try:
        operations.decode_answer(content)
    except WireError as error:
        return refused(error, content)
    return True


def pass_entry(content: bytes) -> bool:
    """Every text is an entry, and what is written from it is read the same."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    fields, tags, urls, _ = entry.parse(text)
    item = Item(ITEM, "t", "", 1, MOMENT, MOMENT, fields, tags, urls)
    again = entry.parse(entry.render(item))[0]
    assert _shown(again) == _shown(fields)
    return True


def op_item(content: bytes) -> bool:
    """What `op` prints is an item, or none; never an error of another kind."""
    try:
        found = msgspec.json.decode(content, type=dict)
        item = op_items.item_of(found)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError, ValueError):
        return False
    assert isinstance(item, Item)
    return True


def _shown(fields: list[Field]) -> list[tuple[str, FieldType, str]]:
    return sorted((field.label, field.type, field.value.reveal()) for field in fields)


OTHER_VAULTS = {"vault-answer": vault_answer, "pass-entry": pass_entry, "op-item": op_item}


def seeds() -> dict[str, list[bytes]]:
    """What these are fuzzed from."""
    secret = new_field("secret", FieldType.CONCEALED, Secret(CANARY.decode()))
    code = new_field("one-time password", FieldType.OTP, Secret("otpauth://totp/x?secret=JBSWY3DPEHPK3PXP"))
    item = new_item("Demo", [secret, code], MOMENT, ["tag"])
    item.id = secret.id = code.id = ITEM
    printed = {
        "id": ITEM,
        "title": "Demo",
        "version": 3,
        "vault": {"id": ITEM, "name": "Private"},
        "fields": [{"id": "x", "type": "EMAIL", "label": "mail", "value": CANARY.decode()}],
        "urls": [{"href": "https://example.com", "primary": True}],
    }
    vault = VaultReference(ITEM, "Private")
    answers = [Opened(Secret(CANARY.decode()), typed=True), Listing([vault], []), Got(item, vault)]
    return {
        "vault-answer": [packed.encode(each) for each in answers],
        "pass-entry": [
            entry.render(item).encode(),
            b"x\nuser: ada\notpauth://totp/x?secret=A\nfree\n",
        ],
        "op-item": [msgspec.json.encode(printed), msgspec.json.encode({**printed, "fields": []})],
    }
