"""botocore with nothing behind it: what it would send is kept, and the guard's own gates are in between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore.session
import pytest
from attrs import define, field, frozen
from botocore.client import BaseClient
from botocore.config import Config
from botocore.httpsession import URLLib3Session
from botocore.validate import ParamValidationDecorator

import guardrails
from guardrails.activation import inherited
from guardrails.classify.catalogue import Catalogue
from guardrails.intercept import Interceptor, Judge
from guardrails.values import Call, Decision, Origin

# What botocore makes new for each request.
_EVER_NEW = re.compile(r"authorization|x-amz-date|date|amz-sdk-.*|x-amz-content-sha256|user-agent")
# In a body there may be a presigned URL.
_SIGNED = re.compile(rb"X-Amz-(Date|Signature)(%3D|%253D)[0-9A-Za-z]*")
_ENDPOINT = "https://service.example.com"


class Reached(Exception):
    """A request left the process, or would have."""


@frozen
class Sent:
    """A request as it would go out, without what is new each time."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@define
class Network:
    """Everything that left, the parameters that botocore serialized last, and the request that it made of them."""

    sent: list[Sent] = field(factory=list)
    params: Mapping[str, Any] = field(factory=dict)
    wire: Mapping[str, Any] = field(factory=dict)

    def send(self, request: Any) -> Any:
        """In place of the HTTP session's."""
        body = request.body
        content = body.read() if hasattr(body, "read") else body or b""
        content = content.encode() if isinstance(content, str) else bytes(content)
        headers = [
            (name, str(value)) for name, value in request.headers.items() if not _EVER_NEW.fullmatch(name.lower())
        ]
        self.sent.append(Sent(request.method, request.url, tuple(sorted(headers)), _SIGNED.sub(b"", content)))
        raise Reached(request.url)


@define
class Judging:
    """An admission controller that keeps what it is asked, and denies if it is to."""

    network: Network
    asked: list[tuple[Call, int]] = field(factory=list)
    denies: bool = False

    def admit(self, call: Call, origin: Origin, _: object) -> str:
        """Note the call, and how much had left before."""
        self.asked.append((call, len(self.network.sent)))
        if self.denies:
            raise guardrails.CallDenied(_decision(call), "denied")
        return f"00000000-0000-4000-8000-{len(self.asked):012d}"

    def leaves(self, decision_id: str) -> None:
        """Nothing to do."""

    def came_back(self, decision_id: str, status: int | None, *, connected: bool = True) -> None:
        """Nothing to do."""

    def finished(self, decision_id: str) -> None:
        """Nothing to do."""

    def joined(self, service: str, operation: str) -> None:
        """Nothing to do."""


def _decision(call: Call) -> Decision:
    return Decision("00000000-0000-4000-8000-000000000000", "deny", call)


@contextmanager
def network() -> Iterator[Network]:
    """botocore without a network."""
    made = Network()
    serialize = ParamValidationDecorator.serialize_to_request

    def keeping(self: Any, parameters: Any, operation_model: Any) -> Any:
        made.params = parameters
        wire = serialize(self, parameters, operation_model)
        made.wire = {**wire, "headers": dict(wire.get("headers") or {})}
        return wire

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(URLLib3Session, "send", lambda _, request: made.send(request))
        patch.setattr(ParamValidationDecorator, "serialize_to_request", keeping)
        yield made


@contextmanager
def guarded(network: Network, catalogue: Catalogue, models: Any) -> Iterator[tuple[Judging, Judge]]:
    """The guard's gates on every client of the process."""
    judging = Judging(network)
    judge = Judge(catalogue, models, judging)
    interceptor = Interceptor(judge, inherited.gates(None))
    interceptor.install()
    try:
        yield judging, judge
    finally:
        interceptor.uninstall()


def client(session: botocore.session.Session, service: str) -> BaseClient:
    """A client that never retries, and looks for nothing on this machine."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return session.create_client(
        service, region_name="us-east-1", endpoint_url=_ENDPOINT, config=config,
        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="key",
    )  # fmt: skip
