"""Which requests the conditions of a listener rule match, as far as it can be proven without seeing any.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html
"""

from __future__ import annotations

import fnmatch
import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.values import frozen

_CONFIGS = {
    "path-pattern": "PathPatternConfig",
    "host-header": "HostHeaderConfig",
    "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
    "http-header": "HttpHeaderConfig",
    "query-string": "QueryStringConfig",
}
# A request has one of each; of a query string it may have several.
_SINGLE = frozenset(_CONFIGS) - {"query-string"}
# Every browser sends these.
_COMMON_HEADERS = ("accept", "accept-encoding", "accept-language", "connection", "host", "user-agent")
_LITERAL = re.compile(r"[^*?]*")
# A network of more addresses than these bits leave is not a handful of testers.
_SMALL_NETWORK = {4: 16, 6: 48}


@frozen
class Condition:
    """One condition: the field, the name of a header (or ""), and the values of which one has to match."""

    field: str
    name: str
    values: tuple[str, ...]

    def same(self, other: Condition) -> bool:
        """True where both look at the same part of a request."""
        return (self.field, self.name) == (other.field, other.name)


def read(conditions: Iterable[Mapping[str, Any]] | None) -> tuple[Condition, ...]:
    """The conditions as AWS takes and lists them: with ``Values``, or with the configuration of the field."""
    return tuple(map(_condition, conditions or ()))


def _condition(item: Mapping[str, Any]) -> Condition:
    field = str(item.get("Field") or next((name for name, key in _CONFIGS.items() if item.get(key)), ""))
    config = item.get(_CONFIGS.get(field, "")) or {}
    values = [*(config.get("Values") or item.get("Values") or ()), *("*" for _ in config.get("RegexValues") or ())]
    strings = [
        value if isinstance(value, str) else f"{value.get('Key', '*')}={value.get('Value', '*')}" for value in values
    ]
    folded = field in ("host-header", "http-header", "query-string")
    return Condition(
        field,
        str(config.get("HttpHeaderName", "")).lower(),
        tuple(value.lower() if folded else value for value in strings),
    )


def may_overlap(left: Iterable[Condition], right: Iterable[Condition]) -> bool:
    """False where no request can match both."""
    right = [*right]
    return not any(_disjoint(a, b) for a in left for b in right if a.same(b) and a.field in _SINGLE)


def _disjoint(left: Condition, right: Condition) -> bool:
    apart = _networks_apart if left.field == "source-ip" else _patterns_apart
    return all(apart(a, b) for a in left.values for b in right.values)


def _networks_apart(left: str, right: str) -> bool:
    a, b = ipaddress.ip_network(left, strict=False), ipaddress.ip_network(right, strict=False)
    return a.version != b.version or not a.overlaps(b)


def _patterns_apart(left: str, right: str) -> bool:
    """True where the literal beginnings or ends of two patterns contradict each other."""
    return not (_agree(left, right) and _agree(left[::-1], right[::-1]) and _literal_fits(left, right))


def _agree(left: str, right: str) -> bool:
    a, b = _beginning(left), _beginning(right)
    return a.startswith(b) or b.startswith(a)


def _literal_fits(left: str, right: str) -> bool:
    for literal, pattern in ((left, right), (right, left)):
        if _beginning(literal) == literal and not _matches(literal, pattern):
            return False
    return True


def _beginning(pattern: str) -> str:
    found = _LITERAL.match(pattern)
    return found.group() if found else ""


def _matches(text: str, pattern: str) -> bool:
    # AWS's patterns have no character classes.
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def covers(earlier: Iterable[Condition], later: Iterable[Condition]) -> bool:
    """True where every request that matches the second matches the first, so that the second never gets any."""
    later = [*later]
    return all(any(_contains(each, other) for other in later if each.same(other)) for each in earlier)


def _contains(outer: Condition, inner: Condition) -> bool:
    within = _network_within if outer.field == "source-ip" else _pattern_within
    return bool(inner.values) and all(any(within(a, b) for b in outer.values) for a in inner.values)


def _network_within(inner: str, outer: str) -> bool:
    a, b = ipaddress.ip_network(inner, strict=False), ipaddress.ip_network(outer, strict=False)
    return a.version == b.version and a.subnet_of(b)  # type: ignore[arg-type]


def _pattern_within(inner: str, outer: str) -> bool:
    if _beginning(outer) == outer[:-1] and outer.endswith("*"):
        return _beginning(inner).startswith(outer[:-1])
    return inner == outer or (_beginning(inner) == inner and _matches(inner, outer))


def names_a_part(conditions: Iterable[Condition]) -> bool:
    """True where a condition limits the rule to a part of the traffic that it names: a path, a header, a parameter.

    A host does not: it may be the one that all users go to.
    """
    return any(_names_a_part(each) for each in conditions)


def _names_a_part(condition: Condition) -> bool:
    values = condition.values
    if condition.field == "path-pattern":
        return bool(values) and all(_beginning(value).strip("/") for value in values)
    if condition.field == "http-header":
        return condition.name not in _COMMON_HEADERS and all(value.strip("*?") for value in values)
    if condition.field == "query-string":
        return all(value.strip("*?=") for value in values)
    networks = [ipaddress.ip_network(value, strict=False) for value in values if condition.field == "source-ip"]
    return bool(networks) and all(network.prefixlen >= _SMALL_NETWORK[network.version] for network in networks)
