"""From a serialized request to a Call, its secrets masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.model import ServiceModel

from guardrails.intercept.redact import redact
from guardrails.intercept.request.outgoing import Outgoing
from guardrails.intercept.wire import Undecodable, decode
from guardrails.values import Call, Origin


def read_call(
    service: str,
    action: str,
    model: Callable[[], ServiceModel],
    out: Outgoing,
    origin: Origin,
    *,
    presigned: bool,
) -> Call:
    """The call in a serialized request; what cannot be read is said in `undecodable`, never raised.

    `model()` gives the service model.
    """
    params: dict[str, Any] = {}
    masked: tuple[str, ...] = ()
    undecodable = None
    try:
        service_model = model()
        # What is not masked yet must not be seen, so it gets no name that lasts.
        params, masked = redact(decode(service_model, action, out), service_model.operation_model(action).input_shape)
    except Undecodable as error:
        undecodable = str(error)
    except Exception as error:  # an unforeseen shape of request must block a governed call, not slip past it
        undecodable = f"reading it failed with {type(error).__name__}: {error}"
    return Call(
        service=service,
        operation=action,
        params=params,
        masked=masked,
        region=origin.region,
        endpoint=origin.endpoint_url,
        presigned=presigned,
        undecodable=undecodable,
    )
