"""What a launch needs and what there is, before AWS has started half of it: `input.capacity` of the policies.

`lookups()` says what to ask, `followups()` what the answers call for, `facts()` compares. All are pure. What cannot be
found out is listed under ``unknown``; it never stops a call by itself.

    launches.py    how many machines of which kind a call starts, and where
    addresses.py   free addresses in the subnets, and what the live cluster may still need of them
    quotas.py      vCPU and Elastic IP quotas
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.resolve.capacity import free_addresses, launches, quotas
from guardrails.resolve.capacity.launches import Launch
from guardrails.resolve.inventory import Inventory
from guardrails.values import Answer, Call, Lookup, LookupFailure, Target

__all__ = ["Launch", "facts", "followups", "lookups"]


def lookups(call: Call) -> tuple[Lookup, ...]:
    """What to ask besides the machines; none for a call that starts nothing. All of them may fail."""
    if not launches.concerns(call):
        return ()
    wanted = [*launches.lookups(call), *free_addresses.LOOKUPS, *quotas.lookups(call)]
    return tuple({lookup.key(): lookup for lookup in wanted}.values())


def followups(call: Call, answers: Mapping[str, Answer]) -> tuple[Lookup, ...]:
    """The types of machines that only a launch template names."""
    if not launches.concerns(call):
        return ()
    return quotas.lookups_of(launches.kinds(call, answers))


def facts(
    call: Call,
    answers: Mapping[str, Answer],
    failures: Iterable[LookupFailure],
    inventory: Inventory,
    targets: tuple[Target, ...],
    live_clusters: tuple[str, ...],
) -> dict[str, Any] | None:
    """The JSON-safe document; None for a call that starts nothing.

    ``machines`` and ``least`` are how many the call wants and accepts. ``places`` are sets of subnets with the
    addresses ``needed`` there and ``free``, the machines that fit (``fits``), the addresses ``reserved`` for the live
    cluster's own growth, and ``alternatives`` in the same zone. ``quotas`` have name, limit, used and needed, in vCPUs
    or addresses. ``unknown`` says what could not be found out, and why.
    """
    if not launches.concerns(call):
        return None
    launch = launches.of(call, answers, inventory, targets)
    unknown = [{"what": "lookup", "why": f"{one.lookup} failed with {one.code}"} for one in failures if one.optional]
    places, missing = free_addresses.places(launch, answers, inventory, live_clusters)
    limits, unlimited = quotas.quotas(launch, answers, inventory)
    return {
        "machines": launch.count,
        "least": launch.least,
        "grows": launch.grows,
        "places": places,
        "quotas": limits,
        "unknown": [*unknown, *launch.unknown, *missing, *unlimited],
    }
