"""The payloads: one encoding, strict, and nothing of a newer version guessed at."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.ground.errors import DamagedError, MisplacedError, NewerError, UsageError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.items import Field, FieldType, Item, Section, Url
from keyturn.vaults.age import contents
from keyturn.vaults.age.documents import (
    AccountDocument,
    Codec,
    Previous,
    SlotRecord,
    VaultDocument,
    decode_item,
    encode_item,
    summarise,
)
from keyturn.vaults.age.slots import Kind
from tests.vaults.templates import MOMENT, make_item

ids = st.builds(new_id)
secrets = st.builds(Secret, st.text())
fields = st.builds(
    Field,
    id=st.text(),
    type=st.sampled_from(FieldType),
    label=st.text(),
    value=secrets,
    section=st.none() | st.builds(Section, id=st.text(), label=st.text()),
)
items = st.builds(
    Item,
    id=ids,
    title=st.text(),
    category=st.text(),
    version=st.integers(1, 2**53),
    created_at=st.text(),
    updated_at=st.text(),
    fields=st.lists(fields, max_size=3),
    tags=st.lists(st.text(), max_size=3),
    urls=st.lists(st.builds(Url, href=st.text(), label=st.text(), primary=st.booleans()), max_size=2),
)
generations = st.integers(1, 2**53)
histories = st.lists(st.tuples(generations, st.binary(min_size=32, max_size=32).map(bytes.hex)), max_size=4)
records = st.builds(
    SlotRecord,
    id=ids,
    kind=st.sampled_from(Kind),
    title=st.text(),
    created=st.text(),
    recipient=secrets,
    block=st.text(),
)
accounts = st.builds(
    AccountDocument,
    keyturn=st.just("account"),
    format=st.just(1),
    account=ids,
    title=st.text(),
    created=st.text(),
    generation=generations,
    writer=ids,
    history=histories,
    slots=st.lists(records, max_size=3),
    previous=st.none() | st.builds(Previous, identity=secrets, slots=st.lists(ids, max_size=3)),
)

account_codec, vault_codec = Codec(AccountDocument), Codec(VaultDocument)
ACCOUNT = contents.first_account("a" * 26, "Test", [], MOMENT, "m" * 26)
EMPTY = contents.empty_vault("a" * 26, "v" * 26, "Private", MOMENT, "m" * 26)


@given(accounts)
def test_an_account_comes_back(document: AccountDocument) -> None:
    content = account_codec.encode(document)
    assert account_codec.decode(content) == (document, 1)


@given(st.lists(items, max_size=3))
def test_a_vault_and_its_items_come_back(stored: list[Item]) -> None:
    document = EMPTY
    for item in stored:
        document = contents.with_item(document, item)
    content = vault_codec.encode(document)
    back, _ = vault_codec.decode(content)
    assert vault_codec.encode(back) == content
    for item in stored:
        assert decode_item(item.id, back.items[item.id]) == item
        assert encode_item(decode_item(item.id, back.items[item.id])) == bytes(back.items[item.id])
        summary = summarise(item.id, back.items[item.id])
        assert (summary.id, summary.title, summary.tags) == (item.id, item.title, tuple(item.tags))


@given(st.data())
def test_what_parses_encodes_to_the_same_bytes(data: st.DataObject) -> None:
    content = vault_codec.encode(contents.with_item(EMPTY, make_item()))
    position = data.draw(st.integers(0, len(content) - 1))
    inserted = data.draw(
        st.sampled_from([b"", b" ", b"0", b'"', b"\\u0061", b"\n", b",", b"\xff", b"\0", b"null"])
    )
    removed = data.draw(st.integers(0, 3))
    candidate = content[:position] + inserted + content[position + removed :]
    try:
        document, _ = vault_codec.decode(candidate)
    except DamagedError:
        return
    assert vault_codec.encode(document) == candidate


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"title":', b'"title" :'),
        (b'{"keyturn"', b' {"keyturn"'),
        (b'"items":{}', b'"items":{},"more":1'),
        (b'"items":{}', b'"items":{},"items":{}'),
        (b'"title":"Private"', b'"title":"\\u0050rivate"'),
        (b'"generation":1', b'"generation":1.0'),
        (b'"generation":1', b'"generation":0'),
        (b'"generation":1', b'"generation":true'),
        (b'"history":[]', b'"history":null'),
        (b'"history":[]', b'"history":[[1,"x"]]'),
        (b'"items":{}', b'"items":{"x":1}'),
        (b'"items":{}', b'"items":{"' + b"i" * 26 + b'\\n":1}'),
        (b',"items":{}', b""),
        (b'"account":"' + b"a" * 26, b'"account":"' + b"A" * 26),
        (b'"format":2', b'"format":0'),
        (b'"format":2', b'"format":"2"'),
        (b"}", b"}}"),
    ],
)
def test_another_spelling_is_damaged(old: bytes, new: bytes) -> None:
    content = vault_codec.encode(EMPTY)
    assert old in content
    with pytest.raises(DamagedError) as caught:
        vault_codec.decode(content.replace(old, new, 1))
    assert "rivate" not in str(caught.value)


def test_an_item_has_one_spelling_and_one_place() -> None:
    item = make_item()
    content = encode_item(item)
    for wrong in (b" " + content, content.replace(b'"version":1', b'"version": 1'), content[:-1], b"{}"):
        with pytest.raises(DamagedError) as caught:
            decode_item(item.id, wrong)
        assert "wJalr" not in str(caught.value) + repr(caught.value.__context__)
    with pytest.raises(DamagedError):
        decode_item(new_id(), content)
    with pytest.raises(DamagedError):
        summarise(new_id(), content)


@pytest.mark.parametrize("wrong", [{"id": "../x"}, {"version": "1"}, {"title": 1}, {"tags": None}])
def test_an_item_that_would_not_be_read_back_is_not_stored(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="cannot be stored"):
        encode_item(msgspec.structs.replace(make_item(), **wrong))


def test_a_newer_document_is_refused_by_its_version() -> None:
    newer = msgspec.json.encode({"keyturn": "vault", "format": 7, "unheard": "of"})
    with pytest.raises(NewerError, match="format 7; this Keyturn reads up to 2"):
        vault_codec.decode(newer)


def first_format(items: str) -> bytes:
    """A vault as format 1 had it, written out: no code of ours writes it any more."""
    account, vault, machine = "a" * 26, "v" * 26, "m" * 26
    return (
        f'{{"keyturn":"vault","format":1,"account":"{account}","vault":"{vault}","title":"Private",'
        f'"created":"{MOMENT}","generation":7,"writer":"{machine}","history":[[6,"{"0" * 64}"]],'
        f'"items":{items}}}'
    ).encode()


def test_the_first_format_of_a_vault_is_migrated() -> None:
    item = make_item()
    document, version = vault_codec.decode(first_format(f'{{"{item.id}":{encode_item(item).decode()}}}'))
    assert version == 1
    assert (document.format, document.archived, document.versions) == (2, {}, {})
    assert (document.title, document.generation, document.history) == ("Private", 7, [(6, "0" * 64)])
    assert decode_item(item.id, document.items[item.id]) == item
    assert vault_codec.decode(vault_codec.encode(document)) == (document, 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"title":', b'"title" :'),
        (b'"items":{}', b'"items":{},"archived":{},"versions":{}'),
        (b'"items":{}', b'"items":{},"items":{}'),
        (b',"items":{}', b""),
        (b'"generation":7', b'"generation":true'),
    ],
)
def test_what_is_damaged_is_not_mended_by_a_migration(old: bytes, new: bytes) -> None:
    content = first_format("{}")
    assert vault_codec.decode(content)
    assert old in content
    with pytest.raises(DamagedError) as caught:
        vault_codec.decode(content.replace(old, new, 1))
    assert "rivate" not in str(caught.value) + repr(caught.value.__context__)


def test_another_kind_of_document_is_misplaced() -> None:
    with pytest.raises(MisplacedError):
        account_codec.decode(vault_codec.encode(EMPTY))
    with pytest.raises(MisplacedError):
        vault_codec.decode(account_codec.encode(ACCOUNT))


def test_ten_thousand_items_stay_encoded() -> None:
    content = encode_item(make_item())
    many = {new_id(): msgspec.Raw(content) for _ in range(10_000)}
    document = msgspec.structs.replace(EMPTY, items=many)
    back, _ = vault_codec.decode(vault_codec.encode(document))
    assert {type(item) for item in back.items.values()} == {msgspec.Raw}
