"""The local AWS under AWS's real host names: a proxy for HTTPS_PROXY, with an authority of its own.

For tools that take no endpoint from the environment, and to see which host, so which region, a tool calls.
"""

import ssl
import tempfile
from contextlib import suppress
from pathlib import Path
from select import select
from socket import create_connection, socket
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

from tests.authority import Authority

CHUNK = 65536


class HostNames(ThreadingTCPServer):
    """`start()` it; it passes everything on to `target`, a port of the loopback."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.target = target
        self.port = int(self.server_address[1])
        self._place = tempfile.TemporaryDirectory()
        authority = Authority(Path(self._place.name))
        self.context = authority.context
        self.certificate = authority.certificate.read_text()

    def start(self) -> None:
        Thread(target=self.serve_forever, daemon=True).start()

    def server_close(self) -> None:
        super().server_close()
        self._place.cleanup()


class Connection(StreamRequestHandler):
    """One CONNECT, and what goes through it."""

    server: HostNames

    def handle(self) -> None:
        words = self.rfile.readline().decode("latin-1").split()
        while self.rfile.readline().strip():
            pass
        if len(words) != 3 or words[0] != "CONNECT":
            self.wfile.write(b"HTTP/1.1 405 Only CONNECT\r\nContent-Length: 0\r\n\r\n")
            return
        self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        host = words[1].rpartition(":")[0]
        with suppress(OSError):
            outside = self.server.context(host).wrap_socket(self.connection, server_side=True)
            with outside, create_connection(("127.0.0.1", self.server.target)) as inside:
                relay(outside, inside)


def relay(outside: ssl.SSLSocket, inside: socket) -> None:
    """Carry bytes both ways until one side ends. One thread does both: OpenSSL wants that of a connection."""
    while True:
        ready = [outside] if outside.pending() else select([outside, inside], [], [])[0]
        for source in ready:
            chunk = source.recv(CHUNK)
            if not chunk:
                return
            (inside if source is outside else outside).sendall(chunk)
