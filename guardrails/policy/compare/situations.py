"""An input for each kind of operation and each state of what it acts on: the states that the policies were made for.

There are three machines each of blue, which is live, green, which stands by, and red, which was live a moment ago.
Every operation is tried on what carries each of them, on all of it and on a part; on what no tag ties to a cluster,
what was not found and what no look-up can follow; and each of these while the sources know, disagree, do not know, find
nothing, or are old.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import CatalogueEntry
from guardrails.values import frozen

NOW_S = 1_700_000_000.0
_DAY_S = 86_400
_MACHINES = 3
ADDRESSES = {"blue": "203.0.113.7", "green": "203.0.113.8", "red": "203.0.113.9"}
Document = dict[str, Any]
# What the call acts on: the cluster that each target carries, and its facts.
STATES: Mapping[str, Sequence[tuple[Sequence[str], Mapping[str, Any]]]] = {
    "live": [(["blue"], {})],
    "all of the live": [(["blue"], {})] * _MACHINES,
    "standby": [(["green"], {})],
    "all of the standby": [(["green"], {})] * _MACHINES,
    "retired": [(["red"], {})],
    "untagged": [([], {})],
    "untagged parts": [(["green"], {"untagged": ["i-8"]})],
    "unresolved": [([], {"resolved": False})],
    "holder missing": [([], {"missing": ["i-7"]})],
    "untraced": [([], {"traced": False})],
    "unread": [(["green"], {"unread": ["part-1"]})],
    "mismatch": [(["green"], {"mismatch": "it is a volume, but this call expects a machine"})],
    "mixed": [(["blue"], {}), (["green"], {})],
    "shared": [(["blue", "green"], {})],
    "none": [],
}
EVIDENCE = ("known", "disputed", "unknown", "nothing", "stale", "moved")
_FOR_OTHERS = ("live", "standby", "unresolved")


@frozen
class Operation:
    """An operation, what it does, and the types of what it acts on (`targets`) and of what receives something."""

    service: str
    name: str
    effects: tuple[str, ...]
    severity: str
    targets: tuple[str, ...]
    destinations: tuple[str, ...]
    tagging: bool = False


def operations(named: Collection[str], catalogue: Catalogue) -> tuple[list[Operation], list[Operation]]:
    """One operation of the catalogue for each set of effects, and all that are `named`; and one for each other type."""
    usual: dict[tuple[object, ...], Operation] = {}
    others: dict[tuple[object, ...], Operation] = {}
    for service in sorted(catalogue.services, key=lambda service: (service != "ec2", service)):
        for name, entry in sorted(catalogue.service(service).operations.items()):
            for effects in _effects(entry):
                made = _operation(service, name, effects, entry)
                key = (name if name in named else "", frozenset(effects), made.tagging, bool(made.targets))
                if usual.setdefault(key, made) is not made:
                    others.setdefault((frozenset(effects), made.targets, made.destinations), made)
    unknown = Operation("ec2", "ObliterateEverything", ("unreviewed",), "high", (), ())
    return [*usual.values(), unknown], [*others.values()]


def _effects(entry: CatalogueEntry) -> list[tuple[str, ...]]:
    """The effects of its forms, each with those that it has anyway."""
    ways = [entry.effects, *((*entry.effects, *form.effects) for form in entry.forms)]
    return [*dict.fromkeys(tuple(dict.fromkeys(way)) for way in ways if way)]


def _operation(service: str, name: str, effects: tuple[str, ...], entry: CatalogueEntry) -> Operation:
    types = {role: tuple(dict.fromkeys(each.type for each in entry.targets if each.role == role))[:1]
             for role in ("target", "destination")}  # fmt: skip
    return Operation(
        service, name, effects, entry.severity, types["target"], types["destination"], tagging=entry.tags is not None
    )


def situations(usual: Sequence[Operation], others: Sequence[Operation], window_s: float) -> Iterator[Document]:
    """The inputs, the usual ones first. `window_s` is how long a retired cluster stays protected, in seconds."""
    for evidence in EVIDENCE:
        for operation in usual:
            for state in STATES if operation.targets else ("none",):
                yield situation(operation, state, evidence, window_s)
    for operation in others:
        for state in _FOR_OTHERS if operation.targets else ("none",):
            yield situation(operation, state, "known", window_s)


def situation(operation: Operation, state: str, evidence: str, window_s: float) -> Document:
    """The input of one operation in one state, with one kind of evidence."""
    targets = {
        f"{_id_of(operation)}-{number}": _target(operation, clusters, facts)
        for number, (clusters, facts) in enumerate(STATES[state])
    }
    destinations = {f"d-{kind}": _destination(kind) for kind in operation.destinations}
    taken = {name: sum(name in target["clusters"] for target in targets.values()) for name in ADDRESSES}
    live = _live(evidence)
    return {
        "schema": 1,
        "call": _call(operation),
        "targets": {**targets, **destinations},
        "clusters": {name: _cluster(name, taken[name], live["clusters"], window_s) for name in ADDRESSES},
        "live": live,
        "caller": {
            "principal": "AKIA1 (env)", "os_user": "ann", "host": "ops-1", "program": "ops.py", "interactive": False,
            "notebook": False, "pid": 1, "test_run": False, "kind": "script", "denials": 0,
        },
        "history": {
            "destroyed": {}, "stopped": {}, "out": {}, "launched": {}, "call_rate": 0, "launch_tokens": 1000,
            "hosts": 1, "unshared": "",
        },
        "capacity": None, "shift": None, "waves": None, "freezes": [], "freezes_unknown": "", "approvals": [],
        "break_glass": None, "time": when(NOW_S), "now_s": NOW_S,
    }  # fmt: skip


def copied(value: Any) -> Any:
    """A copy of JSON data, in a third of the time that copy.deepcopy takes."""
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value


def when(seconds: float) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _id_of(operation: Operation) -> str:
    return "i" if operation.targets == ("instance",) else operation.targets[0] if operation.targets else "x"


def _call(operation: Operation) -> Document:
    tags = {"set": {"Cluster": "green"}, "removed": [], "removes_all": False} if operation.tagging else None
    return {
        "service": operation.service, "operation": operation.name, "native": "", "effects": list(operation.effects),
        "severity": operation.severity, "forms": [], "params": {}, "tags": tags, "look_at": "", "dry_run": False,
        "presigned": False, "region": "eu-west-1", "account": None, "endpoint": "https://ec2.amazonaws.com",
        "real": True,
    }  # fmt: skip


def _target(operation: Operation, clusters: Sequence[str], facts: Mapping[str, Any]) -> Document:
    kind = operation.targets[0]
    used = {"instance": "i-1", "eni": "eni-1"} if kind == "address" and clusters else {}
    known = {name: value for name, value in facts.items() if name != "resolved"}
    return {
        "type": kind, "role": "target", "resolved": facts.get("resolved", True), "clusters": list(clusters),
        "tags": {"Cluster": clusters[0]} if clusters else {}, "state": "running" if kind == "instance" else None,
        "vpc": "vpc-1", "subnet": "subnet-1", "private_ips": [],
        "public_ips": [ADDRESSES[clusters[0]]] if clusters and kind == "address" else [], "protections": {},
        "facts": {**used, **known},
    }  # fmt: skip


def _destination(kind: str) -> Document:
    return {
        "type": kind, "role": "destination", "resolved": True, "clusters": ["green"], "tags": {"Cluster": "green"},
        "state": None, "vpc": "vpc-1", "subnet": "subnet-1", "private_ips": [], "public_ips": [], "protections": {},
        "facts": {"serves": True, "elastic_ips": []},
    }  # fmt: skip


def _cluster(name: str, taken: int, live: Collection[str], window_s: float) -> Document:
    is_live = name in live
    return {
        "live": is_live, "running": _MACHINES, "total": _MACHINES, "targeted": taken,
        "remaining": _MACHINES - taken, "in_flight": 0, "public_ips": [ADDRESSES[name]] if is_live else [],
        "subnets": ["subnet-1"], "live_since": NOW_S - _DAY_S if is_live else None, "healthy": True,
        "retired_at": NOW_S - window_s / 2 if name == "red" and not is_live else None, "kind": "tag",
        "serving": _MACHINES, "serving_targeted": taken,
    }  # fmt: skip


def _live(evidence: str) -> Document:
    """What the sources say."""
    named: Mapping[str, list[tuple[str, list[str]]]] = {
        "disputed": [("eip", ["blue"]), ("tag", ["green"])],
        "moved": [("eip", ["green"]), ("ssm", ["blue"])],
        "unknown": [],
        "nothing": [("eip", [])],
    }
    sources = named.get(evidence, [("eip", ["blue"]), ("tag", ["blue"])])
    clusters = sorted({cluster for _, names in sources for cluster in names})
    age_s = _DAY_S if evidence == "stale" else 0.1
    return {
        "known": bool(clusters), "disputed": len(clusters) > 1, "nothing": evidence == "nothing", "clusters": clusters,
        "sources": [
            {"name": name, "clusters": names, "observed_at": when(NOW_S - age_s), "age_s": age_s,
             "evidence": "as it was seen", "silent": not names}
            for name, names in sources
        ],
    }  # fmt: skip
