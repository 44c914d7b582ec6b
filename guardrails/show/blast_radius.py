"""The blast radius of a call, from its Rego input: what it would do, and to which clusters.

Cards, questions and reports use this. Where the input does not say which machines of a cluster a call reaches, for
example through a subnet, all of them count as reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from guardrails.record.entries import part, texts
from guardrails.show.sentences import counted
from guardrails.values import frozen

# What a call does to machines, by its effects; the worst first.
Kind = Literal["down", "cut", "disks", "anything", "changed"]
_KINDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("down", frozenset(("terminate", "stop", "scale-in", "replace"))),
    ("cut", frozenset(("network", "ip", "traffic"))),
    ("disks", frozenset(("storage",))),
    ("anything", frozenset(("opaque",))),
)
# How many machines these take is not known beforehand.
_SOME = frozenset(("scale-in", "replace"))
Fate = Literal["lost", "might", "stays"]


@frozen
class Hit:
    """The impact of a call on one cluster.

    `machines` are the ids that the call names or reaches through a group that lists them. `through` are the other
    resources it names, such as a route table, by id with their type; `all_reached` is true where any machine may
    depend on one of them. `stopped` counts machines that are not running. `down` is how many go down, an upper limit
    unless it is `exact`. `moves` is true where addresses move to another place.
    """

    cluster: str
    live: bool
    kind: Kind
    running: int
    stopped: int
    machines: tuple[str, ...]
    through: Mapping[str, str]
    all_reached: bool
    addresses: Mapping[str, Fate]
    subnets: Mapping[str, bool]
    down: int
    exact: bool
    moves: bool

    @property
    def sentence(self) -> str:
        """The impact in words."""
        return _sentence(self)

    @property
    def touched(self) -> bool:
        """True where the call reaches any part of the cluster."""
        return bool(self.machines or self.through) or any(fate != "stays" for fate in self.addresses.values())

    @property
    def harm(self) -> tuple[int, int, float, int]:
        """To sort by, the worst last: live, kind, share of machines reached, addresses lost."""
        every = self.running + self.stopped
        reached = 1.0 if self.all_reached else len(self.machines) / every if every else 0.0
        rank = ("changed", "anything", "disks", "cut", "down").index(self.kind) if self.touched else -1
        return int(self.live), rank, reached, sum(fate == "lost" for fate in self.addresses.values())


def of(document: Mapping[str, Any]) -> tuple[Hit, ...]:
    """The impact on each cluster, live ones first. `document` is the `input` of the Rego contract."""
    call, clusters, targets = part(document, "call"), part(document, "clusters"), part(document, "targets")
    grows = {"scale-in"} if _grows(call, targets) else set()
    effects = frozenset(texts(call.get("effects"))) - grows
    named = {
        str(key): value
        for key, value in targets.items()
        if isinstance(value, dict) and value.get("role") == "target" and not part(value, "facts").get("spared")
    }
    onto = [value for value in targets.values() if isinstance(value, dict) and value.get("role") == "destination"]
    hits = [
        _hit(str(name), cluster, named, onto, effects)
        for name, cluster in clusters.items()
        if isinstance(cluster, dict)
    ]
    return tuple(sorted(hits, key=lambda hit: (not hit.live, hit.cluster)))


def elsewhere(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What the call names outside of the clusters: ids that AWS does not know or that have no cluster, destinations."""
    notes = []
    for key, target in part(document, "targets").items():
        if not isinstance(target, dict):
            continue
        clusters = ", ".join(texts(target.get("clusters")))
        if target.get("role") == "destination":
            notes.append(f"onto {key} ({clusters or 'no cluster'})")
        elif target.get("resolved") is not True:
            notes.append(f"{key} (AWS does not know it)")
        elif not clusters:
            notes.append(f"{key} (no cluster)")
    return tuple(notes)


def _hit(
    name: str,
    cluster: Mapping[str, Any],
    named: Mapping[str, Mapping[str, Any]],
    onto: Sequence[Mapping[str, Any]],
    effects: frozenset[str],
) -> Hit:
    mine = {key: target for key, target in named.items() if name in texts(target.get("clusters"))}
    direct = {key for key, target in mine.items() if target.get("type") == "instance" and not _is_gone(target)}
    rest = {
        key: target
        for key, target in mine.items()
        if target.get("type") != "instance" and not _is_address(target, cluster)
    }
    listed = {key: _members(target) for key, target in rest.items()}
    members = {one for some in listed.values() for one in some}
    # Not a group that lists its machines, and not a tagged resource without machines.
    loose = any(not listed[key] and not _is_thing(target) for key, target in rest.items())
    kind: Kind = next((kind for kind, some in _KINDS if effects & some), "changed")
    running, total = _number(cluster.get("running")), _number(cluster.get("total"))
    down = 0
    if kind == "down":
        taken = running - _number(cluster.get("remaining")) + len(members - direct)
        down = running if loose else max(0, min(running, taken))
    subnets = texts(cluster.get("subnets"))
    return Hit(
        cluster=name,
        live=bool(cluster.get("live")),
        kind=kind,
        running=running,
        stopped=max(0, total - running),
        machines=tuple(sorted(direct | members)),
        through={key: str(target.get("type")) for key, target in sorted(rest.items())},
        all_reached=loose,
        addresses=_addresses(cluster, mine, kind, effects, onto, reached=loose or bool(members)),
        subnets={subnet: subnet in rest for subnet in subnets},
        down=down,
        exact=not (members or loose or effects & _SOME),
        moves=bool(onto),
    )


