"""Read a serialized AWS request back into botocore's parameter names.

What is judged must be what is sent, so the guard reads the request itself, never the caller's arguments: the script's
event handlers may have changed them.
"""

from __future__ import annotations

from typing import Any

from botocore.model import ServiceModel

from guardrails.intercept.request.outgoing import Outgoing, protocols
from guardrails.intercept.wire import form, json_cbor, rest
from guardrails.intercept.wire.scalar import Undecodable

__all__ = ["Undecodable", "decode"]

_CBOR = "smithy-rpc-v2-cbor"


def decode(model: ServiceModel, action: str, out: Outgoing) -> dict[str, Any]:
    """The parameters of a request; blobs are bytes, timestamps ISO 8601 in UTC.

    Raises Undecodable when any part of the request does not fit the operation's input shape: a parameter that the
    guard cannot read may be the harmful one.
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
        return json_cbor.structure(shape, json_cbor.json_in(out.body))
    if protocol == _CBOR:
        return json_cbor.structure(shape, json_cbor.cbor_in(out.body))
    raise Undecodable(f"the {protocol} protocol is not supported")


def spoken(model: ServiceModel, out: Outgoing) -> str:
    """The protocol of a request: a service may support several, and another botocore may have made the request."""
    # Before 1.36, botocore had one protocol per service; since then it chooses among several.
    own = str(getattr(model, "resolved_protocol", None) or model.metadata["protocol"])
    if own.startswith("rest-"):
        return own
    used = protocols(out)
    if len(used) > 1:
        raise Undecodable(f"the request mixes several protocols: {', '.join(sorted(used))}")
    other = used.pop() if used else own
    return own if (own, other) == ("ec2", "query") else other
