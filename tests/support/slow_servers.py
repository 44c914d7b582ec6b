"""AWS behind a bad network: a server on the loopback that takes every request and answers too slowly."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import parse_qs

from guardrails.testing import SimulatedAWS
from tests.support.waiting import until

_STEP_S = 0.05
_PAGE = (
    '<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet/>'
    "<nextToken>{}</nextToken></DescribeInstancesResponse>"
)


class SlowServer(socketserver.ThreadingTCPServer):
    """`asked` has the operation of every request that arrived, `reading` how many clients still wait or read."""

    daemon_threads = True

    def __init__(self, answer: Callable[[_Handler], None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answer = answer
        self.asked: list[str] = []
        self.reading = 0
        self.lock = threading.Lock()
        self.stopping = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up is what the tests are about."""


class _Handler(socketserver.StreamRequestHandler):
    server: SlowServer

    def handle(self) -> None:
        while self.rfile.readline():
            length = 0
            while (line := self.rfile.readline()).strip():
                name, _, value = line.decode().partition(":")
                length = int(value) if name.lower() == "content-length" else length
            form = parse_qs(self.rfile.read(length).decode())
            with self.server.lock:
                self.server.asked.append(form.get("Action", [""])[0])
                self.server.reading += 1
            try:
                self.server.answer(self)
            finally:
                with self.server.lock:
                    self.server.reading -= 1

    def pause(self) -> bool:
        """Wait one step; False once the server stops."""
        return not self.server.stopping.wait(_STEP_S)

    def write(self, piece: bytes) -> None:
        self.wfile.write(piece)
        self.wfile.flush()


def says_nothing(handler: _Handler) -> None:
    """Until the client closes the connection, or the server stops."""
    handler.connection.settimeout(_STEP_S)
    while not handler.server.stopping.is_set():
        with suppress(TimeoutError):
            handler.connection.recv(1)
            break
    raise ConnectionError


def drips(handler: _Handler) -> None:
    """The body of an answer, a byte at a time, for ever."""
    handler.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 100000\r\n\r\n")
    while handler.pause():
        handler.write(b" ")


def drips_headers(handler: _Handler) -> None:
    """The head of an answer, a byte at a time, for ever."""
    handler.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while handler.pause():
        handler.write(b"x")


def chunks(handler: _Handler) -> None:
    """An answer in chunks that does not end."""
    handler.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n")
    while handler.pause():
        handler.write(b"1\r\n \r\n")


def pages(handler: _Handler) -> None:
    """One page after the other, each in time."""
    handler.pause()
    page = _PAGE.format(len(handler.server.asked)).encode()
    handler.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n" % len(page) + page)


def refuses(handler: _Handler) -> None:
    """Every attempt with an error that botocore retries."""
    handler.write(b"HTTP/1.1 503 Slow\r\nContent-Length: 0\r\n\r\n")


def looking() -> list[threading.Thread]:
    """The threads of look-ups that are under way in this process."""
    return [thread for thread in threading.enumerate() if thread.name == "guardrails-lookup"]


KINDS = (says_nothing, drips, drips_headers, chunks, pages, refuses)


@contextmanager
def slow_server(answer: Callable[[_Handler], None]) -> Iterator[SlowServer]:
    """A server that answers in this way. No look-up goes on after it, which would be in another test."""
    server = SlowServer(answer)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
        until(lambda: not looking())


def client(aws: SimulatedAWS, server: SlowServer) -> object:
    """An EC2 client that reaches this server."""
    return aws.session().client("ec2", endpoint_url=server.url)
