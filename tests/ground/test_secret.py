"""A Secret shows itself in no way but one."""

import copy
import logging
import pickle

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.ground.secret import Secret, decode_secret, encode_secret

VALUE = "hunter2-EXAMPLE"


@pytest.mark.parametrize(
    "show", [repr, str, "{}".format, "{!r}".format, "{:>40}".format, "%s".__mod__, ascii]
)
def test_no_way_of_showing_shows_it(show: "object") -> None:
    assert callable(show)
    for secret in (Secret(VALUE), Secret("x"), Secret("")):
        shown = show(secret)
        assert "Secret(" in shown
        assert not secret.reveal() or secret.reveal() not in shown.replace("Secret(", "")


def test_nor_inside_other_things(caplog: pytest.LogCaptureFixture) -> None:
    class Holder(msgspec.Struct):
        value: Secret

    logging.getLogger("test").warning("%s %r", [Secret(VALUE)], {"value": Holder(Secret(VALUE))})
    assert caplog.text
    assert VALUE not in caplog.text
    with pytest.raises(TypeError):
        pickle.dumps(Secret(VALUE))
    with pytest.raises(TypeError):
        copy.copy(Secret(VALUE))
    with pytest.raises(TypeError):
        {Secret(VALUE)}


@given(st.text(), st.text())
def test_equality_is_the_texts(one: str, other: str) -> None:
    assert (Secret(one) == Secret(other)) == (one == other)
    assert bool(Secret(one)) == bool(one)
    assert Secret(one) != one


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_it_passes_through_msgspec(text: str) -> None:
    class Holder(msgspec.Struct):
        value: Secret

    packed = msgspec.msgpack.encode(Holder(Secret(text)), enc_hook=encode_secret)
    assert msgspec.msgpack.decode(packed, type=Holder, dec_hook=decode_secret).value == Secret(text)


def test_a_number_is_no_secret() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b"[1]", type=list[Secret], dec_hook=decode_secret)
