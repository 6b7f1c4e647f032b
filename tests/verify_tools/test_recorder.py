"""The recording server: it knows whose credential came, and lets nobody else in."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.verify_tools import table
from tests.verify_tools.recorder import Recorder
from tests.verify_tools.table import Accepts, Answer

RIGHT = {"right": {"token": "right"}, "wrong": {"token": "wrong"}}


@pytest.fixture(scope="module")
def recorder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorder]:
    with Recorder(tmp_path_factory.mktemp("authority")) as found:
        yield found


def expect(recorder: Recorder, *accepts: Accepts, answers: tuple[Answer, ...] = ()) -> None:
    tool = msgspec.structs.replace(table.load("hf"), accepts=accepts, answers=answers)
    recorder.expect(tool, RIGHT, frozenset({"right"}))


def ask(recorder: Recorder, path: str, token: str = "", body: str = "", host: str = "") -> int:
    """The status of one request: by HTTP, or to a host by HTTPS through the proxy."""
    port = urlsplit(recorder.values["http"]).port
    headers = {"X-Token": token} if token else {}
    if host:
        trust = ssl.create_default_context(cafile=recorder.values["authority"])
        connection: http.client.HTTPConnection = http.client.HTTPSConnection("127.0.0.1", port, context=trust)
        connection.set_tunnel(host, 443)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port)
    try:
        connection.request("POST" if body else "GET", path, body or None, headers)
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def test_only_the_right_credential_is_let_in(recorder: Recorder) -> None:
    expect(recorder, Accepts(header="X-Token", is_="{token}"))
    assert [ask(recorder, "/", token) for token in ("right", "wrong", "righ", "")] == [200, 401, 401, 401]
    assert [request.owner for request in recorder.taken()] == ["right", "wrong", None, None]
    assert recorder.taken() == []


@pytest.mark.parametrize("host", ["", "api.example.com"])
def test_it_is_every_host_by_its_proxy(recorder: Recorder, host: str) -> None:
    expect(recorder, Accepts(header="X-Token", is_="{token}"))
    assert ask(recorder, "/", "right", host=host) == 200
    assert [request.host for request in recorder.taken()] == [host or "127.0.0.1"]


def test_a_credential_may_be_elsewhere(recorder: Recorder) -> None:
    expect(recorder, Accepts(query="key", is_="{token}"))
    assert [ask(recorder, "/?key=right"), ask(recorder, "/?key=wrong"), ask(recorder, "/")] == [200, 401, 401]
    expect(recorder, Accepts(body="a.key", is_="{token}"))
    bodies = [json.dumps({"a": {"key": "right"}}), json.dumps({"a": {"key": "wrong"}}), "a=1"]
    assert [ask(recorder, "/", body=body) for body in bodies] == [200, 401, 401]
    expect(recorder, Accepts(body="key", is_="{token}"))
    assert [ask(recorder, "/", body=body) for body in ("key=right", "key=wrong")] == [200, 401]
    expect(recorder, Accepts(url="/bot{token}/"))
    assert [ask(recorder, "/botright/x"), ask(recorder, "/botwrong/x")] == [200, 401]


def test_answers_are_for_who_is_let_in_unless_they_are_public(recorder: Recorder) -> None:
    answers = (Answer("/open", status=202, public=True), Answer("a.example.com/x", status=203))
    expect(recorder, Accepts(header="X-Token", is_="{token}"), answers=answers)
    assert ask(recorder, "/open") == 202
    assert ask(recorder, "/x", "right", host="a.example.com") == 203
    assert ask(recorder, "/x", "right", host="b.example.com") == 200
    assert ask(recorder, "/x", "wrong", host="a.example.com") == 401
