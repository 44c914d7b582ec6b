"""A web server on the loopback that has one bundle, and can go wrong in every way."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class BundleServer(ThreadingHTTPServer):
    """Answers with `packed` to who has the `token`; `status` and `fault` take its place.

    `asked` has the If-None-Match of every request that arrived.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/rules/bundle.tar.gz"
        self.packed = b""
        self.token = ""
        self.status = 200
        self.fault: Callable[[_Handler], None] | None = None
        self.asked: list[str] = []
        self.stopping = threading.Event()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: BundleServer

    def do_GET(self) -> None:
        tag = f'"{hashlib.sha256(self.server.packed).hexdigest()[:8]}"'
        self.server.asked.append(self.headers.get("If-None-Match", ""))
        if self.server.fault is not None:
            self.server.fault(self)
        elif self.server.token and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            self.answer(401)
        elif self.server.status == 200 and self.headers.get("If-None-Match") == tag:
            self.answer(304, tag=tag)
        else:
            self.answer(self.server.status, self.server.packed, tag)

    def answer(
        self, status: int, body: bytes = b"", tag: str = "", location: str = "", length: int | None = None
    ) -> None:
        self.send_response(status)
        if status != 304:
            self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in (("ETag", tag), ("Location", location)):
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if status != 304 else b"")

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


def hang(handler: _Handler) -> None:
    handler.server.stopping.wait(30)


def trickle(handler: _Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    while not handler.server.stopping.wait(0.02):
        handler.wfile.write(b" ")


def half(handler: _Handler) -> None:
    handler.answer(200, handler.server.packed[:100], length=len(handler.server.packed))


def elsewhere(handler: _Handler) -> None:
    handler.answer(302, location="http://127.0.0.1:9/secret?token=x")
