"""The tripwire: tells of HTTP requests to AWS that went round every gate. It reports, it does not block.

An audit hook of Python's sees what http.client sends, and with it urllib, urllib3 and requests. It cannot be taken out
of the process again, and it costs a function call for every event that is audited: so it is opt-in.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import frozen

from guardrails.aws.endpoints import is_aws
from guardrails.intercept.request.outgoing import Outgoing, action_of, scope


@frozen
class Passed:
    """A request that no gate saw: `service` and `region` are the signature's, "" without one; no secrets in it.

    `operation` is "" where only the body tells, which has not been sent yet.
    """

    method: str
    host: str
    path: str
    service: str
    region: str
    operation: str


class Tripwire:
    """Calls `report` for every request to AWS that is sent outside of `passing()`."""

    def __init__(self, report: Callable[[Passed], None]) -> None:
        self._report = report
        self._thread = threading.local()
        self._armed = False
        self._hooked = False

    def arm(self) -> None:
        """Watch from now on."""
        self._armed = True
        if not self._hooked:
            self._hooked = True
            sys.addaudithook(self._audit)

    def disarm(self) -> None:
        """Look away; the hook itself stays in the process."""
        self._armed = False

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Around the sending of a request that came through the gates."""
        self._thread.passing = True
        try:
            yield
        finally:
            self._thread.passing = False

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "http.client.send" or not self._armed or getattr(self._thread, "passing", False):
            return
        connection, data = arguments
        # The head of a request is one piece; what follows is its body.
        if isinstance(data, (bytes, bytearray)) and b" HTTP/1." in bytes(data).partition(b"\r\n")[0]:
            found = _read(str(connection.host), bytes(data))
            if found is not None:
                self._report(found)


def _read(host: str, data: bytes) -> Passed | None:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, *_ = first.split(" ")
    headers = {name.strip().title(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    host = headers.get("Host", host).rpartition("@")[2]
    out = Outgoing(method, path, headers, body)
    place = scope(out)
    # Somewhere else, a signature like AWS's means a simulator or a gateway.
    if method == "CONNECT" or not (place or is_aws(host.partition(":")[0])):
        return None
    region, service = place or ("", "")
    return Passed(method, host, path.partition("?")[0], service, region, action_of("", out, bool))
