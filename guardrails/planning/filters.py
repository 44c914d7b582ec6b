"""Whether something that a plan changed would be in the answer to a request, by the request's ids and filters."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

# What does not narrow a request down.
_PAGING = frozenset(
    ("MaxResults", "NextToken", "Marker", "PageSize", "MaxItems", "MaxRecords", "DryRun", "IncludeAllInstances",
     "IncludeManagedResources", "IncludeDeleted", "IncludeDeprecated", "IncludeDisabled")
)  # fmt: skip
# Filters of EC2 whose name does not lead to their value.
_PATHS = {
    "instance-state-name": ("State", "Name"),
    "instance-state-code": ("State", "Code"),
    "ip-address": ("PublicIpAddress",),
    "availability-zone": ("Placement", "AvailabilityZone"),
    "instance.group-id": ("SecurityGroups", "GroupId"),
    "instance.group-name": ("SecurityGroups", "GroupName"),
    "dns-name": ("PublicDnsName",),
    "tenancy": ("Placement", "Tenancy"),
    "placement-group-name": ("Placement", "GroupName"),
    "status": ("State",),
    "attachment.attach-time": ("Attachments", "AttachTime"),
}
_MISSING = object()


def fits(item: Mapping[str, Any], params: Mapping[str, Any]) -> bool | None:
    """True or false where that is certain, else None."""
    answers = [_narrows(item, name, value) for name, value in params.items() if name not in _PAGING]
    return False if False in answers else None if None in answers else True


def ids_in(params: Mapping[str, Any], key: str) -> list[str]:
    """The ids that a request names for items with this key: ``VolumeIds`` for ``VolumeId``."""
    found = (value for name, value in params.items() if _names(name, key))
    return [each for value in found for each in (value if isinstance(value, list) else [value]) if value]


def names_ids(name: str, key: str) -> bool:
    """Whether a parameter of this name has ids of items with this key."""
    return _names(name, key)


def _names(name: str, key: str) -> bool:
    return name.lower() in (key.lower(), f"{key}s".lower())


def _narrows(item: Mapping[str, Any], name: str, value: Any) -> bool | None:
    if name in ("Filters", "filters", "Filter") and isinstance(value, list):
        answers = [_passes(item, each) for each in value]
        return False if False in answers else None if None in answers else True
    own = next((item[key] for key in item if _names(name, key)), _MISSING)
    if own is _MISSING and name == "Names":
        own = next((item[key] for key in item if key.endswith("Name") and key != "DNSName"), _MISSING)
    if own is _MISSING and isinstance(item.get(f"{name}s"), list) and isinstance(value, str):
        # A target group has the LoadBalancerArns of which a read asks for one.
        return value in item[f"{name}s"]
    if own is _MISSING or isinstance(own, (dict, list)):
        return None if value not in (None, "", [], {}) else True
    return own in value if isinstance(value, list) else own == value


def _passes(item: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool | None:
    name = str(wanted.get("Name") or wanted.get("name") or "")
    patterns = [str(each) for each in wanted.get("Values") or wanted.get("values") or ()]
    tags = {str(tag.get("Key")): str(tag.get("Value") or "") for tag in item.get("Tags") or ()}
    if name.startswith("tag:"):
        return name[4:] in tags and _any([tags[name[4:]]], patterns)
    if name == "tag-key":
        return _any(tags, patterns)
    # RDS calls its DBInstanceIdentifier db-instance-id.
    plain = name.replace("-", "").lower()
    alike = next((key for key in item if key.lower() in (plain, f"{plain}entifier")), "")
    path = _PATHS.get(name) or ((alike,) if alike else tuple(_camel(part) for part in name.split(".")))
    values = list(_values(item, path))
    return _any(map(_text, values), patterns) if values else None if not _has(item, path[0]) else False


def _has(item: Mapping[str, Any], key: str) -> bool:
    return any(each in (key, f"{key}s") for each in item)


def _values(value: Any, path: tuple[str, ...]) -> Iterator[Any]:
    if isinstance(value, list):
        for each in value:
            yield from _values(each, path)
    elif not path:
        yield from [value] if not isinstance(value, Mapping) else []
    elif isinstance(value, Mapping):
        key = next((each for each in (path[0], f"{path[0]}s") if each in value), None)
        if key is not None:
            yield from _values(value[key], path[1:])


def _camel(kebab: str) -> str:
    return "".join(part.capitalize() for part in kebab.split("-"))


def _any(values: Iterable[str], patterns: Iterable[str]) -> bool:
    wanted = [re.compile(fnmatch.translate(pattern)) for pattern in patterns]
    return any(each.match(value) for value in values for each in wanted)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
