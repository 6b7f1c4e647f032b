"""Slot files: one form, bounded work, and nothing moved or edited without being noticed."""

from dataclasses import replace
from pathlib import Path

import pyrage  # type: ignore[import-untyped]  # a compiled module without stubs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.ground.errors import DamagedError, MisplacedError, NewerError, UsageError, WorkFactorError
from keyturn.ground.names import new_id
from keyturn.ground.secret import Secret
from keyturn.vaults.age import armor, identities, slots
from keyturn.vaults.age.slots import Header, Kind, Slot
from tests.vaults import age_scrypt

ACCOUNT, SLOT = "a" * 26, "b" * 26
HEADER = Header(ACCOUNT, SLOT, Kind.PASSWORD, "pass word", "2024-05-06T07:08:09Z")
RECOVERY = Header(ACCOUNT, SLOT, Kind.RECOVERY, "printed", "2024-05-06T07:08:09Z")

printable = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
titles = st.text(printable, min_size=1, max_size=slots.LONGEST_TITLE).filter(
    lambda text: text == text.strip()
)


@pytest.fixture(scope="module")
def password_slot() -> tuple[bytes, Secret, Secret]:
    """A password slot's file, the slot's own identity and the account's."""
    own, account = identities.generate(), identities.generate()
    block = age_scrypt.header_only("15")
    return slots.wrap(HEADER, account, identities.recipient_of(own), block).encode(), own, account


@pytest.fixture(scope="module")
def recovery_slot() -> tuple[bytes, Secret, Secret]:
    code, account = slots.new_recovery_code(), identities.generate()
    return slots.wrap(RECOVERY, account, identities.recipient_of(code), b"").encode(), code, account


def test_a_slot_gives_the_account_identity_to_its_own(
    password_slot: tuple[bytes, Secret, Secret], recovery_slot: tuple[bytes, Secret, Secret]
) -> None:
    for content, own, account in (password_slot, recovery_slot):
        slot = slots.parse(content)
        assert slot.open(own) == account
        assert slot.open(identities.generate()) is None
        assert slot.encode() == content


@given(title=titles, kind=st.sampled_from(Kind), account=st.builds(new_id), slot=st.builds(new_id))
def test_what_is_written_parses_to_the_same(title: str, kind: Kind, account: str, slot: str) -> None:
    header = Header(account, slot, kind, title, "2024-02-29T23:59:59Z")
    first = {Kind.PASSWORD: age_scrypt.header_only("21"), Kind.SSH: ssh_block()}
    outer = (first.get(kind, armor.encode(b"y")),) if kind.is_locked else ()
    written = Slot(header, (*outer, armor.encode(b"x")))
    assert slots.parse(written.encode()) == written


def ssh_block(stanza: bytes = b"ssh-ed25519 %s %s" % (b"A" * 6, b"A" * 43), body: int = 43) -> bytes:
    """A block with the form of one for an SSH key; nobody gets as far as noticing that nothing opens it."""
    text = b"A" * body
    lines = b"".join(text[at : at + 64] + b"\n" for at in range(0, len(text) + 1, 64))
    return armor.encode(b"age-encryption.org/v1\n-> %s\n%s--- %s\n" % (stanza, lines, b"A" * 43) + bytes(64))


@pytest.mark.parametrize(
    ("stanza", "body"),
    [
        (b"ssh-ed25519 AAAAAA " + b"A" * 43, 43),
        (b"ssh-rsa AAAAAA", 342),
        (b"ssh-rsa AAAAAA", 512),  # 3072 bits: the last line is full, and an empty one follows
    ],
)
def test_a_stanza_for_an_ssh_key_is_accepted(stanza: bytes, body: int) -> None:
    block = ssh_block(stanza, body)
    armor.check_ssh(block)
    greased = armor.decode(block).replace(b"\n---", b"\n-> @,b-grease x!y\nAAAA\n---")
    armor.check_ssh(armor.encode(greased))


@pytest.mark.parametrize(
    "block",
    [
        age_scrypt.header_only("15"),
        ssh_block(b"X25519 " + b"A" * 43),
        ssh_block(b"ssh-rsa AAAAAA AAAA"),
        armor.encode(armor.decode(ssh_block()).replace(b"\n---", b"\n-> ssh-rsa AAAAAA\nA\n---")),
        armor.encode(armor.decode(ssh_block()).replace(b"\n---", b"\n-> scrypt x-grease 22\nA\n---")),
    ],
)
def test_another_first_block_in_an_ssh_slot_is_damaged(block: bytes) -> None:
    header = Header(ACCOUNT, SLOT, Kind.SSH, "laptop", HEADER.created)
    with pytest.raises(DamagedError, match="not for an SSH key"):
        slots.parse(Slot(header, (block, armor.encode(b"x"))).encode())


