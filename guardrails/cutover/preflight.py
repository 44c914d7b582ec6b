"""What has to be true before a cutover starts. Every check that fails names a way forward."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import asdict, frozen
from botocore.exceptions import BotoCoreError, ClientError

from guardrails import health
from guardrails.cutover.hold import latest, under_way
from guardrails.cutover.kinds import KINDS
from guardrails.cutover.make import Made
from guardrails.cutover.plan import OPEN, Plan
from guardrails.cutover.situation import Situation
from guardrails.health.named import checks as health_checks
from guardrails.memory import StateUnavailable, configured
from guardrails.memory.cutovers import Cutovers
from guardrails.resolve.balancers import target_id
from guardrails.values import Decision

# A freeze of one of these would stop it on its way, and on the way back.
_EFFECTS = frozenset(("ip", "traffic", "protection"))
_MIN_SHARE = 1.0


@frozen
class Checked:
    """One check: what was looked at, whether it is so, and what was found; the way forward where it is not."""

    name: str
    ok: bool
    found: str
    way: str = ""

    def document(self) -> dict[str, object]:
        """As JSON."""
        return asdict(self)


def checks(situation: Situation, made: Made, cutovers: Cutovers) -> list[Checked]:
    """Every check. Only looks."""
    return [
        *_live(situation),
        *_complete(situation),
        *_way_back(situation, made.plan),
        *_healthy(situation, made.plan),
        *_asked(situation, made.plan),
        *_entrances(made),
        *_memory(situation, made.plan, cutovers),
        *_judged(situation, made),
    ]


def _live(situation: Situation) -> Iterator[Checked]:
    seen, source, to = situation.facts.live, situation.source, situation.to
    shown = "; ".join(f"{report.name}: {report.evidence}" for report in seen.sources)
    yield Checked("what is live is known", seen.known, shown, "`guardrails live` and `guardrails doctor` say why not")
    yield Checked(
        f"{source} is live", source in seen.clusters, f"live: {', '.join(seen.clusters) or 'no cluster'}",
        "name the live cluster with --from",
    )  # fmt: skip
    yield Checked(
        f"{to} is not live", to not in seen.clusters and to != source, shown,
        f"take away what leads users to {to}, or narrow live.sources, live.eip_addresses or live.listeners to what "
        "shows the live cluster",
    )  # fmt: skip


def _complete(situation: Situation) -> Iterator[Checked]:
    old, new = situation.cluster(situation.source), situation.cluster(situation.to)
    to = situation.to
    if new is None or not new.total:
        yield Checked(
            f"{to} is complete", False, f"there are no machines of {to}", "start it, or check the name in --to"
        )
        return
    found = f"{new.running} of {new.total} machines run"
    yield Checked(f"{to} is complete", new.running == new.total > 0, found, "start the others, or terminate them")
    yield Checked(
        f"nothing takes machines of {to} away", not new.in_flight,
        f"{new.in_flight} machines are being terminated or stopped", "wait until that is over",
    )  # fmt: skip
    share = _share(situation)
    running = old.running if old else 0
    yield Checked(
        f"{to} is large enough", new.running >= share * running,
        f"{new.running} machines run, {running} of {situation.source} (cutover.min_share = {share:g})",
        f"start more machines of {to}, or lower the parameter cutover.min_share if fewer can serve everyone",
    )  # fmt: skip


def _way_back(situation: Situation, plan: Plan) -> Iterator[Checked]:
    """To a smaller cluster users may go back only within the rollback window."""
    old, new = situation.cluster(situation.source), situation.cluster(situation.to)
    if old is None or new is None or old.running >= _share(situation) * new.running:
        return
    takes = sum(max(step.wait_s, plan.bake_s) for step in plan.steps)
    yield Checked(
        "the way back stays open", takes < plan.rollback_s,
        f"{situation.to} is larger, so the guard lets users go back for {plan.rollback_s / 60:.0f} min "
        f"(rollback_window_s); the steps take {takes / 60:.0f} min",
        "raise the parameter rollback_window_s, or make --bake or the TTLs shorter",
    )  # fmt: skip


def _share(situation: Situation) -> float:
    return float((situation.settings.params.get("cutover") or {}).get("min_share", _MIN_SHARE))


def _healthy(situation: Situation, plan: Plan) -> Iterator[Checked]:
    failing = sorted({*plan.machines} - situation.passing)
    yield Checked(
        f"the machines of {situation.to} pass EC2's status checks", not failing,
        f"failing or not known: {', '.join(failing)}" if failing else f"{len(plan.machines)} machines",
        "wait until they do, or replace them",
    )  # fmt: skip
    for group in plan.groups:
        states = {target_id(each): str(each["TargetHealth"]["State"]) for each in situation.registered(group)}
        # Behind no load balancer nothing is checked; the first step puts it there, without users.
        good = ("healthy", "unused") if plan.steps and plan.steps[0].share == 0 else ("healthy",)
        bad = [f"{name} ({state})" for name, state in states.items() if state not in good]
        yield Checked(
            f"the targets of {group.split('/')[1]} are healthy", bool(states) and not bad,
            ", ".join(bad) or f"{len(states)} targets", "wait until they pass the load balancer's checks, or fix them",
        )  # fmt: skip


def _asked(situation: Situation, plan: Plan) -> Iterator[Checked]:
    """The health checks that the plan names, as after each step."""
    for name, check in zip(plan.checks, health_checks(plan.checks, situation.clients), strict=True):
        answer = health.ask(check)
        yield Checked(f"{name} is healthy", bool(answer), answer.why, "wait until it is, or correct --health")


def _entrances(made: Made) -> Iterator[Checked]:
    """Room for addresses, known TTLs, weights that can be divided, and kinds that can be moved."""
    if not made.problems:
        names = ", ".join(entrance.name for entrance in made.plan.entrances)
        yield Checked("everything that leads users there can be moved", True, names)
    for problem in made.problems:
        found, _, way = problem.partition(": ")
        yield Checked("everything that leads users there can be moved", False, found, way or problem)


def _memory(situation: Situation, plan: Plan, cutovers: Cutovers) -> Iterator[Checked]:
    try:
        now = cutovers.now()
        freezes = configured.store(situation.settings).freezes(now)
        held = [freeze.sentence() for freeze in freezes if _EFFECTS.intersection(freeze.effects)]
        other = latest(cutovers, plan.scope)
    except StateUnavailable as error:
        yield Checked("the shared memory answers", False, str(error), "a cutover cannot start without it")
        return
    yield Checked("the shared memory answers", True, "it does")
    yield Checked(
        "nothing is frozen", not held, "; ".join(held) or "no freeze is in force",
        "wait until it ends; who froze it lifts it with `guardrails freeze --lift`",
    )  # fmt: skip
    open_ = other is not None and other.phase in OPEN
    yield Checked(
        "no other cutover is under way", not open_, under_way(other) if other and open_ else "none is",
        "`guardrails cutover status` shows it",
    )  # fmt: skip


def _judged(situation: Situation, made: Made) -> Iterator[Checked]:
    """What the guard says to the first change of each kind."""
    if made.problems or not made.plan.steps:
        return
    tried = set[str]()
    for move in (move for step in made.plan.steps for move in step.moves):
        entrance = made.plan.entrance(move.key)
        if entrance.kind in tried:
            continue
        tried.add(entrance.kind)
        decision = _decision(situation, made.plan, move.key, move.state)
        blocked = decision is not None and decision.action in ("deny", "confirm")
        reasons = [f"{each.rule}: {each.message}" for each in decision.violations] if decision is not None else []
        ways = [each.remediation for each in decision.violations] if decision is not None else []
        yield Checked(
            f"the guard lets it move the {entrance.kind} {entrance.name}", not blocked,
            "; ".join(reasons) if blocked else move.what, " ".join(dict.fromkeys(ways)) if blocked else "",
        )  # fmt: skip


def _decision(situation: Situation, plan: Plan, key: str, state: object) -> Decision | None:
    """What the guard would decide. None where nothing would be sent."""
    entrance, asked = plan.entrance(key), list[Decision]()

    class _Asking:
        """A client that asks the guard about the calls that would change something."""

        def __init__(self, service: str) -> None:
            self._client = situation.clients(service)

        def __getattr__(self, method: str) -> object:
            def ask(**params: object) -> None:
                asked.append(situation.guard.check(self._client, method, **params))

            return ask

    try:
        KINDS[entrance.kind].write(_Asking, entrance.id, entrance.before, state)
    except (BotoCoreError, ClientError):
        return None
    return asked[0] if asked else None
