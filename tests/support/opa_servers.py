"""Real OPA servers on the loopback, and a proxy that breaks what goes through it."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import socketserver
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.waiting import until

AUTHORIZATION = """
package system.authz
default allow := false
allow if input.identity == "right"
allow if input.path == ["health"]
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def opa_server(opa: str, bundle: Path, *flags: str, scheme: str = "http") -> Iterator[str]:
    """A server with a bundle; its address."""
    port = free_port()
    command = [opa, "run", "--server", "--addr", f"127.0.0.1:{port}", "--log-level", "error", "--bundle", str(bundle)]
    with subprocess.Popen([*command, *flags], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            _wait(process, port)
            yield f"{scheme}://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait(process: subprocess.Popen, port: int) -> None:
    """Return when it listens, which it does once it has loaded its bundle."""

    def listens() -> bool:
        if process.poll() is not None:
            raise RuntimeError(process.stderr.read().decode())
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True
        return False

    until(listens)


class Proxy(socketserver.ThreadingTCPServer):
    """Passes requests on to `upstream` until it is given a `fault`: what to do with a connection instead.

    `change` makes something else of an answer's body.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.fault = None
        self.change = None
        self.accepted = 0
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up is what the tests are about."""


class _Handler(socketserver.StreamRequestHandler):
    server: Proxy

    def handle(self) -> None:
        self.server.accepted += 1
        while first := self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()).strip():
                name, _, value = line.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
            body = self.rfile.read(length)
            if self.server.fault is not None:
                self.server.fault(self)
                return
            self._pass(first.split()[1].decode(), body)

    def _pass(self, target: str, body: bytes) -> None:
        url = f"{self.server.upstream}{target}"
        request = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
            self.answer(200, body if self.server.change is None else self.server.change(body))

    def answer(self, status: int, body: bytes, kind: str = "application/json", more: str = "") -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n{more}\r\n"
        self.wfile.write(head.encode() + body)


def certificates(folder: Path) -> None:
    """ca.pem, server.pem (for 127.0.0.1), client.pem and stranger.pem of another CA, each with its .key."""
    authority = _signed(folder, "ca", None)
    other = _signed(folder, "otherca", None)
    for name, signer in (("server", authority), ("client", authority), ("stranger", other)):
        _signed(folder, name, signer)


def secured(server: socketserver.TCPServer, folder: Path) -> None:
    """Let a server speak TLS, with the certificate of `certificates`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    # In the thread of each request: a client that does not like the certificate holds up no other one.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)


def _signed(folder: Path, name: str, signer):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    issuer, signing = (subject, key) if signer is None else signer
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=signer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(signing, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return subject, key


def host_of(url: str) -> str:
    return urlsplit(url).netloc
