"""What a plan's reads get: AWS's answer, with what the plan has changed, or a guess."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from guardrails.errors import NotSentInPlan
from guardrails.planning.journal import Journal, PlanIsOver
from guardrails.planning.planned_ids import planned_in
from guardrails.planning.request import Request
from guardrails.planning.rows import TOKENS
from guardrails.planning.verdicts import shows

# How often a script may ask the same in vain, with no other call between.
_TIMES, _TIMES_OF_A_WAITER = 20, 2


class PlanCannotTell(NotSentInPlan):
    """A script waits for what a planned call does, and the plan does not know it: the plan ends here."""

    def __init__(self, operation: str, name: str) -> None:
        super().__init__(operation, name)
        message = (
            f"the script waits with {name} for what an earlier call of the plan changes, and the plan does not know "
            "that, so it ends here; what follows is not in the plan"
        )
        ClientError.__init__(self, {"Error": {"Code": self.code, "Message": message}}, operation)


def _in_a_waiter() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).endswith("botocore.waiter"):
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    for each in parts:
        yield from _strings(each)


class Reading:
    """For one process of a plan."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        # What the pages so far have shown, by the token of the next one.
        self._pages: dict[tuple[str, str, str], frozenset[str]] = {}
        self._asked: Counter[tuple[int, str, str]] = Counter()

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
        seen = self._journal.world.seen(request.model, service, operation, request.place, params, answer, earlier)
        if following := next((str(answer[name]) for name in TOKENS if answer.get(name)), ""):
            self._pages[service, operation, following] = seen.shown
        if not seen.certain or (planned_in(params) and not shows(seen.answer, params)):
            self._doubt(request)
        return seen.answer

    def missing(self, request: Request) -> None:
        """AWS knows nothing of what a read asks for; where the plan has made it, the plan has no answer."""
        world, place = self._journal.world, request.place
        own = [(key[3], item) for key, item in world.things.items() if key[:2] == (request.service, place)]
        made = {name for name, _ in own} | {
            value for _, item in own for value in (item or {}).values() if isinstance(value, str) and value
        }
        if not world.is_certain(request.service, place, request.operation) or made & {*_strings(request.params)}:
            self._doubt(request)

    def _doubt(self, request: Request) -> None:
        """The plan is a guess; and ends where the script waits for what the plan does not know."""
        name = request.call.name
        self.guessing(f"{name} may show what an earlier call changed, and the plan does not know it")
        asked = (len(self._journal.entries), name, json.dumps(dict(request.params), sort_keys=True, default=str))
        self._asked[asked] += 1
        if self._asked[asked] > (_TIMES_OF_A_WAITER if _in_a_waiter() else _TIMES):
            raise PlanCannotTell(request.operation, name)

    def named(self, request: Request) -> dict[str, Any]:
        """What a read names by its id and the plan has touched; None where it is gone."""
        world = self._journal.world
        return world.named(request.model, request.service, request.operation, request.place, request.params)

    def guessing(self, why: str) -> None:
        """From here on the plan is a guess."""
        file = self._journal.folder / "guess"
        if not file.exists():
            file.write_text(why, encoding="utf-8")
