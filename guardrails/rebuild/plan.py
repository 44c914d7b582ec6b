"""What it takes to get a cluster back: its calls, their time, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field

from guardrails import assembly
from guardrails.errors import ConfigError
from guardrails.guard import Guard
from guardrails.rebuild import boot, checks, folder, placement
from guardrails.rebuild.boot import Boot
from guardrails.rebuild.checks import Findings
from guardrails.rebuild.collect import collect
from guardrails.rebuild.forecast import Forecast, Pace, forecast, limits_of
from guardrails.rebuild.levels import levels
from guardrails.rebuild.lost import Lost, lost
from guardrails.rebuild.machine import USER_DATA, VOLUMES, Machine
from guardrails.rebuild.parts import check_parts
from guardrails.rebuild.placement import Placement
from guardrails.rebuild.quotas import check_quotas
from guardrails.rebuild.reading import Reader
from guardrails.rebuild.snapshot import Snapshot
from guardrails.rebuild.steps import WAVES, Step, addresses, launches, registrations, waves_of
from guardrails.values import Quota, frozen

HISTORY = "launches.jsonl"


@frozen
class Wish:
    """What is to be rebuilt, and how.

    `into` are subnets, those of the lost machines without any. `image` stands in for images that are gone, `like` is
    the machine that lends what is not known, `without` names what may be left out. `whole` also rebuilds what is there.
    """

    cluster: str
    into: tuple[str, ...] = ()
    image: str = ""
    like: str = ""
    without: frozenset[str] = field(factory=frozenset)
    whole: bool = False
    addresses: bool = False


@frozen
class Plan:
    """The plan. `shortest` and `longest` are forecasts with the median and the 90th percentile of boot times.

    `after` are the calls after the machines passed their checks. `problems` are what AWS would refuse, `unknown` what
    could not be seen, both as sentences.
    """

    wish: Wish
    scope: str
    source: str
    snapshot_at: float | None
    lost: Lost
    machines: tuple[Machine, ...]
    waves: tuple[tuple[Step, ...], ...]
    after: tuple[Step, ...]
    placement: Placement
    quotas: tuple[Quota, ...]
    boot: Boot
    share: float
    levels: Mapping[str, float] | None
    shortest: Forecast
    longest: Forecast
    problems: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def fine(self) -> bool:
        """True where nothing stands in the way and everything was seen."""
        return not self.problems and not self.unknown


def make_plan(
    guard: Guard, reader: Reader, wish: Wish, now: float, given: Snapshot | None = None, sizes: Sequence[int] = WAVES
) -> Plan:
    """Look at AWS and plan. `given` replaces the kept snapshots. Raises ConfigError and CannotRead."""
    client = reader.client("ec2")
    present = collect(reader, guard.settings, client.meta.region_name, now, clusters=[wish.cluster])
    before = given or folder.newest(guard.settings, present.scope, wish.cluster)
    if before is not None and before.scope != present.scope:
        raise ConfigError(
            f"{before.path} is of {before.scope}, and this is {present.scope}; use its credentials and region"
        )
    gap = lost(wish.cluster, present, before)
    wanted = _wanted(gap, wish, present, before)
    findings = Findings(unknown=[*gap.doubts, *(f"{why} (now)" for why in present.missing)])
    if before is not None and before is not present:
        findings.unknown += [f"{why} (when the snapshot was taken)" for why in before.missing]
    machines = _completed(wanted, wish, present, before)
    placed, limits = _check(guard, reader, machines, wish, present, findings)
    recorded = {name: int(each["desired"]) for name, each in (before or present).groups.items()}
    waves = launches(waves_of(machines, sizes), placed.subnet_of, present.groups, recorded)
    after = [*registrations(machines, {}), *(addresses(machines, {}) if wish.addresses else ())]
    history = boot.measured(folder.folder(guard.settings) / HISTORY, frozenset(machine.type for machine in machines))
    return _timed(guard, wish, present, before, gap, machines, waves, after, placed, limits, history, findings, now)


def _wanted(gap: Lost, wish: Wish, present: Snapshot, before: Snapshot | None) -> tuple[Machine, ...]:
    # A machine that a group replaced, or one that runs already, is not to be started twice.
    if gap.gone:
        return (*gap.gone, *gap.there) if wish.whole else gap.gone
    if gap.there:
        return gap.there
    if gap.replaced:
        raise ConfigError(f"all machines of {wish.cluster} were replaced already: {gap.replaced} run in their place")
    kept = f"the snapshot {before.path}" if before else "no snapshot"
    raise ConfigError(
        f"no machine of cluster {wish.cluster!r} is known in {present.scope}: AWS shows none, and {kept} has it; check "
        "the name with `guardrails live`, the region with --region, or name a snapshot with --from"
    )


def _completed(wanted: Sequence[Machine], wish: Wish, present: Snapshot, before: Snapshot | None) -> list[Machine]:
    """The machines, with what the user lends or leaves out. Raises ConfigError."""
    lender = None
    if wish.like:
        every = [*present.machines, *(before.machines if before else ())]
        lender = next((machine for machine in every if machine.id == wish.like and not machine.missing), None)
        if lender is None:
            raise ConfigError(f"--like {wish.like}: no machine of {wish.cluster} with this id is known completely")
    return [_lent(machine, lender, wish.without) for machine in wanted]


def _lent(machine: Machine, lender: Machine | None, without: frozenset[str]) -> Machine:
    if lender is not None and machine.missing:
        machine = evolve(machine, launch={**lender.launch, **machine.launch}, vpc=machine.vpc or lender.vpc, missing=())
    left_out = {USER_DATA: "UserData", VOLUMES: "BlockDeviceMappings"}
    dropped = {left_out[name] for name in without if name in left_out and name in machine.missing}
    launch = {name: value for name, value in machine.launch.items() if name not in dropped}
    return evolve(machine, launch=launch, missing=tuple(each for each in machine.missing if each not in without))


def _check(
    guard: Guard, reader: Reader, machines: list[Machine], wish: Wish, present: Snapshot, findings: Findings
) -> tuple[Placement, list[Quota]]:
    """Where the machines go, and everything that AWS would say against it. Replaces images in `machines`."""
    if wish.image:
        machines[:] = checks.with_image(reader, machines, wish.image, findings)
    own = [machine for machine in machines if not machine.group]
    checks.check_groups(machines, present.groups, findings)
    checks.check_existing(reader, own, findings)
    check_parts(reader, own, findings)
    checks.check_known(machines, findings)
    places = checks.subnets(reader, findings)
    zones = checks.offered(reader, {machine.type for machine in own if machine.type}, findings)
    placed = placement.place(own, places or {}, wish.into, zones)
    if places is not None:
        checks.check_places(placed, places, own, findings)
        checks.check_offers(own, placed, places, zones, findings)
    return placed, check_quotas(guard, reader.client("ec2"), machines, findings)


def _timed(
    guard: Guard,
    wish: Wish,
    present: Snapshot,
    before: Snapshot | None,
    gap: Lost,
    machines: Sequence[Machine],
    waves: Sequence[Sequence[Step]],
    after: Sequence[Step],
    placed: Placement,
    limits: Sequence[Quota],
    history: Boot,
    findings: Findings,
    now: float,
) -> Plan:
    every = [step for wave in waves for step in wave] + [*after]
    memory = assembly.history(guard.settings)
    pacer = memory.pacer if memory else None
    known = levels(pacer, present.scope, limits_of(every), now)
    share = pacer.share if pacer else 1.0
    ends = [
        forecast(waves, after, Pace(share, known or {}), running, ready)
        for running, ready in zip(history.running, history.ready, strict=True)
    ]
    source = "AWS's description of the machines" if before is None else f"the snapshot {before.path}"
    return Plan(
        wish, present.scope, source, before.taken_at if before else None, gap, tuple(machines),
        tuple(map(tuple, waves)), tuple(after), placed, tuple(limits), history, share, known, ends[0], ends[1],
        tuple(dict.fromkeys(findings.problems)), tuple(dict.fromkeys(findings.unknown)),
    )  # fmt: skip


def document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {
        "cluster": plan.wish.cluster,
        "scope": plan.scope,
        "source": plan.source,
        "snapshot_at": plan.snapshot_at,
        "fine": plan.fine,
        "machines": [
            {"id": each.id, "name": each.name, "type": each.type, "zone": each.zone} for each in plan.machines
        ],
        "there": len(plan.lost.there),
        "gone": len(plan.lost.gone),
        "replaced": plan.lost.replaced,
        "waves": [[_step(step) for step in wave] for wave in plan.waves],
        "after": [_step(step) for step in plan.after],
        "subnets": dict(plan.placement.count),
        "too_many": dict(plan.placement.too_many),
        "proposal": dict(plan.placement.proposal),
        "quotas": [dict(quota) for quota in plan.quotas],
        "calls": plan.longest.calls,
        "rate_limits_s": {name: round(seconds) for name, seconds in plan.longest.limits.items()},
        "bucket_levels": None if plan.levels is None else dict(plan.levels),
        "boot": {"launches": plan.boot.count, "running_s": plan.boot.running, "ready_s": plan.boot.ready},
        "seconds": {"shortest": round(plan.shortest.seconds), "longest": round(plan.longest.seconds)},
        "problems": list(plan.problems),
        "unknown": list(plan.unknown),
    }


def _step(step: Step) -> dict[str, Any]:
    return {"operation": f"{step.service}:{step.operation}", "machines": list(step.machines)}
