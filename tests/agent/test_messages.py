"""What CLI and agent say to each other."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.agent import keeper, messages, requests, wiring
from keyturn.ground.errors import WrongPasswordError, all_errors
from keyturn.ground.secret import Secret


def test_every_request_has_a_name_of_its_own_and_a_handler() -> None:
    names = [kind.__struct_config__.tag for kind in requests.ALL]
    assert len(names) > 15
    assert len(set(names)) == len(names)
    source = {*wiring.handlers.__code__.co_names, *keeper.Keeper.__init__.__code__.co_names}
    assert not [kind.__name__ for kind in requests.ALL if kind.__name__ not in source]


def test_a_secret_comes_through_and_shows_nowhere() -> None:
    request = requests.SignIn(account="a", password=Secret("hunter2-EXAMPLE"))
    decoded = messages.decode_request(messages.encode(request))
    assert decoded == request
    assert "hunter2" not in repr(decoded)


@given(st.binary(max_size=200))
def test_noise_is_refused_as_such(body: bytes) -> None:
    for decode in (messages.decode_request, messages.decode_answer, messages.decode_response):
        try:
            decode(body)
        except msgspec.DecodeError:
            continue


def test_an_unknown_request_and_an_unknown_field() -> None:
    with pytest.raises(msgspec.DecodeError):
        messages.decode_request(msgspec.msgpack.encode({"op": "explode"}))
    newer = msgspec.msgpack.encode({"op": "hello", "mood": "good"})
    assert messages.decode_request(newer) == requests.Hello()


def test_errors_cross_as_themselves() -> None:
    for code, kind in all_errors().items():
        raised = messages.error_of(messages.failed(kind("text", "hint")))
        assert (type(raised), raised.code, raised.message, raised.hints) == (kind, code, "text", ("hint",))
    newer = messages.Failed(code="unheard-of", text="text", hints=[])
    assert messages.error_of(newer).message == "text"
    assert isinstance(messages.error_of(messages.failed(WrongPasswordError("no"))), WrongPasswordError)
