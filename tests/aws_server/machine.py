"""What a machine of AWS's has on an address of its own: the metadata of EC2, the credentials of a container.

Both say no as the real ones do: no metadata without a token that was asked for first (IMDSv2), no keys of a
container without its Authorization.
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

ROLE = "machine-role"
SESSION_TOKEN = "metadata-session-token-EXAMPLE"
AUTHORIZATION = "container-authorization-EXAMPLE"
_METADATA = "/latest/meta-data/iam/security-credentials/"


class Machine:
    """`with Machine(keys) as machine:`; `keys` gives what the role's keys are now. It counts requests."""

    def __init__(self, keys: Callable[[], dict[str, str]]) -> None:
        self.keys = keys
        self.requests: list[str] = []
        self.status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        machine = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                pass

            def do_PUT(self) -> None:
                machine.requests.append(f"PUT {self.path}")
                ttl = self.headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
                if self.path != "/latest/api/token" or not ttl.isdecimal():
                    self._answer(400, "")
                else:
                    self._answer(200, SESSION_TOKEN)

            def do_GET(self) -> None:
                machine.requests.append(f"GET {self.path}")
                if self.path.startswith(_METADATA):
                    if self.headers.get("x-aws-ec2-metadata-token") != SESSION_TOKEN:
                        self._answer(401, "")
                    elif self.path == _METADATA:
                        self._answer(machine.status, ROLE)
                    elif self.path == _METADATA + ROLE:
                        self._answer(machine.status, machine.document(Code="Success"))
                    else:
                        self._answer(404, "")
                elif self.path == "/container":
                    allowed = self.headers.get("Authorization") == AUTHORIZATION
                    self._answer(machine.status if allowed else 403, machine.document() if allowed else "")
                else:
                    self._answer(404, "")

            def _answer(self, status: int, text: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

        return Handler

    def document(self, **more: str) -> str:
        """The keys as both services write them."""
        found = dict(self.keys())
        found["Token"] = found.pop("SessionToken")
        return json.dumps({**found, **more})
