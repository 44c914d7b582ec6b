"""A plan as sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from guardrails.rebuild.boot import minutes
from guardrails.rebuild.plan import Plan
from guardrails.show.sentences import age, counted


def summary(plan: Plan) -> str:
    """The plan in one sentence."""
    limits = sum(plan.longest.limits.values())
    parts = [
        counted(len(plan.machines), "machine"),
        counted(plan.longest.calls, "call"),
        f"{minutes(limits)} of rate limits" if limits >= 1 else "no wait for rate limits",
        plan.boot.sentence,
        f"in all about {total(plan)}",
    ]
    over = [
        f"{count} of {plan.placement.count[name]} do not fit {name}"
        for name, count in sorted(plan.placement.too_many.items())
    ]
    return "; ".join([", ".join(parts), *over])


def total(plan: Plan) -> str:
    """How long it takes; a range where the boot times are not known."""
    if plan.boot.count:
        return minutes(plan.longest.seconds)
    return f"{minutes(plan.shortest.seconds)} to {minutes(plan.longest.seconds)}"


def lines(plan: Plan, now: float) -> Iterator[str]:
    """The plan, line by line."""
    yield summary(plan)
    yield ""
    yield from _machines(plan, now)
    yield from _calls(plan)
    yield from _section("Would fail", plan.problems)
    yield from _section("Not known, so not counted as fine", plan.unknown)


def _machines(plan: Plan, now: float) -> Iterator[str]:
    old = "" if plan.snapshot_at is None else f", {age(now - plan.snapshot_at)} old"
    yield f"Cluster {plan.wish.cluster} in {plan.scope}, from {plan.source}{old}"
    if plan.lost.gone:
        replaced = f", {plan.lost.replaced} more were replaced already" if plan.lost.replaced else ""
        yield f"{len(plan.lost.gone)} machines are gone, {len(plan.lost.there)} are there{replaced}"
    else:
        yield f"None is gone: this is what a second set beside the {len(plan.lost.there)} machines would take"
    types = Counter(machine.type or "unknown type" for machine in plan.machines)
    yield "Types: " + ", ".join(f"{count} {type_}" for type_, count in sorted(types.items()))
    if plan.placement.count:
        yield "Subnets: " + ", ".join(f"{count} in {name}" for name, count in sorted(plan.placement.count.items()))
    for quota in plan.quotas:
        yield f"Quota {quota['name']}: {quota['used']:g} of {quota['limit']:g} in use, {quota['needed']:g} needed"


def _calls(plan: Plan) -> Iterator[str]:
    waves = [sum(step.count for step in wave) for wave in plan.waves if wave]
    if waves:
        yield "Waves: " + ", then ".join(map(str, waves)) + " machines; the next follows when all before are running"
    else:
        yield "No call starts machines: the Auto Scaling groups replace theirs by themselves"
    operations = Counter(f"{step.service}:{step.operation}" for wave in plan.waves for step in wave)
    operations.update(f"{step.service}:{step.operation}" for step in plan.after)
    if operations:
        yield "Calls: " + ", ".join(f"{count} {name}" for name, count in sorted(operations.items()))
    for name, seconds in sorted(plan.longest.limits.items()):
        yield f"Rate limit {name}: {minutes(seconds)} of waiting, with {plan.share:.0%} of AWS's rate"
    if plan.levels is None:
        yield "No memory has the levels of the rate limits: counted as full"
    held = sum(bool(machine.elastic_ips) for machine in plan.machines)
    if held and not plan.wish.addresses:
        yield f"Elastic IPs of {counted(held, 'machine')} are not moved; --addresses moves those whose holder is gone"
    yield "Private addresses will be new ones"


def _section(title: str, sentences: tuple[str, ...]) -> Iterator[str]:
    if sentences:
        yield ""
        yield f"{title}:"
        yield from (f"- {sentence}" for sentence in sentences)
