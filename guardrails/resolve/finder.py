"""Stage 3 as a whole: from a call to the facts that policies judge it by.

The look-ups for targets, sources of liveness and capacity are made side by side. What they answer is then put together
with what the guards of this host did before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from attrs import evolve

from guardrails.config.settings import Settings
from guardrails.memory import Claim, History, MachineState, StateUnavailable
from guardrails.memory.rate_limits import LAUNCH_LIMIT
from guardrails.resolve import contradictions, live, serving, shifts
from guardrails.resolve.balancers import members_of_groups
from guardrails.resolve.capacity import capacity
from guardrails.resolve.changes import narrow
from guardrails.resolve.health import with_health
from guardrails.resolve.hints import Hints
from guardrails.resolve.inventory import ADDRESSES, INSTANCES, Inventory
from guardrails.resolve.lookups import Answering, Fetched
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.resources.registry import NO_PAST, clusters_of, followups, plan, targets_of
from guardrails.resolve.taken_out import with_taken_out
from guardrails.values import Answer, Call, Facts, Live, Origin, Past, Target

NOTHING_KNOWN = Live(known=False, disputed=False, clusters=())
# Two are enough for most calls. What is left after the last one counts as not followed.
_ROUNDS = 8
# What these do to a cluster does not depend on what was done before.
_WITHOUT_HISTORY = frozenset(("capacity", "indirect", "opaque", "protection"))
_logger = logging.getLogger("guardrails")


def scope_of(account: str | None, origin: Origin) -> str:
    """The account and region in which things are counted together."""
    return f"{account}/{origin.home_region or origin.region}"


def nothing_known(problem: str = "") -> Facts:
    """Facts of a call about which nothing was looked up. With a `problem` they deny."""
    return Facts((), (), NOTHING_KNOWN, time.time(), problem=problem)


class FactFinder:
    """Finds the facts for a call. `history` is None where the configuration wants nothing remembered."""

    def __init__(self, settings: Settings, lookups: Answering, history: History | None) -> None:
        self._settings = settings
        self._of = str((settings.params.get("remaining") or {}).get("of", "running"))
        self._ownership = Ownership.configured(settings)
        self._lookups = lookups
        self._history = history
        self._hints = Hints()

    def find(self, call: Call, origin: Origin, claims: list[Claim] | None = None) -> Facts:
        """Make the look-ups and read the answers. What fails is in the facts' `failures` or `problem`, and denies.

        With `claims`, the machines that the call would take away are claimed in the history, and the claim is added.
        """
        fetched = self._fetch(call, origin)
        if fetched.required_failures:
            return _unanswered(call, self._with_sources(call, fetched))
        try:
            return self._read(call, origin, fetched, claims)
        except StateUnavailable as error:
            return evolve(nothing_known(str(error)), lookups=fetched.requests)

    def _fetch(self, call: Call, origin: Origin) -> Fetched:
        wanted = (
            *plan(call, self._ownership.tags),
            *live.lookups(self._settings.live),
            *capacity.lookups(call),
            *serving.lookups(call, self._of),
            *shifts.lookups(call),
        )
        keys = {lookup.key() for lookup in wanted}
        wanted += tuple(lookup for lookup in narrow.lookups(call) if lookup.key() not in keys)
        asked = {lookup.key() for lookup in wanted}
        known = self._lookups.fetch((*self._hints.of(origin), *wanted), origin)
        fetched = known.only(asked)
        for _ in range(_ROUNDS):
            if fetched.required_failures:
                return fetched
            of_sources = live.followups(self._settings.live, fetched.answers)
            further = (
                # Where several ask the same, the last one says whether it may fail.
                *shifts.followups(call, fetched.answers),
                *followups(call, fetched.answers, self._ownership.tags),
                *capacity.followups(call, fetched.answers),
                *of_sources,
            )
            more = {lookup.key(): lookup for lookup in further if lookup.key() not in asked}
            if not more:
                break
            asked |= more.keys()
            missing = [lookup for key, lookup in more.items() if key not in known.answers]
            known = known.with_more(self._lookups.fetch(missing, origin)) if missing else known
            fetched = known.only(asked)
        self._hints.note(origin, of_sources)
        return fetched

    def _with_sources(self, call: Call, fetched: Fetched) -> Fetched:
        """The failures, with the source of liveness that alone needs what failed."""
        needed = {lookup.permission for lookup in (*plan(call, self._ownership.tags), *capacity.lookups(call))}
        sources = {action: name for action, name in live.asked_by(self._settings.live).items() if action not in needed}
        return evolve(
            fetched,
            failures=tuple(evolve(each, source=sources.get(each.permission, "")) for each in fetched.failures),
        )

    def _read(self, call: Call, origin: Origin, fetched: Fetched, claims: list[Claim] | None) -> Facts:
        answers = fetched.answers
        inventory = self._inventory(answers)
        contradicted = contradictions.among(answers, inventory)
        if contradicted:
            return _unanswered(call, evolve(fetched, failures=contradicted))
        seen = live.observe(self._settings.live, answers, inventory)
        targets = targets_of(call, answers, inventory, seen.clusters, self._settings.live.ssm_parameter)
        situation = shifts.Situation(call, answers, inventory, seen, self._settings.live)
        moved, targets = shifts.shift(situation), shifts.losing(targets, situation)
        call = narrow.narrow(call, answers)
        scope = scope_of(inventory.account, origin)
        past = self._past(scope, call, targets, inventory, seen, claims)
        seen = evolve(seen, nothing=seen.nothing and _never_live(past))
        inventory.expect(past.going)
        targets = tuple(with_health(_expected(target, past), answers, inventory) for target in targets)
        targets = with_taken_out(call, answers, targets, past, self._inventory)
        return Facts(
            targets,
            serving.counted(
                clusters_of(answers, inventory, targets, seen, past), self._of, answers, inventory, targets
            ),
            seen,
            observed_at=min(answer.observed_at for answer in answers.values()),
            lookups=fetched.requests,
            account=inventory.account,
            past=past,
            capacity=capacity.facts(call, answers, fetched.failures, inventory, targets, seen.clusters),
            shift=moved,
            launch_tokens=_launch_tokens(call, past),
            call=call,
        )

    def _inventory(self, answers: Mapping[str, Answer]) -> Inventory:
        addresses = answers[ADDRESSES.key()].items if ADDRESSES.key() in answers else ()
        return Inventory(answers[INSTANCES.key()].items, addresses, self._ownership, self._registered(answers))

    def _registered(self, answers: Mapping[str, Answer]) -> list[tuple[str, str]]:
        """What is behind load balancers, with the names of the target groups, if every decision asks for that."""
        return members_of_groups(answers) if "target-group" in self._settings.live.sources else []

    def _past(
        self,
        scope: str,
        call: Call,
        targets: tuple[Target, ...],
        inventory: Inventory,
        seen: Live,
        claims: list[Claim] | None,
    ) -> Past:
        """What was done before. Raises StateUnavailable where that matters for what the call does."""
        if self._history is None:
            return NO_PAST
        machines = {
            machine.id: MachineState(machine.cluster or "", machine.state, machine.launched_at)
            for machine in inventory.machines.values()
        }
        try:
            if claims is None:
                return _warned(self._history.past(scope, call, targets, machines, seen, time.time()))
            claim, past = self._history.claim(scope, call, targets, machines, seen, time.time())
        except StateUnavailable as error:
            if set(call.effects) - _WITHOUT_HISTORY:
                raise
            _logger.warning("%s", error)
            return NO_PAST
        claims.append(claim)
        return _warned(past)


def _launch_tokens(call: Call, past: Past) -> float | None:
    """How many machines AWS would start at once, for a call that takes some away."""
    if "terminate" not in call.effects:
        return None
    return LAUNCH_LIMIT.size if past.launch_tokens is None else past.launch_tokens


def _warned(past: Past) -> Past:
    """The same, with a warning where it is only what this host did."""
    if past.unshared:
        _logger.warning("decided without what other hosts did: %s", past.unshared)
    return past


def _never_live(past: Past) -> bool:
    """Whether the memory was asked, and knows of no cluster that was live here."""
    return past is not NO_PAST and not past.live_since and not past.retired_at


def _expected(target: Target, past: Past) -> Target:
    """The target in the state that an earlier call brings it into, which AWS does not show yet."""
    return evolve(target, state=past.going[target.id]) if target.id in past.going else target


def _unanswered(call: Call, fetched: Fetched) -> Facts:
    """Facts that deny. A call that only starts something goes on, with the gap as a fact."""
    facts = evolve(nothing_known(), lookups=fetched.requests)
    if set(call.effects) != {"capacity"}:
        return evolve(facts, failures=fetched.required_failures)
    return evolve(facts, capacity=capacity.unknown(fetched.failures))
