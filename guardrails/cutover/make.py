"""Makes the plan of a cutover from what is there, and says what stands in its way."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import field, frozen

from guardrails.cutover import found
from guardrails.cutover.plan import Entrance, Move, Plan, Step
from guardrails.cutover.situation import Situation

_ROLLBACK_S = 3600.0


@frozen
class Made:
    """A plan, and why it cannot be carried out; it can where there are no `problems`."""

    plan: Plan
    problems: Sequence[str]


@frozen
class Terms:
    """How it shall go: seconds to watch after each step, and for which a health check may be false."""

    wanted: found.Wanted = field(factory=found.Wanted)
    bake_s: float = 60.0
    patience_s: float = 120.0
    checks: tuple[str, ...] = ()


def make(situation: Situation, terms: Terms) -> Made:
    """The plan for what is there now. The same situation makes the same plan."""
    finding = found.find(situation, terms.wanted)
    entrances, roles = found.roles(situation)
    steps = _steps(finding)
    if not steps and not finding.problems and roles:
        # Nothing shows what users come through: moving the pointer is the switch.
        steps, roles = (Step(100, tuple(roles)),), []
    facts = situation.facts
    plan = Plan(
        source=situation.source,
        to=situation.to,
        account=facts.account or "",
        region=situation.clients("ec2").meta.region_name,
        entrances=(*finding.entrances, *entrances),
        steps=steps,
        roles=tuple(roles),
        machines=tuple(sorted(machine.id for machine in situation.machines(situation.to))),
        groups=tuple(finding.groups),
        notes=tuple(finding.notes),
        checks=terms.checks,
        bake_s=terms.bake_s,
        patience_s=terms.patience_s,
        rollback_s=float(situation.settings.params.get("rollback_window_s", _ROLLBACK_S)),
    )
    return Made(plan, finding.problems)


def _steps(finding: found.Finding) -> tuple[Step, ...]:
    """One for each share; what would change nothing is left out."""
    steps, states = [], {entrance.key: entrance.before for entrance in finding.entrances}
    for share in sorted(finding.moves):
        moves = [move for move in finding.moves[share] if _changes(move, states, finding.entrances)]
        states |= {move.key: move.state for move in moves}
        if moves:
            steps.append(Step(share, tuple(moves), finding.waits.get(share, 0.0)))
    return tuple(steps)


def _changes(move: Move, states: dict[str, object], entrances: Sequence[Entrance]) -> bool:
    return states[move.key] != move.state and any(entrance.key == move.key for entrance in entrances)