def test_a_mark_stays_when_the_id_changes() -> None:
    blocks = (armor.encode(b"locked"), armor.encode(b"one"))
    for kind in Kind:
        first = blocks if kind.is_locked else blocks[1:]
        later = (*first[:-1], armor.encode(b"another"))
        one, other = (Header(ACCOUNT, each * 26, kind, "x", HEADER.created) for each in "bc")
        assert Slot(one, first).mark == Slot(other, later).mark
        same = Slot(one, (blocks[1], *first[1:])) if kind.is_locked else Slot(replace(one, title="y"), first)
        assert same.mark != Slot(one, first).mark


@given(st.binary() | st.text().map(str.encode))
def test_what_parses_encodes_to_the_same_bytes(content: bytes) -> None:
    start = HEADER.encode()
    for candidate in (content, start + content, start.replace(b"pass word", content)):
        try:
            slot = slots.parse(candidate)
        except DamagedError:
            continue
        assert slot.encode() == candidate


@pytest.mark.parametrize("part", ["password_slot", "recovery_slot"])
def test_every_changed_byte_and_every_truncation_is_refused(
    part: str, request: pytest.FixtureRequest
) -> None:
    content, own, account = request.getfixturevalue(part)

    def opens(candidate: bytes) -> bool:
        try:
            return bool(slots.parse(candidate).open(own) == account)
        except DamagedError:
            return False

    assert opens(content)
    accepted = [end for end in range(len(content)) if opens(content[:end])]
    for position, byte in enumerate(content):
        for value in {byte ^ 1, byte ^ 0x20, 0x0A, 0x20} - {byte}:
            if opens(content[:position] + bytes([value]) + content[position + 1 :]):
                accepted.append(position)
        if opens(content[:position] + content[position : position + 1] + content[position:]):
            accepted.append(position)
    accepted += [len(content)] if opens(content + b"\n") or opens(content + content) else []
    assert accepted == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"account": "c" * 26}, MisplacedError),
        ({"slot": "c" * 26}, MisplacedError),
        ({"title": "other"}, DamagedError),
        ({"created": "2024-05-06T07:08:10Z"}, DamagedError),
    ],
)
def test_an_edited_header_is_noticed(
    change: dict[str, str], error: type[DamagedError], recovery_slot: tuple[bytes, Secret, Secret]
) -> None:
    content, code, _ = recovery_slot
    slot = slots.parse(content)
    fields = {"account": ACCOUNT, "slot": SLOT, "title": RECOVERY.title, "created": RECOVERY.created} | change
    edited = Slot(Header(kind=Kind.RECOVERY, **fields), slot.blocks)
    with pytest.raises(DamagedError) as caught:
        slots.parse(edited.encode()).open(code)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\nAGE-", b"\n\nAGE-"),
        (b"\nAGE-SECRET", b"\nage-secret"),
        (b"\nAGE-", b"\n# more\nAGE-"),
        (b"\n", b"\r\n"),
        (b"1", b"\xff"),
        (b"AGE-SECRET-KEY-1", b"AGE-SECRET-KEY-1X"),
    ],
)
def test_the_innermost_block_has_one_form(
    old: bytes, new: bytes, recovery_slot: tuple[bytes, Secret, Secret]
) -> None:
    content, code, _ = recovery_slot
    inside = identities.unseal(slots.parse(content).blocks[0], code)
    assert inside is not None
    for changed in (inside.replace(old, new), inside[:-1], inside + b"\n"):
        block = identities.seal(changed, identities.recipient_of(code), armored=True)
        with pytest.raises(DamagedError):
            Slot(RECOVERY, (block,)).open(code)


def test_another_kind_is_noticed(password_slot: tuple[bytes, Secret, Secret]) -> None:
    content, own, _ = password_slot
    header = Header(ACCOUNT, SLOT, Kind.RECOVERY, HEADER.title, HEADER.created)
    alone = Slot(header, slots.parse(content).blocks[1:])
    with pytest.raises(DamagedError, match="changed since it was written"):
        slots.parse(alone.encode()).open(own)
    with pytest.raises(DamagedError, match="2 age blocks"):
        slots.parse(content.replace(b"kind: password", b"kind: recovery"))


def test_a_slot_under_another_name_is_misplaced(recovery_slot: tuple[bytes, Secret, Secret]) -> None:
    content, *_ = recovery_slot
    slots.parse_at(Path(f"/x/{SLOT}.slot"), content)
    with pytest.raises(MisplacedError, match="under another name"):
        slots.parse_at(Path(f"/x/{'c' * 26}.slot"), content)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"keyturn-slot: 1\n", b""),
        (b"keyturn-slot: 1", b"keyturn-slot: 0"),
        (b"keyturn-slot: 1", b"keyturn-slot: 01"),
        (b"keyturn-slot: 1", b"keyturn-slot: -1"),
        (b"kind: password", b"kind: touch"),
        (b"kind: password", b"kind:  password"),
        (b"\n\n", b"\n\n\n"),
        (b"\n", b"\r\n"),
        (b"title: pass word", b"title: "),
        (b"title: pass word", b"title:  x"),
        (b"title: pass word", b"title: x\x1b[2J"),
        (b"title: pass word", b"title: \xff"),
        (b"title: pass word", b"title: " + b"x" * 121),
        (b"created: 2024-05-06T07:08:09Z", b"created: 2024-02-30T07:08:09Z"),
        (b"created: 2024-05-06T07:08:09Z", b"created: 2024-5-6T07:08:09Z"),
        (b"account: " + b"a" * 26, b"account: " + b"A" * 26),
        (b"slot: " + b"b" * 26, b"slot: ../" + b"b" * 23),
        (b"created", b"extra: 1\ncreated"),
        (b"-----BEGIN", b" -----BEGIN"),
    ],
)
def test_a_malformed_header_is_damaged(old: bytes, new: bytes) -> None:
    sound = Slot(HEADER, (age_scrypt.header_only("15"), armor.encode(b"x"))).encode()
    slots.parse(sound)
    with pytest.raises(DamagedError) as caught:
        slots.parse(sound.replace(old, new, 1))
    assert caught.value.code == "damaged"


