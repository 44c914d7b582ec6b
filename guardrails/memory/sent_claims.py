"""The claims of calls that were sent, until AWS has answered: what it refused took nothing away."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable

from guardrails.memory.history import Claim
from guardrails.memory.store import StateUnavailable

_logger = logging.getLogger("guardrails")
# Calls on their way that may still come back.
_KEPT = 1000
# The caller may not do it at all. Any other refusal of several machines may be a partial one: where one machine of a
# batch is protected, AWS answers 400 and still terminates those in other zones (EC2 API reference, TerminateInstances).
_FORBIDDEN = (401, 403)


class SentClaims:
    """Takes claims back whose calls AWS refused. Never raises: a claim that stays counts more than was done."""

    def __init__(self) -> None:
        self._claims: OrderedDict[str, tuple[Claim, ...]] = OrderedDict()

    def keep(self, decision_id: str, claims: Iterable[Claim]) -> None:
        """These claims belong to the call with this decision, which is about to be sent."""
        self._claims[decision_id] = tuple(claims)
        while len(self._claims) > _KEPT:
            self._claims.popitem(last=False)

    def came_back(self, decision_id: str, status: int | None) -> None:
        """The call has an HTTP status. Without one, or with 5xx, AWS may have carried it out; botocore may retry."""
        if status is None or status >= 500:
            return
        claims = self._claims.pop(decision_id, ())
        if status < 400:
            return
        for claim in claims:
            if status in _FORBIDDEN or claim.machines <= 1:
                try:
                    claim.withdraw()
                except StateUnavailable as error:
                    _logger.warning("%s", error)
