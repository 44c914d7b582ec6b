"""What lifecycle rules of a bucket do to its objects, compared with the rules that it has.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_LifecycleRule.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

_Rule = Mapping[str, Any]
_ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
# Delete markers hold no data.
_MARKERS = "ExpiredObjectDeleteMarker"


def deletes_no_sooner(new: Iterable[_Rule], old: Iterable[_Rule]) -> bool:
    """Whether each rule that deletes objects has one for the same objects in `old` that deletes them as soon."""
    return all(
        _covered("Expiration", rule, old, _no_sooner) and _covered("NoncurrentVersionExpiration", rule, old, _no_sooner)
        for rule in _enabled(new)
    )


def archives_no_sooner(new: Iterable[_Rule], old: Iterable[_Rule]) -> bool:
    """The same of moving objects to a class from which they must be restored before they can be read."""
    return all(_covered("Transitions", rule, old, _archived) for rule in _enabled(new))


def _enabled(rules: Iterable[_Rule]) -> list[_Rule]:
    return [rule for rule in rules if rule.get("Status") == "Enabled"]


def _covered(act: str, rule: _Rule, old: Iterable[_Rule], as_soon: Callable[[Any, Any], bool]) -> bool:
    wanted = rule.get(act)
    if not wanted or wanted == {_MARKERS: True}:
        return True
    return any(
        as_soon(wanted, other[act]) for other in _enabled(old) if other.get(act) and _scope(other) == _scope(rule)
    )


def _scope(rule: _Rule) -> tuple[Any, Any]:
    """Which objects a rule is for: a prefix alone can be written in two ways."""
    chosen = rule.get("Filter") or {}
    prefix = rule.get("Prefix") or (chosen.get("Prefix") if {*chosen} <= {"Prefix"} else None) or ""
    return prefix, {} if {*chosen} <= {"Prefix"} else chosen


def _no_sooner(new: _Rule, old: _Rule) -> bool:
    if (new.get("Date"), new.get(_MARKERS)) != (old.get("Date"), old.get(_MARKERS)):
        return False
    kept = new.get("NewerNoncurrentVersions") or 0, old.get("NewerNoncurrentVersions") or 0
    return kept[0] >= kept[1] and all(
        new[member] >= old[member] for member in ("Days", "NoncurrentDays") if member in {*new} | {*old}
    )


def _archived(new: Iterable[_Rule], old: Iterable[_Rule]) -> bool:
    return all(
        any(before.get("StorageClass") == each.get("StorageClass") and _no_sooner(each, before) for before in old)
        for each in new
        if each.get("StorageClass") in _ARCHIVES
    )
