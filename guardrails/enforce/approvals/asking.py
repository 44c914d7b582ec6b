"""Puts a request for an approval up, unless many wait already: what each decision reads of them stays small."""

from __future__ import annotations

from guardrails.memory import StateUnavailable
from guardrails.memory.approvals import Board, Request
from guardrails.values import rfc3339

# So many may be open for one operation in an account and region, of all who ask and of one of them.
_OPEN, _OWN = 200, 50


class TooMany(StateUnavailable):
    """No request was made, because too many are open. The sentence says what to do."""


def ask(board: Board, request: Request) -> None:
    """Put a request up. Raises TooMany, or StateUnavailable where the place of the requests cannot be used."""
    others = [record.request for record in board.records(request.place) if not record.used_by]
    found = [other for other in others if other.until > request.asked_at]
    own = [other for other in found if other.asked_by.id == request.asked_by.id]
    if len(found) >= _OPEN or len(own) >= _OWN:
        waiting, whose = (own, "of your requests") if len(own) >= _OWN else (found, "requests")
        ends = rfc3339(min(other.until for other in waiting))[:19]
        raise TooMany(
            f"{len(waiting)} {whose} for {request.place.rpartition('#')[2]} wait for an approval already, so no other "
            "one is made. Have some of them approved (`guardrails requests` lists them), or make the call again when "
            f"the first of them has ended, at {ends}Z"
        )
    board.ask(request)
