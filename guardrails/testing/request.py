"""A request as it arrived at the simulated AWS, read from the wire and not from what the client meant to send."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from attrs import field

from guardrails.values import frozen


@frozen
class Request:
    """One request that reached the server.

    `service` is the signing name (``ec2``, ``autoscaling`` …), "" if the request is not signed. `operation` is the
    Action or the end of X-Amz-Target; for a REST request it is the method and path. `params` are the flat fields of a
    form (``InstanceId.1``), or the top-level members of a JSON body, with other values than strings as JSON.
    `user_agent` is the whole header, `at` the time of arrival in seconds since the epoch.
    """

    service: str
    operation: str
    params: Mapping[str, str] = field(factory=dict)
    user_agent: str = ""
    at: float = field(factory=time.time)


def machines_of(request: Request) -> int:
    """How many machines a request names or asks for."""
    most = request.params.get("MaxCount", "")
    return int(most) if most.isdecimal() else sum(name.startswith("InstanceId.") for name in request.params)


def body_of(environ: dict[str, Any]) -> bytes:
    """The body of a WSGI request; the next reader can still read it."""
    try:
        length = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if not length:
        return b""
    body: bytes = environ["wsgi.input"].read(length)
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def read(environ: dict[str, Any]) -> Request:
    """Read a WSGI request. Never raises, because a malformed request must be counted too."""
    body = body_of(environ)
    query = environ.get("QUERY_STRING", "")
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    agent = environ.get("HTTP_USER_AGENT", "")
    if target:
        return Request(_service(environ), target.rpartition(".")[2], _json(body), agent)
    params = _form(body, environ) if body else _form(query.encode(), environ, presigned=True)
    operation = params.pop("Action", "")
    if not operation:
        operation = _rest(environ)
    return Request(_service(environ), operation, params, agent)


def _service(environ: Mapping[str, Any]) -> str:
    """The service in the credential scope (``KEY/20231009/eu-west-1/ec2/aws4_request``) of a header or URL."""
    header = environ.get("HTTP_AUTHORIZATION", "").partition("Credential=")[2].split(",")[0]
    query = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    scope = (header or query).split("/")
    return scope[3] if len(scope) == 5 else ""


def _form(text: bytes, environ: Mapping[str, Any], *, presigned: bool = False) -> dict[str, str]:
    if not presigned and not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return {}
    pairs = parse_qsl(text.decode("utf-8", "replace"), keep_blank_values=True)
    return {key: value for key, value in pairs if not key.startswith("X-Amz-")}


def _json(body: bytes) -> dict[str, str]:
    try:
        members = json.loads(body or b"{}")
    except ValueError:
        return {}
    if not isinstance(members, dict):
        return {}
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in members.items()}


def _rest(environ: Mapping[str, Any]) -> str:
    path: str = environ.get("PATH_INFO", "/")
    if "/operation/" in path:  # the RPC protocol with CBOR: /service/NAME/operation/NAME
        return path.rpartition("/")[2]
    return f"{environ.get('REQUEST_METHOD', '')} {path}"
