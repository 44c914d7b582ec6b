"""The blast radius of a call, from the document its policies were asked about: what it would do, to which cluster.

Cards, questions and the report say what is said here. Where the document does not tell which machines of a cluster a
call reaches, through a subnet say, all of them might be reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from attrs import frozen

from guardrails.record.entries import part, texts

# What a call does to machines, the worst first, by its effects.
Kind = Literal["down", "cut", "disks", "anything", "changed"]
_KINDS: tuple[tuple[Kind, frozenset[str]], ...] = (
    ("down", frozenset(("terminate", "stop", "scale-in", "replace"))),
    ("cut", frozenset(("network", "ip", "traffic"))),
    ("disks", frozenset(("storage",))),
    ("anything", frozenset(("opaque",))),
)
# Nobody knows beforehand how many machines these take.
_SOME = frozenset(("scale-in", "replace"))
Fate = Literal["lost", "might", "stays"]


@frozen
class Hit:
    """What becomes of one cluster in the account and region of a call.

    `machines` are the ids that the call names or reaches through a group that lists them; `through` are the other
    things that it names and that carry the cluster, such as a route table, by id with their type; `all_reached` is
    true where any machine may hang on one of those. `stopped` counts machines that do not run. `down` is how many go
    down, at the most where it is not `exact`; `moves` is true where addresses go to somewhere else.
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
        """What becomes of it, in words."""
        return _sentence(self)

    @property
    def touched(self) -> bool:
        """True where the call reaches anything of it."""
        return bool(self.machines or self.through) or any(fate != "stays" for fate in self.addresses.values())

    @property
    def harm(self) -> tuple[int, int, float, int]:
        """For sorting, worst last: live, by kind, the share of machines reached, addresses lost."""
        every = self.running + self.stopped
        reached = 1.0 if self.all_reached else len(self.machines) / every if every else 0.0
        rank = ("changed", "anything", "disks", "cut", "down").index(self.kind) if self.touched else -1
        return int(self.live), rank, reached, sum(fate == "lost" for fate in self.addresses.values())


def of(document: Mapping[str, Any]) -> tuple[Hit, ...]:
    """Every cluster there, the live ones first. `document` is the `input` of the Rego contract."""
    call, clusters, targets = part(document, "call"), part(document, "clusters"), part(document, "targets")
    grows = {"scale-in"} if _grows(call, targets) else set()
    effects = frozenset(texts(call.get("effects"))) - grows
    named = {
        str(key): value for key, value in targets.items() if isinstance(value, dict) and value.get("role") == "target"
    }
    onto = [value for value in targets.values() if isinstance(value, dict) and value.get("role") == "destination"]
    found = [_hit(str(name), one, named, onto, effects) for name, one in clusters.items() if isinstance(one, dict)]
    return tuple(sorted(found, key=lambda hit: (not hit.live, hit.cluster)))


def elsewhere(document: Mapping[str, Any]) -> tuple[str, ...]:
    """What the call names and no cluster shows: what AWS does not know, what carries none, where something goes."""
    said = []
    for key, target in part(document, "targets").items():
        if not isinstance(target, dict):
            continue
        clusters = ", ".join(texts(target.get("clusters")))
        if target.get("role") == "destination":
            said.append(f"onto {key}, {f'of {clusters}' if clusters else 'of no cluster'}")
        elif target.get("resolved") is not True:
            said.append(f"{key}, which AWS does not know")
        elif not clusters:
            said.append(f"{key}, of no cluster")
    return tuple(said)


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
    # Neither a group that lists its machines, nor a thing with the cluster's tag and no machines.
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
    count = f"{len(hit.machines)} of {every} machines" if known else "its machines"
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
        parts.append(f"{lost} of {len(hit.addresses)} addresses would {'move away' if hit.moves else 'stop answering'}")
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
    # What moves onto a machine or an interface pushes the address off that is there.
    pushed = {ip for target in onto for ip in texts(part(target, "facts").get("elastic_ips"))} - carried
    taken = named | pushed | (carried if kind == "down" else set())

    def fate(ip: str) -> Fate:
        if ip in taken:
            return "lost"
        might = (kind == "cut" and ip in carried) or (reached and kind in ("down", "cut"))
        return "might" if might else "stays"

    return {ip: fate(ip) for ip in texts(cluster.get("public_ips"))}


def _members(target: Mapping[str, Any]) -> frozenset[str]:
    """The machines of a group that is of one cluster; of one that is of several nobody knows which are whose."""
    facts = part(target, "facts")
    if len(texts(target.get("clusters"))) != 1:
        return frozenset()
    holder = facts.get("instance")
    listed = [*texts(facts.get("instances")), *([holder] if isinstance(holder, str) else [])]
    return frozenset(listed) - frozenset(texts(facts.get("untagged")))


def _is_gone(target: Mapping[str, Any]) -> bool:
    return target.get("state") in ("terminated", "shutting-down")


def _grows(call: Mapping[str, Any], targets: Mapping[str, Any]) -> bool:
    """True where a call sets sizes of groups, and none to fewer machines than the group wants now."""
    params = part(call, "params")
    sizes = [params[key] for key in ("DesiredCapacity", "MaxSize") if isinstance(params.get(key), int)]
    groups = [part(target, "facts").get("desired") for target in targets.values() if isinstance(target, dict)]
    return bool(sizes) and all(isinstance(desired, int) and min(sizes) >= desired for desired in groups)


def _is_thing(target: Mapping[str, Any]) -> bool:
    """A database or a queue: it is a cluster's by its tag, and no machine hangs on it as far as anyone can tell."""
    return "marked" in part(target, "facts")


def _is_address(target: Mapping[str, Any], cluster: Mapping[str, Any]) -> bool:
    """It stands among the cluster's addresses already."""
    ips = texts(target.get("public_ips"))
    return target.get("type") in ("address", "cidr") and bool({*ips} & {*texts(cluster.get("public_ips"))})


def _number(value: Any) -> int:
    return max(0, value) if isinstance(value, int) and not isinstance(value, bool) else 0
