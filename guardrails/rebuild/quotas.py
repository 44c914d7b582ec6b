"""The vCPU quotas that a rebuild draws on, by the same look-ups as for any launch (resolve/capacity)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from guardrails.guard import Guard
from guardrails.rebuild.checks import Findings
from guardrails.rebuild.machine import Machine
from guardrails.resolve.capacity import quotas
from guardrails.resolve.capacity.launches import Launch
from guardrails.resolve.inventory import INSTANCES, Inventory
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region
from guardrails.show.failures import failures_sentence
from guardrails.values import Quota


def check_quotas(guard: Guard, client: Any, machines: Sequence[Machine], findings: Findings) -> list[Quota]:
    """Each quota with what is used and needed; problems and what is not known go to the findings."""
    kinds = Counter(machine.type for machine in machines if "InstanceMarketOptions" not in machine.launch)
    spot = len(machines) - sum(kinds.values())
    if spot:
        findings.unknown.append(f"{spot} Spot machines: no API tells whether AWS has Spot capacity for them")
    if not kinds:
        return []
    fetched = guard.probe(client, (INSTANCES, *quotas.lookups_of(_types(kinds))))
    if INSTANCES.key() not in fetched.answers:
        why = failures_sentence(fetched.failures)
        findings.unknown.append(f"quota: {why or 'the machines in use cannot be counted'}")
        return []
    inventory = Inventory(Region.of(fetched.answers), (), Ownership())
    used = sorted({machine.kind for machine in inventory.known.values() if machine.present})
    answers = {**fetched.answers, **guard.probe(client, quotas.lookups_of(used)).answers}
    limits, unknown = quotas.quotas(Launch(sum(kinds.values()), 0, kinds), answers, inventory)
    findings.unknown += [f"quota: {each['why']}" for each in unknown]
    by_code: dict[str, list[Quota]] = defaultdict(list)
    for limit in limits:
        by_code[limit["code"]].append(limit)
    return [_judged(parts, findings) for parts in by_code.values()]


def _types(kinds: Iterable[str]) -> list[str]:
    return [kind for kind in kinds if kind]


def _judged(parts: Sequence[Quota], findings: Findings) -> Quota:
    """One quota, of which each type of machine takes a part."""
    needed = sum(part["needed"] for part in parts)
    whole: Quota = {**parts[0], "needed": needed}
    left = whole["limit"] - whole["used"]
    if needed > left:
        findings.problems.append(
            f"the quota {whole['name']} ({whole['code']}) is {whole['limit']:g}: {whole['used']:g} are in use, and "
            f"{needed:g} are needed; ask AWS for {whole['used'] + needed:g}, or terminate what is not needed"
        )
    return whole
