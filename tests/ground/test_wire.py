"""The launcher's part of the protocol: what parses encodes to the same bytes."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keyturn.ground import wire
from keyturn.ground.errors import LockedError
from keyturn.ground.wire import Go, RunRequest, WireError

FIELD = st.binary(max_size=40).map(lambda value: value.replace(b"\0", b"x"))
LISTS = st.lists(st.lists(FIELD, max_size=6), max_size=5)


@given(LISTS)
def test_fields_come_back(lists: list[list[bytes]]) -> None:
    if lists:
        assert wire.decode_fields(wire.encode_fields(*lists), len(lists)) == lists


@given(st.binary(max_size=80), st.integers(1, 4))
@example(b"1\0\0", 1)
@example(b"01\0\0", 1)
@example(b"-1\0", 1)
@example(b"999999999999999999999\0", 1)
def test_what_parses_encodes_to_the_same_bytes(body: bytes, count: int) -> None:
    try:
        lists = wire.decode_fields(body, count)
    except WireError:
        return
    assert wire.encode_fields(*lists) == body


def test_a_field_with_nul_is_refused() -> None:
    with pytest.raises(WireError):
        wire.encode_fields([b"a\0b"])


@given(FIELD, FIELD, st.lists(FIELD, max_size=5), st.lists(FIELD, max_size=5))
def test_a_question_comes_back(
    name: bytes, path: bytes, arguments: list[bytes], environment: list[bytes]
) -> None:
    request = RunRequest(name, path, arguments, environment)
    encoded = request.encode()
    assert encoded[:2] == bytes([wire.VERSION]) + wire.RUN
    assert RunRequest.decode(encoded[2:]) == request


@given(*[st.lists(FIELD)] * 4, st.lists(st.tuples(FIELD, FIELD)))
def test_an_answer_comes_back(
    notes: list[bytes],
    remove: list[bytes],
    arguments: list[bytes],
    held: list[bytes],
    assign: list[tuple[bytes, bytes]],
) -> None:
    go = Go(notes, remove, assign, arguments, held)
    encoded = go.encode()
    assert encoded[:1] == wire.GO
    assert Go.decode(encoded[1:]) == go


@pytest.mark.parametrize(
    "prefix", [b"", b"\0\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff", (8 * 1024 * 1024 + 1).to_bytes(4, "big")]
)
def test_a_length_out_of_bounds_is_refused(prefix: bytes) -> None:
    with pytest.raises(WireError):
        wire.frame_length(prefix)


def test_the_largest_length_is_accepted() -> None:
    assert wire.frame_length(wire.LARGEST_FRAME.to_bytes(4, "big")) == wire.LARGEST_FRAME


def test_an_error_carries_its_status_and_lines() -> None:
    encoded = wire.encode_error(LockedError("locked", "do this", "or\0that"))
    assert wire.decode_fields(encoded[1:], 2) == [[b"190"], [b"locked", b"do this", b"orthat"]]


def test_a_refusal_does_not_repeat_what_it_refused() -> None:
    with pytest.raises(WireError) as caught:
        wire.decode_fields(b"secret-EXAMPLE", 1)
    assert "secret" not in caught.value.message
