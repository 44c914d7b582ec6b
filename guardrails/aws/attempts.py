"""Whether an attempt to send a call may have been carried out: a refusal says that it was not, silence does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError

from guardrails.errors import CallDenied

_NOT_SENT = (CallDenied, ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError)
# Refusals that come with the status of a server error.
_REFUSED = re.compile(
    r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|ThroughputExceeded|^Insufficient\w*Capacity"
)
_UNCLEAR = re.compile(r"Timeout|Internal|InProgress|Unavailable")
# The caller may not do it at all.
_FORBIDDEN = (401, 403)


def may_be_done(response: Mapping[str, Any] | None, parsed: Mapping[str, Any] | None, error: Any) -> bool:
    """By what botocore's event ``response-received`` has of an attempt."""
    if error is not None or response is None:
        return not isinstance(error, _NOT_SENT)
    return not _refused(int(response["status_code"]), code_of(parsed))


def may_be_done_in_part(response: Mapping[str, Any] | None, parsed: Mapping[str, Any] | None, error: Any) -> bool:
    """The same for a call on several machines.

    Where one of them is protected, AWS refuses the call and still terminates those in other zones (EC2 API reference,
    TerminateInstances).
    """
    if may_be_done(response, parsed, error):
        return True
    if error is not None or response is None:
        return False
    return int(response["status_code"]) not in _FORBIDDEN and not _REFUSED.search(code_of(parsed))


def code_of(parsed: Mapping[str, Any] | None) -> str:
    """The code of an error, "" where there is none."""
    return str(((parsed or {}).get("Error") or {}).get("Code", ""))


def _refused(status: int, code: str) -> bool:
    """Whether the answer says that nothing was done."""
    if status >= 500:
        return bool(_REFUSED.search(code))
    return status >= 300 and status != 408 and not _UNCLEAR.search(code)
