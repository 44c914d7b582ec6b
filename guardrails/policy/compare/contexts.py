"""What else may surround a call: a launch's room, a switch, waves, freezes, the caller, groups, large clusters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from guardrails.policy.compare.situations import NOW_S, Document, copied, when

_WAYS = ("listener", "rule", "targets", "record", "cnames", "deployment", "address", "pointer")
_GROUPS = ("asg", "ip")
_LARGE = 100
# How much of a large cluster goes where no parameter says.
_SHARES = (0.34, 0.5)


def contexts(numbers: Sequence[float]) -> Mapping[str, Callable[[Document], None]]:
    """By name, what changes an input in place; `numbers` are the bounds that the policies know."""
    shares = sorted({*_SHARES, *(number for number in numbers if 0 < number < 1)})
    found: dict[str, Callable[[Document], None]] = {
        "room": _set("capacity", _capacity(free=20, reserved=0)),
        "no room": _set("capacity", _capacity(free=3, reserved=0)),
        "crowded": _set("capacity", _capacity(free=10, reserved=5)),
        "quota": _set("capacity", {**_capacity(free=20, reserved=0), "quotas": [_quota()]}),
        "room unknown": _set("capacity", {**_capacity(free=20, reserved=0), "unknown": [_gap()]}),
        "waves": _set("waves", _waves(taken=40, healthy=3)),
        "waves unknown": _set("waves", _waves(taken=None, healthy=None)),
        "waves fall": _set("waves", _waves(taken=1, healthy=2)),
        "frozen": _freeze,
        "freezes unknown": _set("freezes_unknown", "the table did not answer"),
        "test run": lambda document: document["caller"].update(test_run=True),
        "agent": lambda document: document["caller"].update(kind="agent", denials=3),
        "denials unknown": lambda document: document["caller"].update(kind="agent", denials=None),
        "memory away": lambda document: document["history"].update(hosts=0, unshared="the table did not answer"),
        "three hosts": lambda document: document["history"].update(hosts=3, unshared="the table did not answer"),
        "slow launches": lambda document: document["history"].update(launch_tokens=-9000),
        "destroyed": lambda document: document["history"].update(destroyed={"blue": 1, "green": 1}),
        "marked": _mark,
    }
    found |= {f"a group of kind {kind}": _kind(kind) for kind in _GROUPS}
    found |= {f"a switch by {way}": _switch(way, safe=True) for way in _WAYS}
    found |= {f"an unsafe switch by {way}": _switch(way, safe=False) for way in _WAYS}
    found |= {f"{share} of many": _large(share, kind) for share in shares for kind in ("tag", "asg")}
    return found


def surrounded(documents: Sequence[Document], numbers: Sequence[float]) -> Iterator[Document]:
    """Every document in every context."""
    for change in contexts(numbers).values():
        for document in documents:
            changed = copied(document)
            change(changed)
            yield changed


def _set(name: str, value: Any) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document[name] = copied(value)

    return change


def _capacity(*, free: int, reserved: int) -> Document:
    place = {
        "subnets": ["subnet-1"], "zones": ["a"], "needed": 8, "free": free, "fits": min(free, 8),
        "reserved": reserved, "alternatives": [{"id": "subnet-2", "free": 99, "zone": "b"}],
    }  # fmt: skip
    return {"machines": 8, "least": 1, "grows": "green", "places": [place], "quotas": [], "unknown": []}


def _quota() -> Document:
    return {"code": "L-1", "name": "vCPUs", "limit": 32, "used": 30, "needed": 4}


def _gap() -> Document:
    return {"what": "addresses", "why": "the subnet cannot be described"}


def _waves(*, taken: int | None, healthy: int | None) -> Document:
    wave = {"mode": "refuse", "taken": taken, "gone": 0, "in_wave": 0, "wait_s": 0}
    return {
        "clusters": {"green": wave}, "live": {"blue": {"healthy": healthy, "best": 3}}, "loop": "", "sized": False,
    }  # fmt: skip


def _freeze(document: Document) -> None:
    document["freezes"] = [
        {"id": "f1", "effects": list(document["call"]["effects"]), "reason": "INC-42", "by": "ann", "host": "ops-1",
         "since": when(NOW_S - 60), "until": when(NOW_S + 60), "until_s": NOW_S + 60}
    ]  # fmt: skip


def _mark(document: Document) -> None:
    """Every target has an address of the live cluster, and protection."""
    for target in document["targets"].values():
        target["public_ips"] = [address for each in document["clusters"].values() for address in each["public_ips"]]
        target["protections"] = {"termination": True}


def _kind(kind: str) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        for cluster in document["clusters"].values():
            cluster["kind"] = kind

    return change


def _switch(way: str, *, safe: bool) -> Callable[[Document], None]:
    def change(document: Document) -> None:
        document["shift"] = {
            "way": way, "known": True, "before": {"blue": 1}, "after": {"green": 1}, "healthy": {"green": safe},
            "why": "", "machines_before": {"blue": 3}, "machines_after": {"green": 3},
        }  # fmt: skip

    return change


def _large(share: float, kind: str) -> Callable[[Document], None]:
    """Clusters of which just more than this share goes."""

    def change(document: Document) -> None:
        taken = math.floor(share * _LARGE) + 1
        for cluster in document["clusters"].values():
            goes = taken if cluster["targeted"] else 0
            cluster.update(running=_LARGE, total=_LARGE, targeted=goes, remaining=_LARGE - goes, kind=kind,
                           serving=_LARGE, serving_targeted=goes)  # fmt: skip

    return change
