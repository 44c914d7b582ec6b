"""The tripwire reports HTTP requests to AWS that bypassed every gate. It does not block them.

A Python audit hook sees what http.client sends, and with it urllib, urllib3 and requests. An audit hook cannot be
removed, and it costs a function call for every audited event, so the tripwire is opt-in.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from guardrails.aws.endpoints import is_aws
from guardrails.intercept.request.outgoing import Outgoing, action_of, credential_scope
from guardrails.values import frozen


@frozen
class BypassingRequest:
    """A request that no gate saw, without secrets. `service` and `region` are the signature's, "" without one.

    `operation` is "" where only the body names it, which is sent later.
    """

    method: str
    host: str
    path: str
    service: str
    region: str
    operation: str


class Tripwire:
    """Calls `report` for every request to AWS that is sent by anything but an `expecting` function."""

    def __init__(self, report: Callable[[BypassingRequest], None]) -> None:
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
        """Stop watching; the hook itself stays in the process."""
        self._armed = False

    def expecting(self, send: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        """`send(session, request)` for requests that came through the gates: they are not reported."""

        def expected(session: Any, request: Any) -> Any:
            self._thread.expecting = True
            try:
                return send(session, request)
            finally:
                self._thread.expecting = False

        return expected

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "http.client.send" or not self._armed or getattr(self._thread, "expecting", False):
            return
        connection, data = arguments
        # http.client sends the head of a request in one piece, then its body.
        if isinstance(data, (bytes, bytearray)) and b" HTTP/1." in bytes(data).partition(b"\r\n")[0]:
            request = _read(str(connection.host), bytes(data))
            if request is not None:
                self._report(request)


def _read(host: str, data: bytes) -> BypassingRequest | None:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, *_ = first.split(" ")
    headers = {name.strip().title(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    host = headers.get("Host", host).rpartition("@")[2]
    out = Outgoing(method, path, headers, body)
    signed_for = credential_scope(out)
    # A signed request to another host goes to a simulator of AWS, or through a gateway.
    if method == "CONNECT" or not (signed_for or is_aws(host.partition(":")[0])):
        return None
    region, service = signed_for or ("", "")
    return BypassingRequest(method, host, path.partition("?")[0], service, region, action_of("", out, bool))
