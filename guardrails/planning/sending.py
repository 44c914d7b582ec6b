"""Whether a call that was sent may have been done: a refusal says that it was not, silence does not."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError

from guardrails.errors import CallDenied

_ATTEMPTS = "guardrails_attempts"
_NOT_SENT = (CallDenied, ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
# Refusals that come with the status of a server error.
_REFUSED = re.compile(
    r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|ThroughputExceeded|^Insufficient\w*Capacity"
)
_UNCLEAR = re.compile(r"Timeout|Internal|InProgress|Unavailable")


def watch(endpoint: Any, request: dict[str, Any]) -> list[bool]:
    """A list that gets an item for each attempt to send the request: true where it may have been done."""
    attempts: list[bool] = []
    request.setdefault("context", {})[_ATTEMPTS] = attempts
    endpoint._event_emitter.register("response-received", _note, unique_id="guardrails-approved-plan")
    return attempts


def _note(
    context: dict[str, Any], response_dict: Any = None, parsed_response: Any = None, exception: Any = None, **_: Any
) -> None:
    attempts = context.get(_ATTEMPTS)
    if attempts is None:
        return
    if exception is not None or response_dict is None:
        attempts.append(not isinstance(exception, _NOT_SENT))
        return
    code = str(((parsed_response or {}).get("Error") or {}).get("Code", ""))
    attempts.append(not _refused(int(response_dict["status_code"]), code))


def _refused(status: int, code: str) -> bool:
    """Whether the answer says that nothing was done."""
    if status >= 500:
        return bool(_REFUSED.search(code))
    return status >= 300 and status != 408 and not _UNCLEAR.search(code)
