"""A request as it arrived at the simulated AWS, read from the wire and not from what a client meant to send."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, parse_qsl

from attrs import field, frozen


@frozen
class Request:
    """One request that reached the server.

    `service` is the signing name (``ec2``, ``autoscaling`` …), "" when the request is not signed. `operation` is the
    Action or the end of X-Amz-Target; a REST request has its method and path instead. `params` are the flat fields of
    the form (``InstanceId.1``), or of a JSON body its top-level members, what is not text as JSON text.
    `user_agent` is the whole header, `at` the time of arrival, seconds since the epoch.
    """

    service: str
    operation: str
    params: Mapping[str, str] = field(factory=dict)
    user_agent: str = ""
    at: float = field(factory=time.time)


def body_of(environ: dict[str, Any]) -> bytes:
    """The body of a WSGI request, which is put back for the next reader."""
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
    """What a WSGI request asks for; never fails, because a request that cannot be read must be counted too."""
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
    """The service in the credential scope: ``KEY/20231009/eu-west-1/ec2/aws4_request``, in a header or presigned."""
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
