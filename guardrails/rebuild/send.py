"""Sends the calls of a run: each when its turn comes, through the guard, and again while AWS throttles it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from guardrails.errors import CallDenied
from guardrails.rebuild.forecast import call_of
from guardrails.rebuild.reading import Reader
from guardrails.rebuild.steps import Step
from guardrails.rebuild.turns import Turns
from guardrails.values import frozen

_THROTTLED = ("RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException")
_PACED = "pacing/rate-limit"


class Stopped(Exception):
    """The run stopped before its end. The message says at what, `denied` whether the guard said no."""

    def __init__(self, sentence: str, *, denied: bool = False) -> None:
        super().__init__(sentence)
        self.denied = denied


@frozen
class Surroundings:
    """What a run needs from its surroundings. `history` is the file of boot times."""

    reader: Reader
    turns: Turns
    history: Path
    healthy: Callable[[], object] | None = None
    clock: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = print


def send(step: Step, around: Surroundings, params: Callable[[], Mapping[str, Any]] | None = None) -> Any:
    """The answer to a call; `params` is asked before each attempt. Raises Stopped; ClientError where AWS refused it."""
    call = call_of(step)
    client = around.reader.client(step.service)
    method = next(name for name, action in client.meta.method_to_api_mapping.items() if action == step.operation)
    while True:
        around.turns.wait(call)
        asked = params() if params else step.params
        try:
            answer = getattr(client, method)(**asked)
        except CallDenied as error:
            if {violation.rule for violation in error.decision.violations} != {_PACED}:
                raise Stopped(error.paragraph, denied=True) from error
            # Others were faster.
            around.turns.back_off(call)
        except ClientError as error:
            if error.response["Error"].get("Code") not in _THROTTLED:
                _check_refused(step, error)
                raise
            around.turns.back_off(call)
        except BotoCoreError as error:
            raise Stopped(f"{step.operation}: no answer from AWS ({error}); it may have acted") from error
        else:
            around.turns.refused = 0
            return answer


def _check_refused(step: Step, error: ClientError) -> None:
    """Raises Stopped for a failure of AWS, after which it may have acted."""
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500) >= 500:
        raise Stopped(f"{step.operation}: AWS failed ({error}); it may have acted") from error
