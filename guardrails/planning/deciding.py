"""Decides on the calls of a plan: with the guard's own policies, by facts as they would be, and a memory of its own."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from guardrails.config.settings import IN_MEMORY, Settings
from guardrails.config.waves import in_use
from guardrails.intercept.request.operation import ServiceModels, Services
from guardrails.memory import Claim, History, SqliteStore
from guardrails.memory import configured as configured_memory
from guardrails.memory.fleet import FleetStore
from guardrails.memory.sent_claims import SentClaims, settle
from guardrails.memory.store import Asked, Remembered
from guardrails.pipeline import Pipeline
from guardrails.planning.planned_ids import is_planned
from guardrails.planning.world import OF_EVERYTHING, World, place_of
from guardrails.resolve.finder import FactFinder
from guardrails.resolve.lookups import Answering, Fetched
from guardrails.resolve.ownership import Ownership
from guardrails.values import Answer, Call, Decision, Lookup, Origin

_MEMORY = "memory.db"


class PlannedWorld:
    """Answers look-ups as the world would be: AWS's answers, with what the plan changed."""

    def __init__(
        self,
        lookups: Answering,
        services: Services,
        models: ServiceModels,
        world: Callable[[], World],
        account: Callable[[Origin], str | None],
    ) -> None:
        self._lookups = lookups
        self._services = services
        self._models = models
        self._world = world
        self._account = account
        # The look-ups that may show what an earlier call changed, and the plan does not know it.
        self.unsure: list[str] = []

    def fetch(self, lookups: Iterable[Lookup], origin: Origin) -> Fetched:
        """As `Lookups.fetch`; things that only the plan has are not asked for at AWS."""
        wanted = {lookup.key(): (lookup, _askable(lookup)) for lookup in lookups}
        asked = {each.key(): each for _, each in wanted.values() if each is not None}
        fetched = self._lookups.fetch(asked.values(), origin)
        answers: dict[str, Answer] = {}
        for key, (lookup, real) in wanted.items():
            answer = Answer((), time.time()) if real is None else fetched.answers.get(real.key())
            if answer is None and self._knows(lookup, origin):
                # What the script has named itself, and AWS does not know.
                answer = Answer((), time.time())
            if answer is not None:
                answers[key] = self._as_it_would_be(lookup, answer, origin)
        answered = {hash(real.key()) for key, (_, real) in wanted.items() if key in answers and real is not None}
        failures = tuple(each for each in fetched.failures if each.key not in answered)
        return evolve(fetched, answers=answers, failures=failures)

    def _knows(self, lookup: Lookup, origin: Origin) -> bool:
        if lookup.is_program or not self._world().things:
            return False
        model, service, place = self._place(lookup, origin)
        return bool(self._world().named(model, service, lookup.operation, place, lookup.params))

    def _place(self, lookup: Lookup, origin: Origin) -> tuple[Any, str, str]:
        """The service model, the service's key and the place of a look-up."""
        model = self._models.get_service_model(lookup.service)
        region = lookup.region or (origin.region if lookup.service == origin.service else origin.home_region)
        return model, self._services.of_model(model), place_of(self._account(origin), region or origin.region)

    def items(self, lookup: Lookup, origin: Origin) -> tuple[Mapping[str, Any], ...]:
        """The items of one look-up as they would be; none where it fails."""
        answer = self.fetch([lookup], origin).answers.get(lookup.key())
        return answer.items if answer else ()

    def _as_it_would_be(self, lookup: Lookup, answer: Answer, origin: Origin) -> Answer:
        world = self._world()
        if lookup.is_program or not (world.things or world.unseen) or not lookup.items:
            return answer
        model, service, place = self._place(lookup, origin)
        whole = lookup.items == "@"
        page = dict(answer.items[0] if answer.items else {}) if whole else {lookup.items: list(answer.items)}
        seen = world.seen(model, service, lookup.operation, place, lookup.params, page)
        if not seen.certain and service not in OF_EVERYTHING:
            self.unsure.append(lookup.permission)
        items = [seen.answer] if whole else seen.answer[lookup.items]
        return evolve(answer, items=tuple(items) if answer.items or not whole else ())


def _askable(lookup: Lookup) -> Lookup | None:
    """The look-up without the ids that AWS cannot know; None where nothing is left to ask."""
    params, changed = dict(lookup.params), False
    for name, value in lookup.params.items():
        if isinstance(value, list) and any(map(is_planned, value)):
            changed = True
            params[name] = [each for each in value if not is_planned(each)]
            if not params[name]:
                return None
        elif is_planned(value):
            return None
    return evolve(lookup, params=params) if changed else lookup


def pipeline_of(usual: Pipeline, world: PlannedWorld, folder: Path) -> Pipeline:
    """As the usual one, in the plan's world: nothing is logged, asked, paced or remembered elsewhere."""
    settings = usual.settings
    history = _history(settings, folder) if settings.state.enabled else None
    finder = FactFinder(settings, world, history)
    return evolve(usual, finder=finder, turns=None, desk=None, sent_claims=SentClaims())


def decided(pipeline: Pipeline, call: Call, origin: Origin) -> Decision | None:
    """The decision on a call of the plan; what it takes away is remembered in the plan. None for an ungoverned one."""
    claims: list[Claim] = []
    try:
        return pipeline.decide(call, origin, claims)
    finally:
        # What follows is judged as if it was sent.
        settle(claims, sent=True)


def _history(settings: Settings, folder: Path) -> History:
    """A copy of this host's memory, which the plan goes on with."""
    own = folder / _MEMORY
    if not own.exists():
        _copied(configured_memory.state_file(settings), own)
    # Nothing waits in a plan: each of its calls is a wave by itself.
    return History(
        _Copied(settings, own),
        Ownership.configured(settings).named,
        settings.state.window_s,
        wave_pause_s=0.0 if in_use(settings) else None,
    )


class _Copied(SqliteStore):
    """A copy of this host's memory, beside which the memory of the fleet is only read."""

    def __init__(self, settings: Settings, path: Path) -> None:
        super().__init__(path)
        self._shared = configured_memory.store(settings)

    def remember(self, asked: Asked) -> Remembered:
        """As the copy knows it, with what other hosts did, and the freezes of all."""
        own = super().remember(asked)
        if isinstance(self._shared, FleetStore):
            return self._shared.beside(own, asked)
        return evolve(own, freezes=self._shared.freezes(time.time()))


def _copied(file: Path, own: Path) -> None:
    if file == IN_MEMORY or not file.exists():
        return
    source = sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)
    target = sqlite3.connect(own)
    try:
        source.backup(target)
    finally:
        target.close()
        source.close()
