"""Results and requests as lines of text, without what differs between any two runs: times, random ids, signatures."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

# Names that are replaced by numbers in order of appearance, so that "the same id" stays visible.
_NUMBERED = (
    ("uuid", re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")),
    ("id", re.compile(r"(?:\b|(?<=%3D))[a-z]{1,12}-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")),
    ("key", re.compile(r"\b(?:ASIA|AKIA|AROA|AIDA)[A-Z0-9]{12,20}\b")),
    ("upload", re.compile(r"""(?i)(?<=uploadid[=>])[A-Z0-9]{40,}|(?<=uploadid["']: ["'])[A-Z0-9]{40,}""")),
    ("mac", re.compile(r"\b02(?::[0-9a-f]{2}){5}\b")),
    ("address", re.compile(r"\b(?!127\.0\.0\.1\b)\d{1,3}[.-]\d{1,3}[.-]\d{1,3}[.-]\d{1,3}\b")),
)
_PLAIN = (
    (re.compile(r"(?<=Signature=)(?:[0-9a-f]{64}|[A-Za-z0-9+/%]{20,}(?:=|%3D)?)"), "<signature>"),
    (re.compile(r"""(?<=Signature["']: ["'])[A-Za-z0-9+/=]+"""), "<signature>"),
    (re.compile(r"(?<=AWS testing:)[A-Za-z0-9+/=]+"), "<signature>"),
    (re.compile(r"(?<=chunk-signature=)[0-9a-f]{64}"), "<signature>"),
    (re.compile(r"(?<=Signature%3D)[0-9a-f]{64}"), "<signature>"),
    (re.compile(r"(?<!\d)\d{8}T\d{6}Z\b"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d(?::|%3A)\d\d(?::|%3A)\d\d(?:\.\d+)?(?:Z|\+00:00)?"), "<time>"),
    (re.compile(r"\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "<time>"),
    (re.compile(r"(?<=/)\d{8}(?=/[a-z]{2}-[a-z]+-\d/)|(?<=2F)\d{8}(?=%(?:25)?2F)"), "<day>"),
    (re.compile(r"\bFQoGZXIvYXdz[A-Za-z0-9+/]+={0,2}"), "<token>"),
    (re.compile(r"(?<=Expires=)\d{10}"), "<time>"),
    (re.compile(r"(?<![\w.-])1[6-9]\d{8}(?:\d{3}|\.\d+)?(?![\w.-])"), "<time>"),
)
# Of answers, whose length is that of random addresses and fractions of seconds; their content is compared.
_RANDOM_HEADERS = frozenset(
    ("date", "content-length", "x-amzn-requestid", "x-amz-request-id", "x-amz-id-2", "x-amzn-trace-id", "x-amz-crc32")
)
_FORM_SIGNATURE = re.compile(r'(?<=name="signature"\r\n\r\n)[A-Za-z0-9+/=]+')
_POLICY = re.compile(r'(name="policy"\r\n\r\n)([A-Za-z0-9+/=]+)')
# Longer bodies are compared by their hashes.
_LONGEST = 100_000
_DECISION = re.compile(r" md/guardrails#([0-9a-f-]{36})$")
LOOKUP = "guardrails-lookup"


def plain(value: Any) -> Any:
    """A value as JSON; types unknown to JSON keep their names."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (bytes, bytearray)):
        return {type(value).__name__: bytes(value).decode("latin-1")}
    if isinstance(value, dt.datetime):
        return f"<time {value.tzinfo is not None}>"
    if isinstance(value, Mapping):
        return {str(key): _member(str(key), item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(map(plain, value))
    raise TypeError(f"a kind returns {type(value).__name__}, which cannot be compared")


def _member(key: str, value: Any) -> Any:
    if key in ("RequestId", "HostId") and isinstance(value, str):
        return "<random>"
    if key == "HTTPHeaders" and isinstance(value, Mapping):
        return {name: "<random>" if name in _RANDOM_HEADERS else text for name, text in value.items()}
    return plain(value)


def lines(found: Any) -> list[str]:
    """The text to compare. Ids are numbered in order of appearance."""
    text = json.dumps(found, indent=1, ensure_ascii=False)
    for pattern, name in _PLAIN:
        text = pattern.sub(name, text)
    for name, pattern in _NUMBERED:
        seen: dict[str, str] = {}

        def number(match: re.Match[str], name: str = name, seen: dict[str, str] = seen) -> str:
            return seen.setdefault(match[0], f"<{name} {len(seen) + 1}>")

        text = pattern.sub(number, text)
    return text.split("\n")


def request(recorded: Mapping[str, Any], *, governed: bool) -> dict[str, Any]:
    """A request on the wire, for comparison: everything but the decision's id, which is counted separately.

    The trace may move its header to the end.
    """
    headers = [f"{name}: {_DECISION.sub('', value)}" for name, value in recorded["headers"]]
    if "&SignatureVersion=2&" in recorded["body"]:
        # The signature is in the form, where its slashes are longer.
        headers = [re.sub(r"^Content-Length: \d+", "Content-Length: <length>", header) for header in headers]
    if governed:
        headers.sort(key=lambda header: header.startswith("User-Agent: "))
    body = recorded["body"]
    if "Content-Encoding: gzip" in headers:
        # It has the time in it.
        body = gzip.decompress(body.encode("latin-1")).decode("latin-1")
    body = _POLICY.sub(lambda match: match[1] + base64.b64decode(match[2]).decode("latin-1"), body)
    body = _FORM_SIGNATURE.sub("<signature>", body)
    return {"first": f"{recorded['method']} {recorded['target']}", "headers": headers, "body": _shown(body)}


def _shown(body: str) -> list[str]:
    if len(body) <= _LONGEST:
        return body.split("\r\n")
    return [f"{len(body)} bytes {hashlib.sha256(body.encode('latin-1')).hexdigest()}"]


def agent(recorded: Mapping[str, Any]) -> str:
    return next((value for name, value in recorded["headers"] if name.lower() == "user-agent"), "")


def decision_of(recorded: Mapping[str, Any]) -> str | None:
    found = _DECISION.search(agent(recorded))
    return found[1] if found else None
