"""Asks everything that a call's facts take, in as few rounds of look-ups as the answers allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

from attrs import evolve

from guardrails.config.settings import Settings
from guardrails.resolve import contradictions, live, region, serving, shifts
from guardrails.resolve.capacity import capacity
from guardrails.resolve.changes import narrow
from guardrails.resolve.hints import Hints
from guardrails.resolve.lookups import Answering, Fetched
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.picture import inventory_of, picture
from guardrails.resolve.region import FIRST_PAGE, INSTANCES, Region
from guardrails.resolve.resources.registry import followups, plan
from guardrails.values import Answer, Call, Lookup, Origin

# One to four are enough for most calls. What is left after the last one counts as not followed.
_ROUNDS = 10


class Rounds:
    """Makes the look-ups for calls."""

    def __init__(self, settings: Settings, ownership: Ownership, lookups: Answering) -> None:
        self._live = settings.live
        self._of = str((settings.params.get("remaining") or {}).get("of", "running"))
        self._ownership = ownership
        self._lookups = lookups
        self._hints = Hints()

    def fetch(self, call: Call, origin: Origin) -> Fetched:
        """The answers to everything that the call and the sources of liveness ask, or what failed. Never raises."""
        wanted = self._first(call)
        asked = {lookup.key() for lookup in wanted}
        known = self._ask((*self._hints.of(origin, call), *self._unless_large(wanted, origin)), origin)
        if self._hints.large(origin):
            known = evolve(known, answers={**region.nothing_but(self._hints.account(origin)), **known.answers})
        if INSTANCES.key() not in known.answers:
            # In a large region an answer may still call for all of them.
            asked.discard(INSTANCES.key())
        for _ in range(_ROUNDS):
            fetched = known.only(asked | {*filter(region.is_about_machines, known.answers)})
            if fetched.required_failures:
                break
            of_sources = live.followups(self._live, fetched.answers)
            # Where several ask the same, the last one says whether it may fail.
            further = (
                *shifts.followups(call, fetched.answers),
                *followups(call, fetched.answers, self._ownership.tags),
                *capacity.followups(call, fetched.answers),
                *of_sources,
                *self._machines(call, fetched.answers),
            )
            more = {lookup.key(): lookup for lookup in further if lookup.key() not in asked}
            if not more:
                self._hints.note(origin, of_sources, fetched.answers, call)
                break
            asked |= more.keys()
            missing = [lookup for key, lookup in more.items() if key not in known.answers]
            known = known.with_more(self._ask(missing, origin)) if missing else known
        return fetched

    def _first(self, call: Call) -> tuple[Lookup, ...]:
        wanted = (
            *plan(call, self._ownership.tags),
            *live.lookups(self._live),
            *capacity.lookups(call),
            *serving.lookups(call, self._of),
            *shifts.lookups(call),
        )
        keys = {lookup.key() for lookup in wanted}
        return (*wanted, *(lookup for lookup in narrow.lookups(call) if lookup.key() not in keys))

    def _unless_large(self, wanted: Iterable[Lookup], origin: Origin) -> Iterable[Lookup]:
        """The same look-ups, with one page of the machines; without it where there are known to be more."""
        page = () if self._hints.large(origin) else (FIRST_PAGE,)
        return (*(lookup for lookup in wanted if lookup.key() != INSTANCES.key()), *page)

    def _ask(self, lookups: Iterable[Lookup], origin: Origin) -> Fetched:
        fetched = self._lookups.fetch(lookups, origin)
        return evolve(fetched, answers=region.without_page(fetched.answers))

    def _machines(self, call: Call, answers: Mapping[str, Answer]) -> tuple[Lookup, ...]:
        """What more has to be known of the machines of a large region: what reading the answers so far asks for."""
        if Region.of(answers).whole:
            return ()
        inventory = inventory_of(self._live, self._ownership, answers)
        # Other answers that it takes may still be missing; then this is asked again.
        with suppress(KeyError):
            picture(self._live, call, answers, inventory)
        with suppress(KeyError):
            contradictions.among(answers, inventory)
        return inventory.further()