def _sentence(hit: Hit) -> str:
    if not hit.touched:
        return "untouched"
    every = hit.running + hit.stopped
    known = bool(hit.machines) and not hit.all_reached
    count = f"{len(hit.machines)} of {counted(every, 'machine')}" if known else "its machines"
    rest = f", {max(0, every - len(hit.machines))} would be left alone" if known else ""
    lost = sum(fate == "lost" for fate in hit.addresses.values())
    parts = []
    if hit.kind == "down" and (hit.machines or hit.all_reached):
        remain = f", {hit.running - hit.down} would remain" if hit.exact else ""
        parts.append(f"{'' if hit.exact else 'up to '}{hit.down} of {hit.running} running would go down{remain}")
    elif hit.kind == "cut" and (hit.machines or hit.all_reached):
        parts.append(f"{count} might be cut off{rest}")
    elif hit.kind == "disks" and hit.machines:
        parts.append(f"disks of {count} would change or be lost{rest}")
    elif hit.kind == "anything":
        parts.append(f"anything might happen to {count}{rest}")
    elif hit.machines:
        parts.append(f"{count} would change{rest}")
    if lost:
        parts.append(
            f"{lost} of {counted(len(hit.addresses), 'address')} would {'move away' if hit.moves else 'stop answering'}"
        )
    if hit.through:
        names = [f"{key} ({kind})" for key, kind in hit.through.items()]
        shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        parts.append(f"through {shown}" if parts else f"{shown} would change or be lost")
    return "; ".join(parts)


def _addresses(
    cluster: Mapping[str, Any],
    mine: Mapping[str, Mapping[str, Any]],
    kind: Kind,
    effects: frozenset[str],
    onto: Sequence[Mapping[str, Any]],
    *,
    reached: bool,
) -> dict[str, Fate]:
    carried = {ip for target in mine.values() for ip in texts(target.get("public_ips"))}
    others = [target for target in mine.values() if target.get("type") != "instance"]
    named = {ip for target in others for ip in texts(target.get("public_ips"))} if "ip" in effects else set()
    # An address that moves onto a machine or an interface displaces the one it had.
    pushed = {ip for target in onto for ip in texts(part(target, "facts").get("elastic_ips"))} - carried
    taken = named | pushed | (carried if kind == "down" else set())

    def fate(ip: str) -> Fate:
        if ip in taken:
            return "lost"
        might = (kind == "cut" and ip in carried) or (reached and kind in ("down", "cut"))
        return "might" if might else "stays"

    return {ip: fate(ip) for ip in texts(cluster.get("public_ips"))}


def _members(target: Mapping[str, Any]) -> frozenset[str]:
    """The machines of a group, where all of them are in one cluster."""
    facts = part(target, "facts")
    if len(texts(target.get("clusters"))) != 1:
        return frozenset()
    holder = facts.get("instance")
    listed = [*texts(facts.get("instances")), *([holder] if isinstance(holder, str) else [])]
    return frozenset(listed) - frozenset(texts(facts.get("untagged")))


def _is_gone(target: Mapping[str, Any]) -> bool:
    return target.get("state") in ("terminated", "shutting-down")


def _grows(call: Mapping[str, Any], targets: Mapping[str, Any]) -> bool:
    """True where a call sets sizes of groups, none below the size the group has now."""
    params = part(call, "params")
    sizes = [params[key] for key in ("DesiredCapacity", "MaxSize") if isinstance(params.get(key), int)]
    groups = [part(target, "facts").get("desired") for target in targets.values() if isinstance(target, dict)]
    return bool(sizes) and all(isinstance(desired, int) and min(sizes) >= desired for desired in groups)


def _is_thing(target: Mapping[str, Any]) -> bool:
    """True for a database or a queue: it has the cluster's tag, and no machine is known to depend on it."""
    return "marked" in part(target, "facts")


def _is_address(target: Mapping[str, Any], cluster: Mapping[str, Any]) -> bool:
    """True for an address that is listed with the cluster's addresses."""
    ips = texts(target.get("public_ips"))
    return target.get("type") in ("address", "cidr") and bool({*ips} & {*texts(cluster.get("public_ips"))})


def _number(value: Any) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