def test_a_newer_slot_names_its_version() -> None:
    with pytest.raises(NewerError, match="format 2"):
        slots.parse(b"keyturn-slot: 2\nwhatever\n\n")


@pytest.mark.parametrize("work", ["15", "19", "21"])
def test_a_work_factor_within_bounds_is_accepted(work: str) -> None:
    assert armor.work_factor(age_scrypt.header_only(work)) == int(work)


@pytest.mark.parametrize("work", ["1", "10", "14", "22", "63", "99"])
def test_a_work_factor_out_of_bounds_is_refused_at_parsing(work: str) -> None:
    content = Slot(HEADER, (age_scrypt.header_only(work), armor.encode(b"x"))).encode()
    with pytest.raises(WorkFactorError, match=f"2\\^{work};"):
        slots.parse(content)


@pytest.mark.parametrize("work", ["", "0", "015", "+15", "15 15", "1e1", "100", "-1", "\uff11\uff15"])
def test_a_work_factor_that_is_no_number_is_damaged(work: str) -> None:
    with pytest.raises(DamagedError):
        armor.work_factor(age_scrypt.header_only(work))


def test_only_a_lone_scrypt_stanza_counts_as_a_password() -> None:
    sealed = identities.seal(b"x", identities.recipient_of(identities.generate()), armored=True)
    with pytest.raises(DamagedError, match="not locked by a password"):
        armor.work_factor(sealed)
    two = armor.decode(age_scrypt.header_only("15")).replace(b"\n---", b"\n-> X25519 x\nx\n---")
    with pytest.raises(DamagedError, match="not locked by a password"):
        armor.work_factor(armor.encode(two))


@given(st.binary(min_size=1, max_size=300))
def test_armor_has_one_spelling(content: bytes) -> None:
    block = armor.encode(content)
    assert armor.decode(block) == content
    assert armor.split(block + block) == [block, block]


def test_another_spelling_of_armor_is_damaged() -> None:
    block = armor.encode(bytes(100))
    lines = block.splitlines(keepends=True)
    for wrong in (
        b"",
        block[:-1],
        block + b"\n",
        b"\n" + block,
        block.replace(b"\n", b"\r\n"),
        block.replace(b"\n", b"\n\n", 1),
        b"".join((lines[0], lines[1][:-2], b"\n", lines[1][-2:], *lines[2:])),
        b"".join((*lines[:2], b"\n", *lines[2:])),
        b"".join((lines[0], b"".join(lines[1:-1]).replace(b"\n", b""), b"\n", lines[-1])),
        block.replace(b"A==", b"B=="),
        block.replace(b"A==", b"A="),
        block.replace(b"A", b"-", 1),
        armor.BEGIN + armor.END,
        block.replace(b"AGE ENCRYPTED", b"PGP MESSAGE"),
    ):
        assert wrong != block
        with pytest.raises(DamagedError):
            armor.decode(wrong)


def test_pyrage_writes_the_strict_form() -> None:
    identity = pyrage.x25519.Identity.generate()
    for size in range(100):
        armor.decode(pyrage.encrypt(bytes(size), [identity.to_public()], armored=True))


def test_a_recovery_code_is_read_as_people_type_it() -> None:
    code = slots.new_recovery_code()
    text = code.reveal()
    for typed in (text, text.lower(), f" {text[:20]} {text[20:]}\n"):
        assert slots.read_recovery_code(Secret(typed)) == code
    for wrong in ("", text[:-1], text[:-1] + ("Q" if text[-1] != "Q" else "P"), "age1xyz", text + "\udcff"):
        with pytest.raises(UsageError) as caught:
            slots.read_recovery_code(Secret(wrong))
        assert text[:30] not in str(caught.value)


def test_nothing_secret_is_in_a_repr(recovery_slot: tuple[bytes, Secret, Secret]) -> None:
    content, code, account = recovery_slot
    seen = repr((slots.parse(content), slots.recovery_key(code, "x"), code, account))
    recipient = identities.recipient_of(code).reveal()
    for secret in (code.reveal(), account.reveal(), recipient, recipient[4:]):
        assert secret not in seen
