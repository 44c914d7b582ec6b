"""Whether a call that was sent may have been done, by all attempts to send it."""

from __future__ import annotations

from typing import Any

from guardrails.aws.attempts import may_be_done

_ATTEMPTS = "guardrails_attempts"


def watch(endpoint: Any, request: dict[str, Any]) -> list[bool]:
    """A list that gets an item for each attempt to send the request: true where it may have been done."""
    attempts: list[bool] = []
    request.setdefault("context", {})[_ATTEMPTS] = attempts
    endpoint._event_emitter.register("response-received", _note, unique_id="guardrails-approved-plan")
    return attempts


def _note(
    context: dict[str, Any], response_dict: Any = None, parsed_response: Any = None, exception: Any = None, **_: Any
) -> None:
    attempts = context.get(_ATTEMPTS)
    if attempts is not None:
        attempts.append(may_be_done(response_dict, parsed_response, exception))
