"""An HTTP service for decision logs on the loopback, which can be down, refuse, or be slow to acknowledge."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class LogService(ThreadingHTTPServer):
    """`batches` has what was posted and acknowledged, `refusals` statuses to answer with first.

    `longest` is the longest body that it takes, `invalid` has ids of entries that it does not take.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/fleet"
        self.batches: list[list[dict[str, Any]]] = []
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.refusals: list[int] = []
        self.longest = 10_000_000
        self.invalid: set[str] = set()
        self.down = False

    @property
    def ids(self) -> list[str]:
        """The decisions that were acknowledged, in their order, those that came twice included."""
        return [entry["decision_id"] for batch in self.batches for entry in batch]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is killed in the middle is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: LogService
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers)))
        entries = json.loads(gzip.decompress(body))
        if self.server.down:
            status = 503
        elif self.server.refusals:
            status = self.server.refusals.pop(0)
        elif self.server.invalid.intersection(entry["decision_id"] for entry in entries):
            status = 400
        else:
            status = 413 if len(body) > self.server.longest else 200
        if status == 200:
            self.server.batches.append(entries)
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing on standard error."""


@contextmanager
def log_service() -> Iterator[LogService]:
    """A service that is up."""
    with LogService() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
