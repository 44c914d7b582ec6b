"""Lines of the decision log about very many targets: what fills them is compressed.

A denial of 1,000 targets would take half a megabyte. `call.params` stays as it is, so that a search finds every id.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

_LONGEST = 32_000
_COMPRESSED = "compressed"
_PACKED = "packed"
# What grows with the number of targets.
_MEMBERS = (("input", "targets"), ("result", "violations"))


def shortened(document: Mapping[str, Any]) -> bytes:
    """The entry as one line of JSON, without its end.

    Of a long one, `input.targets` and `result.violations` are in `compressed`: base64 of JSON that zlib has packed.
    """
    line = json.dumps(document, ensure_ascii=True).encode()
    if len(line) <= _LONGEST:
        return line
    members: dict[str, Any] = {}
    short = dict(document)
    for part, member in _MEMBERS:
        if member in short.get(part, ()):
            members[member] = short[part][member]
            short[part] = {key: value for key, value in short[part].items() if key != member}
    text = base64.b64encode(zlib.compress(json.dumps(members).encode())).decode()
    return json.dumps({**short, _COMPRESSED: text}, ensure_ascii=True).encode()


def packed(line: bytes) -> bytes:
    """A line for where even a shortened one is too long: all of it is in `packed`, but for what finds it."""
    document = json.loads(line)
    found_by = {key: document[key] for key in ("decision_id", "timestamp", "type") if key in document}
    return json.dumps({**found_by, _PACKED: base64.b64encode(zlib.compress(line)).decode()}).encode()


def whole(document: dict[str, Any]) -> dict[str, Any]:
    """The entry as it was before `shortened` and `packed`. Raises ValueError where what they compressed is damaged."""
    try:
        if _PACKED in document:
            document = dict(json.loads(zlib.decompress(base64.b64decode(document[_PACKED]))))
        if _COMPRESSED not in document:
            return document
        members = dict(json.loads(zlib.decompress(base64.b64decode(document[_COMPRESSED]))))
        parts = {part: {**document[part], member: members[member]} for part, member in _MEMBERS if member in members}
    except (zlib.error, TypeError, KeyError) as error:
        raise ValueError("its compressed members cannot be read") from error
    return {**{key: value for key, value in document.items() if key != _COMPRESSED}, **parts}
