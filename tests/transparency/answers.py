"""Answers for what moto does not simulate: plain HTTP, and event streams."""

from __future__ import annotations

import json
import struct
from binascii import crc32
from typing import Any


def reply(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> str:
    """An HTTP answer, as latin-1."""
    lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return ("\r\n".join([*lines, "", ""]).encode() + body).decode("latin-1")


def events(*messages: tuple[str, Any], headers: dict[str, str] | None = None) -> str:
    """An HTTP answer whose body is an event stream of (type, JSON or bytes)."""
    body = b"".join(_event(kind, content) for kind, content in messages)
    return reply(200, body, {"Content-Type": "application/vnd.amazon.eventstream", **(headers or {})})


def _event(kind: str, content: Any) -> bytes:
    raw = isinstance(content, bytes)
    payload = content if raw else json.dumps(content).encode()
    form = "application/octet-stream" if raw else "application/json"
    named = {":message-type": "event", ":event-type": kind, ":content-type": form}
    if kind.endswith("Exception"):
        named = {":message-type": "exception", ":exception-type": kind, ":content-type": form}
    head = b"".join(_header(name, value) for name, value in named.items())
    prelude = struct.pack(">II", 16 + len(head) + len(payload), len(head))
    message = prelude + struct.pack(">I", crc32(prelude)) + head + payload
    return message + struct.pack(">I", crc32(message))


def _header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
