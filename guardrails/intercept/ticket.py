"""What travels with a request from one gate to the next, and what is known about one that awaits a decision."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

from guardrails.intercept.glance import Glance
from guardrails.intercept.request.outgoing import Outgoing
from guardrails.intercept.seal import Seal
from guardrails.values import frozen

Context = MutableMapping[str, Any]
# In the context of a request that a plan lets through; its value is the seal.
PASSED = "guardrails-plan"
# In that of a request with which a plan asks AWS about permissions: it changes nothing, and is not judged.
ONLY_ASKS = "guardrails-plan-asks"


@frozen(eq=False)
class Ticket:
    """Kept in the context of a request that passed a gate. Ungoverned requests have no `seal` and no `decision_id`.

    `service` is the catalogue's key, None where it is unknown. `glance` is for an ungoverned operation of a client; the
    ticket is then the same for all its calls. `decided_at` is on the clock of waiting/clock.py.
    """

    service: str | None
    operation: str
    signer: Any
    seal: Seal | None = None
    decision_id: str | None = None
    glance: Glance | None = None
    decided_at: float = 0.0


@frozen(eq=False)
class PendingRequest:
    """A governed request that must be decided on before it may pass.

    `signer` signs it and has its credentials and region: a RequestSigner, or an object that adds the signature.
    `problem` says why nothing else of it is known, "" where it could be looked at.
    """

    service: str
    operation: str
    out: Outgoing
    context: Context | None
    signer: Any
    presigned: bool
    problem: str = ""
