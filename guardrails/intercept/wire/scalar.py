"""A single value of a request, in the type of its shape.

Numbers, booleans and strings stay what they are, blobs are bytes, timestamps are strings: ``2023-10-09T15:22:00Z``.
"""

from __future__ import annotations

import base64
import binascii
import math
from datetime import UTC, datetime
from typing import Any

from botocore.model import Shape
from botocore.utils import parse_to_aware_datetime


class Undecodable(Exception):
    """A request whose parameters cannot be read completely; the message says why."""


def of_text(shape: Shape, value: object) -> Any:
    """From a string in a form, XML, a header or a URL."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    text = str(value)
    kind = shape.type_name
    try:
        if kind == "boolean":
            return {"true": True, "false": False}[text.lower()]
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("float", "double"):
            return _finite(float(text))
    except (KeyError, ValueError) as error:
        raise Undecodable(f"{text!r} is not {_a(kind)}") from error
    return _other(kind, text)


def of_value(shape: Shape, value: object) -> Any:
    """From a value in JSON or CBOR."""
    kind = shape.type_name
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind in ("integer", "long") and isinstance(value, int) and not isinstance(value, bool):
        return value
    if kind in ("float", "double") and isinstance(value, (int, float)) and not isinstance(value, bool):
        return _finite(value)
    if kind == "timestamp" and isinstance(value, (int, float, str, datetime)) and not isinstance(value, bool):
        return moment(value)
    if kind == "blob" and isinstance(value, bytes):
        return value
    if kind in ("string", "character", "blob") and isinstance(value, str):
        return _other(kind, value)
    raise Undecodable(f"{_a(kind)} was expected, not {type(value).__name__}")


def moment(value: Any) -> str:
    """A time that AWS accepts (a string, or seconds since the epoch) as ISO 8601 in UTC, fractions of a second kept."""
    try:
        time = parse_to_aware_datetime(value).astimezone(UTC)
    except (ValueError, OverflowError, OSError, RuntimeError) as error:
        raise Undecodable(f"{value!r} is not a time") from error
    return str(time.isoformat().replace("+00:00", "Z"))


def _other(kind: str, text: str) -> Any:
    if kind == "timestamp":
        return moment(text)
    if kind == "blob":
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Undecodable("a blob is not base64") from error
    return text


def _finite(number: float) -> float:
    if not math.isfinite(number):
        # Neither JSON nor Rego can express it.
        raise Undecodable(f"{number} is not a finite number")
    return number


def _a(kind: str) -> str:
    return {"boolean": "true or false", "integer": "a number", "long": "a number", "double": "a number"}.get(
        kind, f"a {kind}"
    )
