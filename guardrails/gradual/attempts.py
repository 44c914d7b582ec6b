"""Whether the machines of a wave may have gone although its call failed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.aws.attempts import may_be_done, may_be_done_in_part
from guardrails.errors import CallDenied


class Wave:
    """The call of one wave on this many machines, made by a client; `unclear` says what became of it."""

    def __init__(self, client: Any, operation: str, machines: int) -> None:
        self._attempts: list[bool] = []
        self._judged = may_be_done_in_part if machines > 1 else may_be_done
        self._thread = threading.get_ident()
        self._events = client.meta.events
        self._event = f"response-received.{client.meta.service_model.service_id.hyphenize()}.{operation}"

    def send(self, send: Callable[[Mapping[str, Any]], Any], params: Mapping[str, Any]) -> Any:
        """Make the call, and note each attempt."""
        self._events.register_first(self._event, self._note)
        try:
            return send(params)
        finally:
            self._events.unregister(self._event, self._note)

    def unclear(self, error: BaseException) -> bool:
        """Whether some machines may have gone, after the call has ended with this error."""
        if isinstance(error, CallDenied):
            return False
        # Ctrl-C comes while an attempt is under way.
        return any(self._attempts) or not isinstance(error, Exception)

    def _note(self, response_dict: Any = None, parsed_response: Any = None, exception: Any = None, **_: Any) -> None:
        # Other threads use the client as well.
        if threading.get_ident() == self._thread:
            self._attempts.append(self._judged(response_dict, parsed_response, exception))
