"""The local AWS under AWS's real host names: a proxy for HTTPS_PROXY, with an authority of its own.

For tools that take no endpoint from the environment, and to see which host, so which region, a tool calls.
"""

import ssl
import tempfile
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from select import select
from socket import create_connection, socket
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CHUNK = 65536


class HostNames(ThreadingTCPServer):
    """`start()` it; it passes everything on to `target`, a port of the loopback."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: int) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        self.target = target
        self.port = int(self.server_address[1])
        self._lock = Lock()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._authority = self._certify("Local AWS", self._key.public_key(), is_authority=True)
        self.certificate = self._authority.public_bytes(serialization.Encoding.PEM).decode()

    def start(self) -> None:
        Thread(target=self.serve_forever, daemon=True).start()

    def context(self, host: str) -> ssl.SSLContext:
        """What a TLS server for this host needs."""
        with self._lock:
            if host not in self._contexts:
                self._contexts[host] = self._make_context(host)
            return self._contexts[host]

    def _make_context(self, host: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certify(host, key.public_key())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as directory:
            both = Path(directory) / "both.pem"
            both.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
            context.load_cert_chain(both)
        return context

    def _certify(
        self, name: str, key: ec.EllipticCurvePublicKey, is_authority: bool = False
    ) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
        issuer = subject if is_authority else self._authority.subject
        now = datetime.now(UTC)
        own = self._key.public_key()
        usage = x509.KeyUsage(
            digital_signature=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=is_authority,
            crl_sign=is_authority,
            encipher_only=False,
            decipher_only=False,
        )
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(own), critical=False)
        )
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())


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
