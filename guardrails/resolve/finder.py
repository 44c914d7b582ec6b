"""Stage 3 as a whole: from a call to the facts that policies judge it by.

The look-ups for targets, sources of liveness and capacity are made side by side. What they answer is then put together
with what the guards of this host did before.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from attrs import evolve

from guardrails.config.settings import IN_MEMORY, Settings
from guardrails.config.waves import in_use as waves_in_use
from guardrails.memory import Claim, History, MachineState, StateUnavailable
from guardrails.memory.configured import state_file
from guardrails.memory.rate_limits import LAUNCH_LIMIT
from guardrails.resolve import contradictions, live, serving
from guardrails.resolve.capacity import capacity
from guardrails.resolve.connection import failure
from guardrails.resolve.health import with_health
from guardrails.resolve.inventory import INSTANCES, Inventory
from guardrails.resolve.kept_hints import KeptHints
from guardrails.resolve.lookups import Answering, Fetched
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.picture import inventory_of, picture
from guardrails.resolve.region import Region
from guardrails.resolve.resources.registry import NO_PAST, clusters_of, plan
from guardrails.resolve.rounds import Gathered, Rounds
from guardrails.resolve.taken_out import with_taken_out
from guardrails.resolve.waves import WaveFacts
from guardrails.values import Answer, Call, Facts, Live, LookupFailure, Origin, Past, Target, Waves
from guardrails.waiting.program_log import ProgramLog

NOTHING_KNOWN = Live(known=False, disputed=False, clusters=())
# What these do to a cluster does not depend on what was done before.
_WITHOUT_HISTORY = frozenset(("capacity", "indirect", "opaque", "protection"))
_logger = ProgramLog()


def scope_of(account: str | None, origin: Origin) -> str:
    """The account and region in which things are counted together."""
    return f"{account}/{origin.where}"


def nothing_known(problem: str = "") -> Facts:
    """Facts of a call about which nothing was looked up. With a `problem` they deny."""
    return Facts((), (), NOTHING_KNOWN, time.time(), problem=problem)


class FactFinder:
    """Finds the facts for a call. `history` is None where the configuration wants nothing remembered."""

    def __init__(self, settings: Settings, lookups: Answering, history: History | None) -> None:
        self._settings = settings
        self._of = serving.counted_machines(settings)
        self._ownership = Ownership.configured(settings)
        self._rounds = Rounds(settings, self._ownership, lookups, _kept_hints(settings) if history else None)
        self._history = history
        self._waves = WaveFacts(settings) if waves_in_use(settings) else None

    def find(self, call: Call, origin: Origin, claims: list[Claim] | None = None) -> Facts:
        """Make the look-ups and read the answers. What fails is in the facts' `failures` or `problem`, and denies.

        With `claims`, the machines that the call would take away are claimed in the history, and the claim is added.
        """
        if origin.problem:
            return nothing_known(origin.problem)
        began = time.time()
        gathered = self._rounds.gather(call, origin)
        fetched = gathered.fetched
        reused = any(answer.observed_at < began for answer in fetched.answers.values())
        if fetched.required_failures:
            return self._unanswered(call, self._with_sources(call, fetched))
        try:
            facts = self._read(call, origin, gathered, claims, reused=reused)
        except StateUnavailable as error:
            return evolve(nothing_known(str(error)), lookups=fetched.requests)
        return evolve(facts, reused=reused)

    def without_lookups(self) -> Facts:
        """The facts of a call of which nothing can be looked up: only what is frozen."""
        return evolve(nothing_known(), past=self._frozen())

    def _unanswered(self, call: Call, fetched: Fetched) -> Facts:
        """Facts that deny. A call that only starts something goes on, with the gap as a fact, unless that is frozen."""
        facts = evolve(nothing_known(), lookups=fetched.requests)
        if set(call.effects) != {"capacity"}:
            return evolve(facts, failures=fetched.required_failures)
        return evolve(facts, capacity=capacity.unknown(fetched.failures), past=self._frozen())

    def _frozen(self) -> Past:
        """What is frozen; where the memory that says so cannot be used, that it is unknown."""
        try:
            return self._history.freezes(time.time()) if self._history is not None else NO_PAST
        except StateUnavailable as error:
            _logger.warning("what is frozen is unknown: %s", error)
            return Past(freezes_unknown=str(error))

    def _with_sources(self, call: Call, fetched: Fetched) -> Fetched:
        """The failures, with the source of liveness that alone needs what failed."""
        needed = {lookup.permission for lookup in (*plan(call, self._ownership.tags), *capacity.lookups(call))}
        sources = {action: name for action, name in live.asked_by(self._settings.live).items() if action not in needed}
        return evolve(
            fetched,
            failures=tuple(evolve(each, source=sources.get(each.permission, "")) for each in fetched.failures),
        )

    def _read(
        self, call: Call, origin: Origin, gathered: Gathered, claims: list[Claim] | None, *, reused: bool
    ) -> Facts:
        fetched, shown = gathered.fetched, gathered.picture
        answers = fetched.answers
        inventory = shown.inventory if shown else self._inventory(answers)
        contradicted = gathered.contradicted if shown else contradictions.among(answers, inventory)
        if contradicted:
            return self._unanswered(call, evolve(fetched, failures=contradicted))
        shown = shown or picture(self._settings.live, call, answers, inventory, fetched.failures, region=origin.where)
        if inventory.further() or shown.lists.further():
            return self._unanswered(call, evolve(fetched, failures=(_incomplete(),)))
        call, seen, targets = shown.call, shown.seen, shown.targets
        scope = scope_of(inventory.account, origin)
        past = self._past(scope, call, targets, inventory, seen, claims, reused=reused)
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
            capacity=shown.capacity,
            shift=shown.shift,
            waves=self._in_waves(call, scope, targets, answers, inventory, seen, past),
            launch_tokens=_launch_tokens(call, past),
            call=call,
        )

    def _inventory(self, answers: Mapping[str, Answer]) -> Inventory:
        return inventory_of(self._settings.live, self._ownership, answers, Region.of(answers))

    def _in_waves(
        self,
        call: Call,
        scope: str,
        targets: tuple[Target, ...],
        answers: Mapping[str, Answer],
        inventory: Inventory,
        seen: Live,
        past: Past,
    ) -> Waves | None:
        if self._waves is None:
            return None
        return self._waves.find(call, scope, targets, _states(inventory), answers, inventory, seen, past)

    def _past(
        self,
        scope: str,
        call: Call,
        targets: tuple[Target, ...],
        inventory: Inventory,
        seen: Live,
        claims: list[Claim] | None,
        *,
        reused: bool,
    ) -> Past:
        """What was done before. Raises StateUnavailable where that matters for what the call does."""
        if self._history is None:
            return NO_PAST
        asked = (scope, call, targets, _states(inventory), seen, time.time())
        try:
            if claims is None:
                return _warned(self._history.past(*asked, whole=inventory.whole, reused=reused))
            claim, past = self._history.claim(*asked, whole=inventory.whole, reused=reused)
        except StateUnavailable as error:
            if set(call.effects) - _WITHOUT_HISTORY:
                raise
            _logger.warning("decided without what was done before: %s", error)
            # A freeze holds such calls as well, and may be known where nothing can be written.
            return evolve(self._frozen(), unshared=str(error))
        claims.append(claim)
        return _warned(past)


def _states(inventory: Inventory) -> dict[str, MachineState]:
    return {
        machine.id: MachineState(machine.cluster or "", machine.state, machine.launched_at)
        for machine in inventory.known.values()
    }


def _kept_hints(settings: Settings) -> KeptHints | None:
    path = state_file(settings)
    return None if path == IN_MEMORY else KeptHints(path.with_name(f"{path.name}.hints"))


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
    """Whether the whole memory was asked, and knows of no cluster that was live here."""
    return past is not NO_PAST and not past.unshared and not past.live_since and not past.retired_at


def _expected(target: Target, past: Past) -> Target:
    """The target in the state that an earlier call brings it into, which AWS does not show yet."""
    return evolve(target, state=past.going[target.id]) if target.id in past.going else target


def _incomplete() -> LookupFailure:
    what = "a filter shows none of the machines that must be there, or each answer led to further ones"
    way = "name fewer machines in one call, and look at what answers for EC2 between here and AWS"
    return failure(INSTANCES, "Incomplete", f"{what}; {way}")
