"""The decision's id in the User-Agent, which no signature covers and which CloudTrail records."""

from __future__ import annotations

from typing import Any

# botocore's format for metadata: md/NAME#VALUE.
_HEADER = "User-Agent"
_MARK = "md/guardrails#"
PATTERN = rf"{_MARK}(?P<id>[0-9a-f-]{{36}})"


def mark(headers: Any, decision_id: str) -> None:
    """Put the id into the headers of a request that is about to be sent; before that, botocore rewrites this header."""
    value = headers.get(_HEADER) or ""
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if f"{_MARK}{decision_id}" in text:
        return
    value = f"{text} {_MARK}{decision_id}".lstrip()
    if _HEADER in headers and hasattr(headers, "replace_header"):
        # Otherwise botocore's own mapping would add a second header, or change the order of the headers.
        headers.replace_header(_HEADER, value)
    else:
        headers[_HEADER] = value
