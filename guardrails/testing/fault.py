"""AWS error responses, in the protocols that botocore reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any
from xml.sax.saxutils import escape

from attrs import define

from guardrails.testing.request import Request

StartResponse = Callable[..., Any]
WSGI = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]

_REQUEST_ID = "00000000-0000-0000-0000-000000000000"


@define
class Fault:
    """The response of an operation that does nothing else; `left` counts down, None means forever.

    An error, or `document` where that is given.
    """

    status: int
    code: str
    message: str
    left: int | None = None
    document: str = ""


def answer(fault: Fault, request: Request, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
    """Answer a request with a fault, in the request's protocol."""
    kind, body = _body(fault, request, environ)
    try:
        phrase = HTTPStatus(fault.status).phrase
    except ValueError:
        phrase = "Error"
    headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("x-amzn-RequestId", _REQUEST_ID)]
    if fault.code and kind.startswith("application/"):
        headers.append(("x-amzn-ErrorType", fault.code))
    start_response(f"{fault.status} {phrase}", headers)
    return [body]


def _body(fault: Fault, request: Request, environ: dict[str, Any]) -> tuple[str, bytes]:
    if fault.document:
        kind = "text/xml" if fault.document.startswith("<") else "application/x-amz-json-1.1"
        return kind, fault.document.encode()
    error = f"<Code>{escape(fault.code)}</Code><Message>{escape(fault.message)}</Message>"
    if request.service == "ec2":
        xml = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{_REQUEST_ID}</RequestID></Response>"
    elif request.service == "s3":
        xml = f"<Error>{error}<RequestId>{_REQUEST_ID}</RequestId></Error>"
    elif environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        party = "Receiver" if fault.status >= 500 else "Sender"
        xml = (
            f"<ErrorResponse><Error><Type>{party}</Type>{error}</Error>"
            f"<RequestId>{_REQUEST_ID}</RequestId></ErrorResponse>"
        )
    else:
        document = {"__type": fault.code, "message": fault.message}
        return "application/x-amz-json-1.1", json.dumps(document).encode()
    return "text/xml", f'<?xml version="1.0" encoding="UTF-8"?>{xml}'.encode()
