"""The gate of botocore's endpoint, below the events. Nearly every request is ungoverned and passes at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from guardrails.intercept import aio
from guardrails.intercept.judge import Judge
from guardrails.waiting.interruptions import fails_by_itself

# A mark on our replacements of what leaves the process.
GATE = "guardrails_gate"
_MakeRequest = Callable[[Any, Any, dict[str, Any]], Any]


def make_request(judge: Judge, original: Any) -> Any:
    """Takes the place of `Endpoint.make_request`, which is `original`."""
    key, decided = judge.key, _decided(judge, original)
    first = _first(judge, original, decided)

    def make_request(endpoint: Any, operation_model: Any, request_dict: dict[str, Any]) -> Any:
        context = request_dict.get("context")
        if context is None:
            return decided(endpoint, operation_model, request_dict)
        ticket = context.get(key)
        if ticket is not None:
            return (original if ticket.seal is None else decided)(endpoint, operation_model, request_dict)
        # As `Judge.clearly_ungoverned`, without a call of it.
        ticket = operation_model.__dict__.get(key)
        # Not its __dict__: Python is slower with an object once that was asked for.
        if ticket is None or ticket.signer is not getattr(endpoint, key, None):
            return first(endpoint, operation_model, request_dict)
        try:
            clear = ticket.glance.fits(request_dict)
        except Exception as error:
            if not fails_by_itself(error, partial(ticket.glance.fits, request_dict)):
                raise
            clear = False
        if not clear:
            return decided(endpoint, operation_model, request_dict)
        context[key] = ticket
        return original(endpoint, operation_model, request_dict)

    return make_request


def _first(judge: Judge, original: Any, decided: _MakeRequest) -> _MakeRequest:
    """For an operation that this client has not sent yet, and for a governed one."""
    key = judge.key

    def first(endpoint: Any, operation_model: Any, request_dict: dict[str, Any]) -> Any:
        signer = getattr(endpoint, key, None)
        clear = judge.clearly_ungoverned(operation_model, request_dict, request_dict.get("context"), signer)
        return (original if clear else decided)(endpoint, operation_model, request_dict)

    return first


def _decided(judge: Judge, original: Any) -> _MakeRequest:
    """For a request that must be reviewed, and decided on if it is governed."""

    def decided(endpoint: Any, operation_model: Any, request_dict: dict[str, Any]) -> Any:
        # Without a client only the signer knows the service: its gate decides.
        client = judge.client_of.get(endpoint)
        signer = None if client is None else client._request_signer
        context = request_dict.get("context")
        pending = None if client is None else judge.review(operation_model, request_dict, context, signer)
        waiting = aio.decide(judge, pending)
        if waiting is not None:
            return aio.after(waiting, lambda: send(endpoint, operation_model, request_dict))
        return send(endpoint, operation_model, request_dict)

    def send(endpoint: Any, operation_model: Any, request_dict: dict[str, Any]) -> Any:
        if getattr(getattr(type(endpoint.http_session), "send", None), GATE, None) is not True:
            # A session of the script's own (in a test, perhaps a mock), which no gate will see sending.
            judge.leaves_unseen(request_dict.get("context"))
        return original(endpoint, operation_model, request_dict)

    return decided
