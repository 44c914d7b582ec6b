"""Between the clients and the simulated AWS: passes everything on, but answers the guard's requests with a fault."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from attrs import define, frozen

# What the User-Agent of the guard's own requests says: those of its look-ups, and those to its shared memory.
LOOKUP, STATE = "guardrails-lookup", "guardrails-state"


@frozen
class Response:
    """What the simulated AWS answered."""

    status: int
    headers: dict[str, str]
    body: bytes


@define
class Exchange:
    """One request that a fault may answer as it likes. `over` is set when the proxy stops."""

    handler: BaseHTTPRequestHandler
    request: bytes
    forward: Callable[[], Response]
    over: threading.Event

    def send(self, response: Response, *, length: int | None = None) -> None:
        """Answer with this, and a Content-Length that need not be true."""
        self.handler.send_response(response.status)
        kind = response.headers.get("Content-Type", "text/xml")
        size = len(response.body) if length is None else length
        for name, value in {"Content-Type": kind, "Content-Length": str(size)}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(response.body)

    def hang_up(self) -> None:
        """Close the connection."""
        self.handler.close_connection = True

    def reset(self) -> None:
        """Break the connection: the client gets a reset instead of an end."""
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.handler.connection.close()
        self.hang_up()


Answer = Callable[[Exchange], None]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is part of the fault."""


class Proxy:
    """A context manager. `answer` is the fault of the operations in `operations`; of all where that is None.

    It is that of requests with `faulty` in their User-Agent: of the guard's look-ups.
    """

    def __init__(self, endpoint: str, faulty: str = LOOKUP) -> None:
        self._faulty = faulty
        self.answer: Answer | None = None
        self.operations: frozenset[str] | None = None
        self.asked: list[str] = []
        self._over = threading.Event()
        self._host = urlsplit(endpoint).netloc
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy._serve(self)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))

        def forward() -> Response:
            upstream = http.client.HTTPConnection(self._host)
            try:
                upstream.request("POST", handler.path, body, dict(handler.headers))
                answer = upstream.getresponse()
                return Response(answer.status, dict(answer.headers), answer.read())
            finally:
                upstream.close()

        exchange = Exchange(handler, body, forward, self._over)
        answer = self._fault(handler, body)
        if answer is None:
            exchange.send(forward())
        else:
            answer(exchange)

    def _fault(self, handler: BaseHTTPRequestHandler, body: bytes) -> Answer | None:
        if self._faulty not in handler.headers.get("User-Agent", ""):
            return None
        target = handler.headers.get("X-Amz-Target", "").rpartition(".")[2]
        operation = target or parse_qs(body.decode()).get("Action", [""])[0]
        self.asked.append(operation)
        return self.answer if self.operations is None or operation in self.operations else None
