"""What a plan's reads get: AWS's answer, with what the plan has changed, or a guess."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.planning.journal import Journal, PlanIsOver
from guardrails.planning.planned_ids import planned_in
from guardrails.planning.request import Request
from guardrails.planning.rows import TOKENS
from guardrails.planning.verdicts import shows


class Reading:
    """For one process of a plan."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        # What the pages so far have shown, by the token of the next one.
        self._pages: dict[tuple[str, str, str], frozenset[str]] = {}

    def may_differ(self, service: str, region: str) -> bool:
        """Whether AWS's answer to a read of this service is not what the plan would see."""
        try:
            with self._journal.turn():
                return self._journal.world.touches(service, region)
        except PlanIsOver:
            return False

    def as_it_would_be(self, request: Request, answer: Mapping[str, Any]) -> dict[str, Any]:
        """AWS's answer to a read, or {} where it was not asked, with what the plan changed."""
        service, operation, params = request.service, request.operation, request.params
        token = next((str(params[name]) for name in TOKENS if params.get(name)), "")
        earlier = self._pages.get((service, operation, token), frozenset()) if token else frozenset()
        seen = self._journal.world.seen(request.model, service, operation, request.call.region, params, answer, earlier)
        if following := next((str(answer[name]) for name in TOKENS if answer.get(name)), ""):
            self._pages[service, operation, following] = seen.shown
        if not seen.certain or (planned_in(params) and not shows(seen.answer, params)):
            self.guessing(f"{request.call.name} may show what an earlier call changed, and the plan does not know it")
        return seen.answer

    def named(self, request: Request) -> dict[str, Any]:
        """What a read names by its id and the plan has touched; None where it is gone."""
        world = self._journal.world
        return world.named(request.model, request.service, request.operation, request.call.region, request.params)

    def guessing(self, why: str) -> None:
        """From here on the plan is a guess."""
        file = self._journal.folder / "guess"
        if not file.exists():
            file.write_text(why, encoding="utf-8")
