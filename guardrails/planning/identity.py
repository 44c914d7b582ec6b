"""What makes a call of a plan this call and no other: its operation, where it goes, and all its parameters.

Left out is what differs each time and changes nothing: the tokens of AWS's libraries, the order of ids, filters and
tags, the time of now in the name or description of what a call creates, and the contents of S3 objects.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from guardrails.enforce.approvals.digest import TOKENS
from guardrails.planning.kinds import MAKES, noun_of
from guardrails.values import Call

# 2023-10-09T15:22:01Z, 20231009-1522, 1696865000: a day without its time is the same in the plan and in the run.
_TIME = re.compile(
    r"(?<!\d)(?:(20\d\d)-?(\d\d)-?(\d\d)[T _-]?(\d\d)[:.-]?(\d\d)(?:[:.-]?(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?"
    r"|(\d{10})(?:\d{3})?)(?!\d)"
)
# How far from now a time may be to be the one at which the script runs.
_NEAR_S = 3600.0
# Lists whose order means nothing: of ids, and of pairs with a name.
_ANY_ORDER = re.compile(
    r"(?:Ids|IDs|Arns|ARNs|^Resources|^Subnets|^SecurityGroups|^AvailabilityZones|GroupNames|^[tT]agKeys)$"
)
_PAIRS = frozenset(("Filters", "Tags", "tags", "TagSet", "TagSpecifications", "Targets"))
_UPLOADS = frozenset(("PutObject", "UploadPart", "CompleteMultipartUpload"))
_CONTENT = re.compile(r"(?:Body|ContentMD5|ContentLength|MpuObjectSize|ETag|Checksum\w*)$")
_ROUNDS = 50_000


def identity_of(call: Call, names: Mapping[str, str], now: float, *, exact: bool = False) -> str:
    """A digest of the call. `names` maps real ids to the planned ones that stood for them; `now` is the Unix time.

    An `exact` one is only equal for the same request sent once more: tokens and times count as well.
    """
    new = frozenset() if exact else new_names(call)
    params = {
        name: _without_now(value, now) if name in new and isinstance(value, str) else value
        for name, value in call.clear_params.items()
        if exact or name not in TOKENS
    }
    if call.service == "s3" and call.operation in _UPLOADS and not exact:
        params = _without_content(params)
    text = json.dumps([call.service, call.operation, call.region, _plain(params, names)], sort_keys=True, default=str)
    if call.masked:
        # A password is easy to guess, and the plan may be shown: each guess takes some time.
        return hashlib.pbkdf2_hmac("sha256", text.encode(), call.name.encode(), _ROUNDS).hex()
    return hashlib.sha256(text.encode()).hexdigest()


def _without_content(value: Any) -> Any:
    """What an upload to S3 says of where it goes, without the content and its sums."""
    if isinstance(value, Mapping):
        return {name: _without_content(each) for name, each in value.items() if not _CONTENT.match(name)}
    return [_without_content(each) for each in value] if isinstance(value, list) else value


def new_names(call: Call) -> frozenset[str]:
    """The parameters with the name and the description of what a call creates."""
    verb, noun = noun_of(call.operation)
    if verb not in MAKES:
        return frozenset()
    own = ("Name", f"{noun}Name", f"{noun}Identifier", "Description")
    return frozenset((*own, *(f"{each[:1].lower()}{each[1:]}" for each in own)))


def may_repeat(call: Call) -> bool:
    """Whether the same request, sent once more, does nothing twice: it has a token, or says how things are to be."""
    verb = noun_of(call.operation)[0]
    return call.service == "s3" or verb in _SAME or any(name in TOKENS for name in call.clear_params)


_SAME = frozenset(
    ("Delete", "Terminate", "Release", "Deregister", "Modify", "Update", "Set", "Stop", "Attach", "Detach", "Enable",
     "Disable")
)  # fmt: skip


def _plain(value: Any, names: Mapping[str, str], key: str = "") -> Any:
    if isinstance(value, Mapping):
        # A filter: its name and what it may be.
        listed = value.keys() in ({"Name", "Values"}, {"Key", "Values"})
        return {
            str(name): _plain(each, names, "Ids" if listed and name == "Values" else str(name))
            for name, each in value.items()
        }
    if isinstance(value, (list, tuple)):
        parts = [_plain(each, names) for each in value]
        loose = all(isinstance(each, str) for each in value) if _ANY_ORDER.search(key) else key in _PAIRS
        return sorted(parts, key=lambda part: json.dumps(part, sort_keys=True, default=str)) if loose else parts
    if isinstance(value, (bytes, bytearray)):
        return {"sha256": hashlib.sha256(value).hexdigest()}
    if isinstance(value, str):
        return _renamed(value, names)
    return value


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """With the planned ids in the place of the real ones; a part of a longer id or number is left alone."""
    real = sorted((name for name in names if name in text), key=len, reverse=True)
    if not real:
        return text
    whole = re.compile(rf"(?<![0-9A-Za-z-])(?:{'|'.join(map(re.escape, real))})(?![0-9A-Za-z-])")
    return whole.sub(lambda found: names[found[0]], text)


def _without_now(text: str, now: float) -> str:
    return _TIME.sub(lambda found: "(now)" if _is_near(found, now) else found[0], text)


def _is_near(found: re.Match[str], now: float) -> bool:
    *parts, zone, number = found.groups()
    if number:
        return abs(int(number) - now) < _NEAR_S
    try:
        moment = datetime(*(int(each or 0) for each in parts))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return False
    if zone and zone != "Z":
        return abs(datetime.fromisoformat(f"{moment.isoformat()}{zone}").timestamp() - now) < _NEAR_S
    # Scripts write UTC or the time of this machine.
    return any(abs(each.timestamp() - now) < _NEAR_S for each in (moment.replace(tzinfo=UTC), moment))
