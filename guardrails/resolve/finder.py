"""Stage 3 as a whole: from a call to the facts that policies judge it by.

The look-ups of resolvers, sources of liveness and preflight are made side by side; then what they say is put together
with what the guards of this host did before.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from guardrails.config.settings import Settings
from guardrails.memory import Claim, History, Machine, StateUnavailable
from guardrails.memory.pacer import Pacer
from guardrails.memory.rate_limits import LAUNCH
from guardrails.resolve import live
from guardrails.resolve.capacity import capacity
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.lookups import Answering, Fetched
from guardrails.resolve.resources.registry import Inventory, clusters_of, followups, plan, targets_of
from guardrails.values import Answer, Call, Facts, Live, Origin, Past, Target

NOTHING_KNOWN = Live(known=False, disputed=False, clusters=())
_NO_PAST = Past()
# What these do to a cluster does not depend on what was done before.
_WITHOUT_HISTORY = frozenset(("capacity", "indirect", "opaque", "protection"))
_logger = logging.getLogger("guardrails")


def scope_of(account: str | None, origin: Origin) -> str:
    """The account and region in which things are counted together."""
    return f"{account}/{origin.home_region or origin.region}"


class FactFinder:
    """Finds the facts for a call. `history` and `pacer` are None where the configuration wants nothing remembered."""

    def __init__(self, settings: Settings, lookups: Answering, history: History | None, pacer: Pacer | None) -> None:
        self._settings = settings
        self._lookups = lookups
        self._history = history
        self._pacer = pacer

    def find(self, call: Call, origin: Origin, claims: list[Claim] | None = None) -> Facts:
        """Make the look-ups and read them. Raises StateUnavailable where the history cannot be asked.

        What the call would do is claimed in the history, and the claim added to `claims`, where such a list is given.
        """
        fetched = self._fetch(call, origin)
        failures = tuple(failure for failure in fetched.failures if not failure.optional)
        if failures:
            return self._unanswered(call, fetched)
        answers = fetched.answers
        inventory = self._inventory(answers)
        seen = live.observe(self._settings.live, answers, inventory)
        targets = targets_of(call, answers, inventory, seen.clusters)
        scope = scope_of(inventory.account, origin)
        past = self._past(scope, call, targets, inventory, seen, claims)
        if past.going:
            inventory = self._inventory(answers, past)
            targets = targets_of(call, answers, inventory, seen.clusters)
        return Facts(
            targets,
            clusters_of(answers, inventory, targets, seen, past),
            seen,
            observed_at=min(answer.observed_at for answer in answers.values()),
            lookups=fetched.requests,
            account=inventory.account,
            past=past,
            capacity=capacity.facts(call, answers, fetched.failures, inventory, targets, seen.clusters),
            launch_tokens=self._launch_tokens(scope, call),
        )

    def _fetch(self, call: Call, origin: Origin) -> Fetched:
        wanted = (
            *plan(call, self._settings.cluster_tag),
            *live.lookups(self._settings.live),
            *capacity.lookups(call),
        )
        fetched = self._lookups.fetch(wanted, origin)
        if any(not failure.optional for failure in fetched.failures):
            return fetched
        asked = {lookup.key() for lookup in wanted}
        found = (*followups(call, fetched.answers), *capacity.followups(call, fetched.answers))
        more = [lookup for lookup in found if lookup.key() not in asked]
        return fetched.with_more(self._lookups.fetch(more, origin)) if more else fetched

    def _unanswered(self, call: Call, fetched: Fetched) -> Facts:
        """Facts that deny; a call that only starts something goes on, with the gap as a fact."""
        if set(call.effects) != {"capacity"}:
            failures = tuple(failure for failure in fetched.failures if not failure.optional)
            return Facts((), (), NOTHING_KNOWN, time.time(), fetched.requests, failures)
        unknown = [
            {"what": "addresses", "why": f"{failure.lookup} failed with {failure.code}"} for failure in fetched.failures
        ]
        capacity = {"machines": None, "least": None, "grows": None, "places": [], "quotas": [], "unknown": unknown}
        return Facts((), (), NOTHING_KNOWN, time.time(), fetched.requests, capacity=capacity)

    def _inventory(self, answers: Mapping[str, Answer], past: Past = _NO_PAST) -> Inventory:
        addresses = answers[ADDRESSES.key()].items if ADDRESSES.key() in answers else ()
        return Inventory(answers[INSTANCES.key()].items, addresses, self._settings.cluster_tag, past.going)

    def _past(
        self,
        scope: str,
        call: Call,
        targets: tuple[Target, ...],
        inventory: Inventory,
        seen: Live,
        claims: list[Claim] | None,
    ) -> Past:
        if self._history is None:
            return _NO_PAST
        try:
            return self._remembered(self._history, scope, call, targets, inventory, seen, claims)
        except StateUnavailable as error:
            if set(call.effects) - _WITHOUT_HISTORY:
                raise
            _logger.warning("%s", error)
            return _NO_PAST

    @staticmethod
    def _remembered(
        history: History,
        scope: str,
        call: Call,
        targets: tuple[Target, ...],
        inventory: Inventory,
        seen: Live,
        claims: list[Claim] | None,
    ) -> Past:
        machines = {one.id: Machine(one.cluster or "", one.state) for one in inventory.machines.values()}
        if claims is None:
            return history.past(scope, call, targets, machines, seen, time.time())
        claim, past = history.claim(scope, call, targets, machines, seen, time.time())
        claims.append(claim)
        return past

    def _launch_tokens(self, scope: str, call: Call) -> float | None:
        """How many machines AWS would start at once, for a call that takes some away."""
        if "terminate" not in call.effects:
            return None
        return LAUNCH.size if self._pacer is None else self._pacer.left(scope, LAUNCH, time.time())
