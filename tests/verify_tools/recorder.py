"""An HTTP server on the loopback that is every service: it sees which credential came, and refuses others.

One port speaks HTTP, and is a proxy to every host there is; another one HTTPS. Certificates are of an
authority of its own, which `authority` names and a tool has to be told.
"""

from __future__ import annotations

import fnmatch
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import parse_qs, parse_qsl, urlsplit

from tests.authority import Authority
from tests.verify_tools.table import Accepts, Answer, Tool, expand

LARGEST_BODY = 8 * 1024 * 1024


@dataclass(frozen=True)
class Request:
    """What came, and whose credential it had: an item's name, or None."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    owner: str | None = None

    def __str__(self) -> str:
        came = self.headers.get("authorization") or " ".join(sorted(self.headers))
        return f"{self.method} {self.host}{self.path} ({self.owner or f'of no item: {came}'})"


@dataclass
class Rules:
    """What it goes by for one tool: its fields by the item's name, and which of these are right."""

    accepts: tuple[Accepts, ...] = ()
    answers: tuple[Answer, ...] = ()
    refusal: str = "{}"
    refusal_status: int = 401
    items: dict[str, dict[str, str]] = field(default_factory=dict)
    right: frozenset[str] = frozenset()
    values: dict[str, str] = field(default_factory=dict)

    def owner(self, request: Request) -> str | None:
        """Whose credential it is."""
        for name, fields in self.items.items():
            values = {**self.values, **fields}
            if any(holds(accepted, request, values) for accepted in self.accepts):
                return name
        return None

    def answer(self, request: Request) -> Answer | None:
        whole = f"{request.host}{request.path}"
        for answer in self.answers:
            place = request.path if answer.path.startswith(("/", "*")) else whole
            if answer.method in ("", request.method) and fnmatch.fnmatchcase(place, answer.path):
                return answer
        return None


def holds(accepted: Accepts, request: Request, values: Mapping[str, str]) -> bool:
    """Whether the credential with these values is where it should be, and is that one."""
    wanted = expand(accepted.is_, values)
    if accepted.header:
        came = request.headers.get(accepted.header.lower(), "")
        if accepted.inside:
            return bool(came) and came.rpartition(" ")[2] in wanted.split()
        return came == wanted
    if accepted.query:
        return wanted in parse_qs(request.query).get(accepted.query, [])
    if accepted.url:
        return expand(accepted.url, values) in request.path
    return in_body(request.body, accepted.body) == wanted


def in_body(body: bytes, key: str) -> object:
    """What a form or a JSON document has under the key."""
    try:
        found: object = json.loads(body)
    except ValueError:
        return dict(parse_qsl(body.decode("utf-8", "replace"))).get(key)
    for step in key.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found


class Handler(BaseHTTPRequestHandler):
    """Answers by the rules of its server; `tunnel` is the host of a CONNECT that it stands behind."""

    protocol_version = "HTTP/1.1"
    timeout = 30
    tunnel = ""

    def __getattr__(self, name: str) -> Callable[[], None]:
        """Every other method is taken alike."""
        if name.startswith("do_"):
            return self.take
        raise AttributeError(name)

    @property
    def recorder(self) -> Recorder:
        return cast("Server", self.server).recorder

    def do_CONNECT(self) -> None:
        host = self.path.rpartition(":")[0].strip("[]")
        self.wfile.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        self.close_connection = True
        try:
            inner = self.recorder.authority.context(host).wrap_socket(self.connection, server_side=True)
        except OSError:
            return
        with inner:
            type("Behind", (Handler,), {"tunnel": host})(inner, self.client_address, self.server)

    def take(self) -> None:
        target = urlsplit(self.path)
        host = self.tunnel or target.hostname or self.headers.get("host", "").partition(":")[0]
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, host, target.path, target.query, headers, self.body())
        answer = self.recorder.answer(request)
        body = expand(answer.body, self.recorder.rules.values).encode()
        self.send_response(answer.status)
        self.send_header("content-type", answer.type)
        self.send_header("content-length", str(len(body)))
        for name, value in answer.headers.items():
            self.send_header(name, expand(value, self.recorder.rules.values))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(min(int(self.headers.get("content-length") or 0), LARGEST_BODY))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, *_: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, recorder: Recorder, with_tls: bool) -> None:
        self.recorder = recorder
        self.with_tls = with_tls
        super().__init__(("127.0.0.1", 0), Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: a client that says nothing holds up no other."""
        if not self.with_tls:
            return super().finish_request(request, client_address)
        try:
            request = self.recorder.authority.context("localhost").wrap_socket(request, server_side=True)
        except OSError:
            return None
        with request:
            return super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is none."""


class Recorder:
    """`with Recorder(directory) as recorder:`; it writes its authority's certificate there."""

    def __init__(self, directory: Path) -> None:
        self.authority = Authority(directory)
        self.rules = Rules()
        self.requests: list[Request] = []
        self._lock = threading.Lock()
        self._servers = [Server(self, False), Server(self, True)]
        self._threads = [threading.Thread(target=each.serve_forever, args=(0.05,)) for each in self._servers]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()
        for thread in self._threads:
            thread.join()

    @property
    def values(self) -> dict[str, str]:
        """What stands for it in the texts of a tool."""
        http, https = (server.server_address[1] for server in self._servers)
        return {
            "http": f"http://127.0.0.1:{http}",
            "http_address": f"127.0.0.1:{http}",
            "proxy": f"http://127.0.0.1:{http}",
            "https": f"https://localhost:{https}",
            "address": f"localhost:{https}",
            "authority": str(self.authority.certificate),
        }

    def expect(self, tool: Tool, items: dict[str, dict[str, str]], right: frozenset[str]) -> None:
        """From now on be this tool's service, for the items by their names."""
        with self._lock:
            self.rules = Rules(
                tool.accepts, tool.answers, tool.refusal, tool.refusal_status, items, right, self.values
            )
            self.requests = []

    def taken(self) -> list[Request]:
        """The requests since the last call."""
        with self._lock:
            taken, self.requests = self.requests, []
            return taken

    def answer(self, request: Request) -> Answer:
        """Keep the request, and say what it is to be answered."""
        with self._lock:
            owner = self.rules.owner(request)
            self.requests.append(replace(request, owner=owner))
            answer = self.rules.answer(request)
            if owner in self.rules.right or (answer is not None and answer.public):
                return answer or Answer("*")
            return Answer("*", status=self.rules.refusal_status, body=self.rules.refusal)
