"""The loopback server of one sign-in: whom it answers, what it takes, and that it is gone afterwards."""

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as some

from keyturn.cli.redirect import ANOTHER, DONE, NOT_DONE, NOT_YOURS, Redirect
from keyturn.processes import loopback
from tests.parts import needs

ADDRESS = "https://oidc.example/authorize?redirect_uri=http%3A%2F%2F127.0.0.1%3A{port}%2F&state=S-1"
NOBODY = 65534


@contextmanager
def serving() -> Iterator[tuple[Redirect, threading.Thread]]:
    with Redirect(ADDRESS) as redirect:

        def serve() -> None:
            waiting = redirect.serve([])
            while waiting is not None and is_wanted:
                waiting = redirect.serve(select.select(waiting, [], [], 0.05)[0])

        is_wanted = [True]
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield redirect, thread
        finally:
            is_wanted.clear()
            thread.join()


def ask(redirect: Redirect, target: str, *, method: str = "GET", host: str = "", version: str = "1.1") -> str:
    """The whole answer to one request."""
    host = host or f"127.0.0.1:{redirect.port}"
    return send(redirect, f"{method} {target} HTTP/{version}\r\nHost: {host}\r\n\r\n".encode())


def send(redirect: Redirect, request: bytes) -> str:
    with socket.create_connection(("127.0.0.1", redirect.port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
        except ConnectionResetError:
            pass
    return answer.decode()


def path(redirect: Redirect) -> str:
    return redirect.start.partition(str(redirect.port))[2]


def test_there_and_back() -> None:
    with serving() as (redirect, thread):
        sent = ask(redirect, path(redirect))
        assert sent.startswith("HTTP/1.1 302 ")
        assert f"Location: {ADDRESS.replace('{port}', str(redirect.port))}\r\n" in sent
        assert ask(redirect, path(redirect)) == sent, "an opener may look before the browser does"
        assert DONE in ask(redirect, "/oauth/callback?code=c&state=S-1")
        thread.join(10)
        assert not thread.is_alive()
        assert redirect.query.reveal() == "code=c&state=S-1"
        port = redirect.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


@pytest.mark.parametrize(
    "target",
    [
        "/oauth/callback?code=c&state=S-2",
        "/oauth/callback?code=c",
        "/oauth/callback",
        "/oauth/callback?code=c&state=S-1&state=S-1",
        "/oauth/callback?code=c&state=S-1&state=S-2",
        "/oauth/callback/?code=c&state=S-1",
        "/other?code=c&state=S-1",
        "/start/?code=c&state=S-1",
        "/oauth/callback?" + "a=1&" * 50 + "code=c&state=S-1",
    ],
)
def test_what_is_not_the_way_back_is_refused_and_waited_on(target: str) -> None:
    with serving() as (redirect, thread):
        answer = ask(redirect, target)
        assert answer.startswith(("HTTP/1.1 400", "HTTP/1.1 404")), answer
        assert DONE not in answer
        assert thread.is_alive()
        assert DONE in ask(redirect, "/oauth/callback?code=c&state=S-1")


def test_a_no_is_a_way_back_too() -> None:
    with serving() as (redirect, thread):
        assert NOT_DONE in ask(redirect, "/oauth/callback?error=access_denied&state=S-1")
        thread.join(10)
        assert "error=access_denied" in redirect.query.reveal()


@pytest.mark.parametrize(
    ("method", "host", "version"),
    [("POST", "", "1.1"), ("HEAD", "", "1.1"), ("GET", "evil.example", "1.1"), ("GET", "", "2")],
)
def test_requests_that_no_browser_of_ours_makes(method: str, host: str, version: str) -> None:
    with serving() as (redirect, thread):
        target = "/oauth/callback?code=c&state=S-1"
        answer = ask(redirect, target, method=method, host=host, version=version)
        assert answer.startswith(("HTTP/1.1 400", "HTTP/1.1 404"))
        assert thread.is_alive()


def test_who_keeps_silent_or_sends_too_much_keeps_nobody_out() -> None:
    with serving() as (redirect, thread):
        silent = [socket.create_connection(("127.0.0.1", redirect.port)) for _ in range(40)]
        half = socket.create_connection(("127.0.0.1", redirect.port))
        half.sendall(b"GET /oauth/callback?code=")
        assert not send(redirect, b"GET /" + b"a" * 20000)
        assert send(redirect, b"\xff\x00\r\n\r\n").startswith("HTTP/1.1 400")
        assert thread.is_alive()
        assert DONE in ask(redirect, "/oauth/callback?code=c&state=S-1")
        for each in (*silent, half):
            each.close()


@pytest.mark.needs("root")
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's table of sockets is Linux's")
def test_another_user_of_the_machine_is_refused() -> None:
    """He may have read the address among the browser's arguments, and would sign us in as himself."""
    curl = needs("curl")
    with serving() as (redirect, thread):
        done = subprocess.run(
            [curl, "-s", "--noproxy", "*", redirect.start],
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert NOT_YOURS in done.stdout
        assert "oidc.example" not in done.stdout
        assert thread.is_alive()


@given(
    some.one_of(some.binary(max_size=200), some.text(max_size=60).map(lambda text: f"GET {text}".encode()))
)
def test_whatever_is_sent_is_answered_and_only_the_state_ends_it(content: bytes) -> None:
    with Redirect(ADDRESS) as redirect:
        for request in (content, b"GET /oauth/callback?" + content + b" HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"):
            whole = request.replace(b"%d", b"%d" % redirect.port) + b"\r\n\r\n"
            assert redirect._answer(whole, os.getuid()).startswith(b"HTTP/1.1 ")
        assert b"state=S-1" in content or redirect.serve([]) is not None


def test_whose_a_connection_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        outside = socket.create_connection(listening.getsockname())
        inside, _ = listening.accept()
        with outside, inside:
            assert loopback.owner(inside) == (os.getuid() if sys.platform == "linux" else None)
        assert loopback.owner(inside) is None, "it is closed"


def test_no_text_of_a_page_is_of_the_other_sign_in() -> None:
    with serving() as (redirect, _):
        assert ANOTHER in ask(redirect, "/oauth/callback?code=SECRET&state=S-9")
        assert "SECRET" not in ask(redirect, "/oauth/callback?code=SECRET&state=S-9")
