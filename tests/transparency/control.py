"""Prepares a world and reports what was sent, in the test's own process or over the loopback."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from typing import Any, Protocol

from guardrails.testing import SimulatedAWS
from tests.transparency.normal import LOOKUP
from tests.transparency.tap import CONTROL, Tap

# Any number: moto draws the same ids after it.
_SEED = 20231009


class Control(Protocol):
    """One world. `url` is "" where clients talk to no server."""

    url: str
    closed_url: str

    def begin(self) -> None:
        """An empty account, and no requests."""

    def clusters(self) -> dict[str, Any]:
        """Start blue, which is live, and green; their ids."""

    def fault(self, *fault: Any) -> None:
        """As `SimulatedAWS.answer`."""

    def can(self, path: str, *answers: str) -> None:
        """As `Tap.can`."""

    def sent(self) -> list[dict[str, Any]]:
        """The requests since `begin`."""

    def arrived(self) -> list[list[Any]]:
        """Service, operation and parameters of what reached the simulated AWS, the guard's look-ups left out."""


class Local:
    """In the process of the simulated AWS."""

    def __init__(self, aws: SimulatedAWS) -> None:
        self._aws = aws
        names = ("begin", "clusters", "fault", "can", "sent", "arrived")
        controls: dict[str, Callable[..., Any]] = {name: getattr(self, name) for name in names}
        self.tap = Tap(aws._up.endpoint_url, controls)
        self.url, self.closed_url = self.tap.url, self.tap.closed_url

    def begin(self) -> None:
        from moto.moto_api._internal import mock_random

        self._aws.reset()
        self.tap.clear()
        mock_random.seed(_SEED)

    def clusters(self) -> dict[str, Any]:
        blue = self._aws.start_cluster("blue", 2, addresses=1)
        green = self._aws.start_cluster("green", 2)
        return {"blue": list(blue.instance_ids), "green": list(green.instance_ids), "held": list(blue.allocation_ids)}

    def fault(self, *fault: Any) -> None:
        self._aws.answer(*fault)

    def can(self, path: str, *answers: str) -> None:
        self.tap.can(path, *answers)

    def sent(self) -> list[dict[str, Any]]:
        return self.tap.taken()

    def arrived(self) -> list[list[Any]]:
        own = [request for request in self._aws.requests if LOOKUP not in request.user_agent]
        return [[request.service, request.operation, dict(request.params)] for request in own]


class Inside(Local):
    """Clients of moto's `mock_aws`: without a server; the requests are those that moto's handler gets."""

    def __init__(self, aws: SimulatedAWS) -> None:
        super().__init__(aws)
        self.url = ""
        self._asked: list[dict[str, Any]] = []

    def begin(self) -> None:
        super().begin()
        self._asked.clear()

    def ask(self, request: Any) -> None:
        """Note a request to moto's handler."""
        headers = [[name, _text(value)] for name, value in request.headers.items()]
        body = _text(_whole(request.body))
        self._asked.append({"method": request.method, "target": request.url, "headers": headers, "body": body})

    def sent(self) -> list[dict[str, Any]]:
        return list(self._asked)


def _whole(body: Any) -> Any:
    if body is None or isinstance(body, (bytes, bytearray, str)):
        return body
    # A stream, perhaps in botocore's wrapper, which adds the checksum after it.
    stream = getattr(body, "_raw", body)
    if not hasattr(stream, "tell"):
        return f"<{type(body).__name__}>"
    place = stream.tell()
    found = stream.read()
    stream.seek(place)
    return f"<{type(body).__name__} {place}>".encode() + found


def _text(value: Any) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, (bytes, bytearray)) else str(value or "")


class Remote:
    """From another process, through the tap."""

    def __init__(self, url: str, closed_url: str) -> None:
        self.url, self.closed_url = url, closed_url

    def _ask(self, name: str, *arguments: Any) -> Any:
        with urllib.request.urlopen(f"{self.url}{CONTROL}{name}", data=json.dumps(arguments).encode()) as answer:
            return json.load(answer)

    def begin(self) -> None:
        self._ask("begin")

    def clusters(self) -> dict[str, Any]:
        return self._ask("clusters")

    def fault(self, *fault: Any) -> None:
        self._ask("fault", *fault)

    def can(self, path: str, *answers: str) -> None:
        self._ask("can", path, *answers)

    def sent(self) -> list[dict[str, Any]]:
        return self._ask("sent")

    def arrived(self) -> list[list[Any]]:
        return self._ask("arrived")
