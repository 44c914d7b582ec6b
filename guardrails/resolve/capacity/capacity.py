"""What a launch needs and what AWS has, before AWS has started half of it: `input.capacity` of the policies.

`lookups()` says what to ask, `followups()` what the answers call for, `facts()` compares. All are pure. What cannot be
found out is listed under ``unknown``; it never blocks a call by itself.

    launches.py        how many machines of which type a call starts, and where
    machine_spec.py    what those machines are: the call's parameters over those of its launch template
    free_addresses.py  free addresses in the subnets, and how many of them the live cluster may still need
    quotas.py          vCPU and Elastic IP quotas
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guardrails.resolve.capacity import free_addresses, launches, machine_spec, quotas
from guardrails.resolve.inventory import Inventory
from guardrails.values import Answer, Call, Capacity, Lookup, LookupFailure, Target, Unknown

# Every look-up that some launch needs, without its parameters.
ASKS = (machine_spec.TEMPLATE, *free_addresses.LOOKUPS, quotas.QUOTA, quotas.TYPES)


def lookups(call: Call) -> tuple[Lookup, ...]:
    """What to ask besides the machines; none for a call that starts nothing. All of them may fail."""
    if not launches.concerns(call):
        return ()
    wanted = [*machine_spec.lookups(call), *free_addresses.LOOKUPS, *quotas.lookups(call)]
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
) -> Capacity | None:
    """What the launch needs and what AWS has; None for a call that starts nothing."""
    if not launches.concerns(call):
        return None
    launch = launches.of(call, answers, inventory, targets)
    failed: list[Unknown] = [
        {"what": "lookup", "why": f"{failure.lookup} failed with {failure.code}"}
        for failure in failures
        if failure.optional
    ]
    places, missing = free_addresses.places(launch, answers, inventory, live_clusters)
    limits, unlimited = quotas.quotas(launch, answers, inventory)
    return {
        "machines": launch.count,
        "least": launch.least,
        "grows": launch.grows,
        "places": places,
        "quotas": limits,
        "unknown": [*failed, *launch.unknown, *missing, *unlimited],
    }


def unknown(failures: Iterable[LookupFailure]) -> Capacity:
    """The same for a launch of which nothing is known, because look-ups failed."""
    why: list[Unknown] = [
        {"what": "addresses", "why": f"{failure.lookup} failed with {failure.code}"} for failure in failures
    ]
    return {"machines": None, "least": None, "grows": None, "places": [], "quotas": [], "unknown": why}
