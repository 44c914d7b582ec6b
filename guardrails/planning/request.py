"""A request of a script, as a plan reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.model import ServiceModel

from guardrails.intercept.request.outgoing import Outgoing
from guardrails.planning.world import place_of
from guardrails.values import Call, Origin, frozen


@frozen(eq=False)
class Request:
    """A request that a client is about to send, with its service's key in the catalogue and the operation on the wire.

    `params` are whole; `call` has the secrets masked.
    """

    service: str
    operation: str
    model: ServiceModel
    out: Outgoing
    call: Call
    origin: Origin

    @property
    def place(self) -> str:
        """The account and region of the call, see world.py."""
        return place_of(self.call.account, self.call.region)

    @property
    def params(self) -> Mapping[str, Any]:
        return self.call.clear_params
