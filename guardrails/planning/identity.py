"""What makes a call of a plan this call and no other: its operation, where it goes, and all its parameters.

Left out is what differs each time and changes nothing: the tokens of AWS's libraries, the order of ids, times and
running numbers in names and descriptions, and the contents of files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from guardrails.enforce.approvals.digest import TOKENS
from guardrails.values import Call

# 2023-10-09T15:22:01Z, 20231009-1522, 1696865000
_TIME = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T _]\d\d[:.-]?\d\d(?:[:.-]?\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?|\d{10,}|20\d{6}"
)
# An id of AWS is not a time, even where it has many digits.
_ID = re.compile(r"\b[a-z]+-(?:[0-9a-f]{17}|[0-9a-f]{8})\b")
_ACCOUNT = re.compile(r"(?<=:)\d{12}(?=:)")
_ROUNDS = 50_000


def identity_of(call: Call, names: Mapping[str, str]) -> str:
    """A digest of the call. `names` maps real ids to the planned ones that stood for them."""
    params = _plain({name: value for name, value in call.clear_params.items() if name not in TOKENS}, names)
    text = json.dumps([call.service, call.operation, call.region, params], sort_keys=True, default=str)
    if call.masked:
        # A password is easy to guess, and the plan may be shown: each guess takes some time.
        return hashlib.pbkdf2_hmac("sha256", text.encode(), call.name.encode(), _ROUNDS).hex()
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each, names) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [_plain(each, names) for each in value]
        return sorted(parts, key=lambda part: json.dumps(part, sort_keys=True, default=str))
    if isinstance(value, (bytes, bytearray)):
        return "(content)"
    if isinstance(value, str):
        return _without_times(_renamed(value, names))
    return value


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """With the planned ids in the place of the real ones; a part of a longer id or number is left alone."""
    real = sorted((name for name in names if name in text), key=len, reverse=True)
    if not real:
        return text
    whole = re.compile(rf"(?<![0-9A-Za-z-])(?:{'|'.join(map(re.escape, real))})(?![0-9A-Za-z-])")
    return whole.sub(lambda found: names[found[0]], text)


def _without_times(text: str) -> str:
    if not _TIME.search(text):
        return text
    kept = [*_ID.finditer(text), *_ACCOUNT.finditer(text)]
    spans = [(each.start(), each.end()) for each in kept]

    def shorter(found: re.Match[str]) -> str:
        inside = any(start <= found.start() and found.end() <= end for start, end in spans)
        return found[0] if inside else "(time)"

    return _TIME.sub(shorter, text)
