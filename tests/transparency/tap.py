"""A loopback HTTP server that records every byte of a request, and answers itself or asks the simulated AWS."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

Recorded = dict[str, Any]
Controls = Mapping[str, Callable[..., Any]]
# Answers nothing, and keeps the connection until the client gives up.
SILENCE = "silence"
# Below this path a process that is not ours asks the test for something.
CONTROL = "/transparency-control/"


class Tap(socketserver.ThreadingTCPServer):
    """In front of `upstream` (host, port). One request per connection, so nothing depends on pools."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, upstream: str, controls: Controls) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        parts = urlsplit(upstream)
        self.upstream = (parts.hostname or "", parts.port or 80)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.controls = controls
        self._lock = threading.Lock()
        self._recorded: list[Recorded] = []
        self._canned: dict[str, list[str]] = {}
        # Bound but not listening: a port that refuses connections and that no other process gets.
        self._closed = socket.socket()
        self._closed.bind(("127.0.0.1", 0))
        self.closed_url = f"http://127.0.0.1:{self._closed.getsockname()[1]}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        self._closed.close()

    def clear(self) -> None:
        with self._lock:
            self._recorded.clear()
            self._canned.clear()

    def taken(self) -> list[Recorded]:
        with self._lock:
            return list(self._recorded)

    def can(self, path: str, *answers: str) -> None:
        """Answer requests whose path holds `path` with these bytes (as latin-1), one after the other."""
        with self._lock:
            self._canned[path] = list(answers)

    def record(self, request: Recorded) -> str | None:
        """Note a request; returns what to answer, None to ask upstream."""
        with self._lock:
            self._recorded.append(request)
            for path, answers in self._canned.items():
                if path in request["target"]:
                    return answers.pop(0) if len(answers) > 1 else answers[0]
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of some kinds."""


class Handler(socketserver.StreamRequestHandler):
    server: Tap
    # 100 Continue and the answer are two pieces; waiting for an acknowledgement between them takes 40 ms.
    disable_nagle_algorithm = True

    def handle(self) -> None:
        first = self.rfile.readline()
        if not first:
            return
        method, target, _ = first.decode("latin-1").split(" ", 2)
        headers = []
        while (line := self.rfile.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers.append([name, value.strip()])
        body = self._body({name.lower(): value for name, value in headers})
        if target.startswith(CONTROL):
            self._control(target.removeprefix(CONTROL), body)
            return
        request = {"method": method, "target": target, "headers": headers, "body": body.decode("latin-1")}
        answer = self.server.record(request)
        if answer == SILENCE:
            self.rfile.read()
        elif answer is not None:
            self.wfile.write(answer.encode("latin-1"))
        else:
            self._ask(method, target, headers, body)

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _ask(self, method: str, target: str, headers: list[list[str]], body: bytes) -> None:
        if target.startswith("http://"):
            # As a proxy is asked.
            parts = urlsplit(target)
            target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        dropped = ("expect", "connection", "transfer-encoding", "content-length")
        kept = [f"{name}: {value}" for name, value in headers if name.lower() not in dropped]
        head = [f"{method} {target} HTTP/1.1", *kept, f"Content-Length: {len(body)}", "Connection: close", "", ""]
        with socket.create_connection(self.server.upstream) as up:
            up.sendall("\r\n".join(head).encode("latin-1") + body)
            while piece := up.recv(65536):
                self.wfile.write(piece)

    def _control(self, name: str, body: bytes) -> None:
        found = self.server.controls[name](*json.loads(body or b"[]"))
        text = json.dumps(found).encode()
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(text), text))
