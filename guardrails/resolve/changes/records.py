"""DNS records: which changes of a batch leave everyone where they are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.changes.compare import same

Record = Mapping[str, Any]
# A dot that is escaped does not end a label.
_ESCAPED = re.compile(r"\\(?!056)([0-3][0-7]{2})")
# What is compared in a way of its own, or may change: a TTL sends no one elsewhere.
_APART = frozenset(("Name", "Type", "TTL", "ResourceRecords", "AliasTarget", "Weight"))


def plain_name(name: str) -> str:
    """Route 53 writes names with a dot at the end, and takes each character as its octal escape, too.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html
    """
    return _ESCAPED.sub(lambda match: chr(int(match[1], 8)), name).lower().rstrip(".")


def is_within(name: str, domain: str) -> bool:
    """Whether a name is the domain's, or one below it."""
    return f".{plain_name(name)}".endswith(f".{plain_name(domain)}")


def leave_traffic(name: str, kind: str, changes: Iterable[Mapping[str, Any]], records: Iterable[Record]) -> bool:
    """Whether the changes of one record only repeat it, change its TTL, or add values or weight to it."""
    records = [*records]
    meant = [change for change in changes if _about(name, kind, change.get("ResourceRecordSet") or {})]
    return bool(meant) and all(
        change.get("Action") == "UPSERT" and _keeps(change["ResourceRecordSet"], records) for change in meant
    )


def _about(name: str, kind: str, record: Record) -> bool:
    return plain_name(record.get("Name") or "") == plain_name(name) and record.get("Type") == kind


def _keeps(new: Record, records: list[Record]) -> bool:
    old = [record for record in records if record.get("SetIdentifier") == new.get("SetIdentifier")]
    return len(old) == 1 and _same_target(new, old[0]) and _same_rest(new, old[0])


def _same_rest(new: Record, old: Record) -> bool:
    rest, before = ({key: value for key, value in record.items() if key not in _APART} for record in (new, old))
    return same(rest, before) and (
        new.get("Weight") == old.get("Weight") or _weight(new) >= _weight(old) > 0  # more of the traffic, not less
    )


def _weight(record: Record) -> int:
    weight = record.get("Weight")
    return weight if isinstance(weight, int) else -1


def _same_target(new: Record, old: Record) -> bool:
    if new.get("AliasTarget") or old.get("AliasTarget"):
        alias, before = (dict(record.get("AliasTarget") or {}) for record in (new, old))
        names = [plain_name(target.pop("DNSName", "")).removeprefix("dualstack.") for target in (alias, before)]
        return names[0] == names[1] != "" and same(alias, before)
    values, before_values = (
        {item.get("Value") for item in record.get("ResourceRecords") or []} for record in (new, old)
    )
    return bool(before_values) and before_values <= values
