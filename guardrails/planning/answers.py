"""An answer in AWS's place, from the service model.

It has what the request said, ids that are marked as planned, and a state with which waiters end. Tokens of further
pages are left out, so that paginators end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

from botocore.model import Shape
from botocore.response import StreamingBody

from guardrails.planning.kinds import noun_of
from guardrails.planning.made_up import MadeUp

# What a new thing is called when it is ready, by the usual words of AWS.
_READY = ("available", "complete", "completed", "succeeded", "running", "active", "in-service", "inservice",
          "create_complete", "deployed", "success", "enabled", "ok", "ready", "issued", "healthy", "provisioned",
          "attached", "associated")  # fmt: skip
_STATES = frozenset(("state", "status", "lifecyclestate", "stackstatus", "dbinstancestatus", "cachecluserstatus"))
_TOKEN = re.compile(r"(?i)(next|continuation)?_?(token|marker)$|^(istruncated|hasmore.*)$")
_DEEPEST = 4


def item_of(shape: Any, params: Mapping[str, Any], ids: Mapping[str, Any]) -> dict[str, Any]:
    """A new thing as its read would describe it: what the request gives, its id, and that it is ready."""
    return _structure(shape, params, ids, _DEEPEST - 1, filled=False)


def answer_of(shape: Any, params: Mapping[str, Any], known: Mapping[str, Any], ids: MadeUp | None) -> dict[str, Any]:
    """The answer to a request. `known` are values by the name of their member, at any depth.

    Other ids are made up with `ids`; with None they are left out.
    """
    made = {} if shape is None else _structure(shape, params, known, _DEEPEST, filled=True, ids=ids)
    payload = shape.serialization.get("payload") if shape is not None else None
    if payload and shape.members[payload].type_name == "blob":
        # Such a body is read like a file.
        made[payload] = StreamingBody(BytesIO(b""), 0)
    return {**made, "ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0,
                                         "RequestId": "planned"}}  # fmt: skip


def _structure(
    shape: Any, params: Mapping[str, Any], known: Mapping[str, Any], deep: int, *, filled: bool, ids: Any = None
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, member in shape.members.items():
        if _TOKEN.search(name):
            continue
        value = _value(name, member, params, known, deep, filled=filled, ids=ids)
        if value is not None:
            made[name] = value
    return made


def _value(
    name: str, shape: Shape, params: Mapping[str, Any], known: Mapping[str, Any], deep: int, *, filled: bool, ids: Any
) -> Any:
    if name in known and _same_kind(shape, known[name]):
        return known[name]
    given = _given(name, shape, params)
    if given is not None:
        return given
    if shape.type_name == "structure":
        made = _structure(shape, params, known, deep - 1, filled=filled, ids=ids) if deep > 0 else {}
        return made or None
    if shape.type_name == "list":
        member: Any = shape.member  # type: ignore[attr-defined]
        if filled and deep == _DEEPEST and member.type_name == "structure" and not name.startswith(_FAILED):
            return [_structure(member, params, known, deep - 1, filled=filled, ids=ids)]
        return []
    return _scalar(name, shape, filled=filled, ids=ids)


# Lists of what did not work.
_FAILED = ("Unprocessed", "Failed", "Failure", "Error", "Unsuccessful", "Warning")


def _scalar(name: str, shape: Any, *, filled: bool, ids: Any) -> Any:
    kind = shape.type_name
    if name.lower() in _STATES or name.lower().endswith(("status", "state")):
        return _ready(shape) if kind == "string" else None
    if name == "Code" and getattr(shape, "enum", None):
        # As in the State of a load balancer.
        return _ready(shape)
    if kind == "timestamp":
        return datetime.now(UTC) if name.lower().startswith(("create", "start", "launch", "last")) else None
    if kind == "string" and filled and not getattr(shape, "enum", None):
        names = name.lower().endswith(("id", "arn", "name", "url", "handle"))
        return ids.string(name, shape) if ids is not None else None if names else ""
    if kind in ("integer", "long") and name.endswith("VersionNumber"):
        return 1
    if kind == "boolean" and name in ("Return", "return"):
        return True
    return None


def _ready(shape: Any) -> str:
    words = list(getattr(shape, "enum", None) or ())
    by_form = {word.lower().replace(" ", "-"): word for word in words}
    return str(next((by_form[word] for word in _READY if word in by_form), words[0] if words else "available"))


def _given(name: str, shape: Shape, params: Mapping[str, Any]) -> Any:
    """What the request has under this name, in the same shape."""
    if name in params and _same_kind(shape, params[name]):
        return params[name]
    if name == "Tags" and isinstance(params.get("TagSpecifications"), list):
        return [tag for each in params["TagSpecifications"] for tag in each.get("Tags") or ()]
    return None


_KINDS: Mapping[str, Any] = {
    "structure": Mapping,
    "map": Mapping,
    "list": (list, tuple),
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": datetime,
}


def _same_kind(shape: Any, value: Any) -> bool:
    if not isinstance(value, _KINDS.get(shape.type_name, bytes)):
        return False
    if shape.type_name == "structure":
        return {*value} <= {*shape.members}
    if shape.type_name == "list" and value:
        return _same_kind(shape.member, value[0])
    return True


# Codes of EC2, whose service model has none; https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_NOT_FOUND = {"Volume": "InvalidVolume.NotFound", "Snapshot": "InvalidSnapshot.NotFound",
              "SecurityGroup": "InvalidGroup.NotFound", "KeyPair": "InvalidKeyPair.NotFound",
              "Image": "InvalidAMIID.NotFound", "NatGateway": "NatGatewayNotFound",
              "Address": "InvalidAllocationID.NotFound"}  # fmt: skip


def not_found_code(service: str, model: Any) -> str:
    """The error of AWS for a read of what does not exist, by the service model; for EC2 by its documentation."""
    if service == "ec2":
        noun = noun_of(model.name)[1]
        return _NOT_FOUND.get(noun, f"Invalid{noun}ID.NotFound")
    if service == "cloudformation":
        return "ValidationError"
    words = ("NotFound", "NoSuch", "DoesNotExist")
    named = [shape for shape in model.error_shapes if any(word in shape.name for word in words)]
    own = [shape for shape in named if noun_of(model.name)[1].lower() in shape.name.lower()]
    found = (own or named)[:1]
    return (
        str(found[0].metadata.get("error", {}).get("code") or found[0].name) if found else "ResourceNotFoundException"
    )
