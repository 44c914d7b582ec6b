"""The blast radius of one decision, from its entry in the log: what it would hit, what would remain."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from guardrails.decision_log import part, texts


@frozen
class Hit:
    """One cluster in the account and region of a call, as the guard saw it.

    `machines` are the ids that the call names, `others` how many more there are; `running` counts both where they run.
    `addresses` and `subnets` are by name, true where the call hits them. `through` are other things that the call names
    and that carry the cluster, such as a route table.
    """

    cluster: str
    live: bool
    running: int
    remaining: int
    machines: tuple[str, ...]
    others: int
    addresses: Mapping[str, bool]
    subnets: Mapping[str, bool]
    through: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """True where the call hits the cluster through something that all of it may hang on."""
        return bool(self.through)

    @property
    def harm(self) -> tuple[int, float, int]:
        """For sorting, worst last: live before others, the share of running machines lost, addresses lost."""
        lost = (self.running - self.remaining) / self.running if self.running else 0.0
        return int(self.live), max(lost, 1.0 if self.whole else 0.0), sum(self.addresses.values())


def of(entry: Mapping[str, Any]) -> tuple[Hit, ...]:
    """Every cluster there, the live ones first. Empty where the entry holds no facts."""
    document = part(entry, "input")
    clusters, targets = part(document, "clusters"), part(document, "targets")
    named = {key: value for key, value in targets.items() if isinstance(value, dict) and value.get("role") == "target"}
    found = [_hit(str(name), one, named) for name, one in clusters.items() if isinstance(one, dict)]
    return tuple(sorted(found, key=lambda hit: (not hit.live, hit.cluster)))


def _hit(name: str, cluster: Mapping[str, Any], named: Mapping[str, Mapping[str, Any]]) -> Hit:
    mine = {key: target for key, target in named.items() if name in texts(target.get("clusters"))}
    machines = tuple(sorted(key for key, target in mine.items() if target.get("type") == "instance"))
    taken = {ip for target in mine.values() for ip in texts(target.get("public_ips"))}
    rest = {key: target for key, target in mine.items() if key not in machines}
    subnets = texts(cluster.get("subnets"))
    through = tuple(
        f"{key} ({target.get('type')})"
        for key, target in sorted(rest.items())
        if key not in subnets and not texts(target.get("public_ips"))
    )
    total = _number(cluster.get("total"))
    return Hit(
        cluster=name,
        live=bool(cluster.get("live")),
        running=_number(cluster.get("running")),
        remaining=_number(cluster.get("remaining")),
        machines=machines,
        others=max(0, total - len(machines)),
        addresses={ip: ip in taken for ip in texts(cluster.get("public_ips"))},
        subnets={subnet: subnet in rest for subnet in subnets},
        through=through,
    )


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
