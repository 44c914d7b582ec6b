"""Read a serialized AWS request back into botocore's parameter names.

What is judged must be what is sent, so the guard reads the request itself, never the caller's arguments: handlers
of the script may have changed them on the way.
"""

from __future__ import annotations

from typing import Any

from botocore.model import ServiceModel

from guardrails.intercept.request.outgoing import Outgoing, protocols
from guardrails.intercept.wire import document, form, rest
from guardrails.intercept.wire.scalar import Undecodable

__all__ = ["Undecodable", "decode"]

_CBOR = "smithy-rpc-v2-cbor"


def decode(model: ServiceModel, action: str, out: Outgoing) -> dict[str, Any]:
    """The parameters of a request; blobs in them are bytes, timestamps ISO 8601 in UTC.

    Raises Undecodable when any part of the request has no place in the operation's input shape: a parameter the
    guard cannot read may be the one that does the harm.
    """
    try:
        operation = model.operation_model(action)
        shape: Any = operation.input_shape
    except Exception as error:
        raise Undecodable(f"{action} is not an operation of {model.service_name}") from error
    protocol = spoken(model, out)
    if protocol.startswith("rest-"):
        return rest.read(operation, out, as_xml=protocol == "rest-xml")
    if protocol in ("ec2", "query"):
        return form.read(shape, out, ec2=protocol == "ec2")
    if protocol == "json":
        return document.structure(shape, document.json_in(out.body))
    if protocol == _CBOR:
        return document.structure(shape, document.cbor_in(out.body))
    raise Undecodable(f"the {protocol} protocol is not read yet")


def spoken(model: ServiceModel, out: Outgoing) -> str:
    """The protocol of a request: a service may know several, and the request may come from another botocore."""
    # botocore chooses among a service's protocols from 1.36 on; before that there was one.
    own = str(getattr(model, "resolved_protocol", None) or model.metadata["protocol"])
    if own.startswith("rest-"):
        return own
    said = protocols(out)
    if len(said) > 1:
        raise Undecodable(f"the request speaks several protocols: {', '.join(sorted(said))}")
    other = said.pop() if said else own
    return own if (own, other) == ("ec2", "query") else other
