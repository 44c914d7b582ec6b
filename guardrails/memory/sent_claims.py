"""The claims of allowed calls, until AWS has answered: what was not sent, or was refused, took nothing away."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from attrs import define

from guardrails.memory.claim import Claim
from guardrails.memory.store import StateUnavailable
from guardrails.values import Call
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()
# Calls on their way that may still come back.
_KEPT = 1000
# The caller may not do it at all. Any other refusal of several machines may be a partial one: where one machine of a
# batch is protected, AWS answers 400 and still terminates those in other zones (EC2 API reference, TerminateInstances).
_FORBIDDEN = (401, 403)


@define
class _Allowed:
    """A call that was allowed. `reached` is true once a request of it may have reached AWS.

    `refused` is the HTTP status with which AWS has refused the last request.
    """

    call: Call
    claims: tuple[Claim, ...]
    reached: bool = False
    refused: int | None = None
    in_doubt: bool = False


class SentClaims:
    """Takes claims back where the outcome is known. Never raises: a claim that stays counts more than was done."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, _Allowed] = OrderedDict()

    def keep(self, decision_id: str, call: Call, claims: Iterable[Claim]) -> None:
        """These claims belong to the call with this decision, which is about to be sent."""
        self._calls[decision_id] = _Allowed(call, tuple(claims))
        while len(self._calls) > _KEPT:
            self._calls.popitem(last=False)

    def call(self, decision_id: str) -> Call | None:
        """The call with this decision, until AWS has answered it."""
        allowed = self._calls.get(decision_id)
        return None if allowed is None else allowed.call

    def leaves(self, decision_id: str) -> None:
        """A request of the call is about to leave."""
        call = self._calls.get(decision_id)
        if call is not None:
            call.reached, call.refused = True, None

    def came_back(self, decision_id: str, status: int | None, now: float, *, connected: bool = True) -> None:
        """The call has an HTTP status. Without one, or with 5xx, AWS may have carried it out.

        botocore may send it again after that, and also after a refusal: AWS throttles with status 400.
        """
        call = self._calls.get(decision_id)
        if call is None:
            return
        if status is not None and status < 400:
            self._calls.pop(decision_id, None)
            if call.in_doubt:
                _each(call.claims, lambda claim: claim.confirm(now))
            return
        if status is not None and status < 500:
            call.refused = status
            return
        # An earlier attempt may have reached AWS even if this one had no connection.
        call.in_doubt = call.reached = connected or call.in_doubt
        if connected:
            _each(call.claims, lambda claim: claim.doubt(now))

    def over(self, decision_id: str, now: float) -> bool:
        """The API call is over. Whether no request of it can have reached AWS; its claims are gone then."""
        call = self._calls.pop(decision_id, None)
        if call is not None and (status := call.refused) is not None:
            _each(call.claims, lambda claim: _refused(claim, status, now, in_doubt=call.in_doubt))
        if call is None or call.reached:
            return False
        _each(call.claims, Claim.drop)
        return True


def _each(claims: Iterable[Claim], act: Callable[[Claim], None]) -> None:
    for claim in claims:
        try:
            act(claim)
        except StateUnavailable as error:
            _logger.warning("%s", error)


def settle(claims: list[Claim], *, sent: bool) -> None:
    """Keep the claims of a call that is about to be sent, or drop them; the list is empty then. Never raises."""
    now = time.time()
    _each(claims, lambda claim: claim.settle(now, sent=sent))
    claims.clear()


def _refused(claim: Claim, status: int, now: float, *, in_doubt: bool) -> None:
    if not in_doubt and (status in _FORBIDDEN or claim.machines <= 1):
        claim.withdraw()
    else:
        claim.doubt(now)
