"""Take secrets out of a call's parameters before anyone sees or stores them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from guardrails.values import MASK

# Members that hold secrets in practice, although not every model marks them `sensitive`: by the end of their names.
_SECRET = re.compile(
    r"(?:password|passwords|passphrase|clientsecret|secretstring|secretbinary|secretaccesskey|authtoken|privatekey|userdata"
    # Whatever their authors put there: templates, their parameters, and the presigned URLs of templates.
    r"|templatebody|parametervalue|templateurl)$",
    re.IGNORECASE,
)
# A member of another type that has such a name says yes or no.
_HOLDS_TEXT = frozenset(("string", "list", "structure"))


def redact(params: Mapping[str, Any], shape: Shape | None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The parameters with secrets replaced by MASK, and the JSON pointers of the replaced values.

    A secret is a member that botocore's model marks `sensitive`, a blob, or a member with a well-known name.
    """
    masked: list[str] = []
    clean = _walk(dict(params), shape, "", masked)
    if str(params.get("Attribute", "")).lower() == "userdata" and "Value" in clean:
        # EC2's Attribute/Value syntax passes user data in a member that is not marked.
        clean["Value"] = MASK
        masked.append("/Value")
    return clean, tuple(masked)


def _walk(value: Any, shape: Shape | None, path: str, masked: list[str]) -> Any:
    if shape is not None and path and _secret(shape, path):
        masked.append(path)
        return MASK
    if isinstance(value, Mapping):
        return {key: _walk(item, _member(shape, key), f"{path}/{_escape(key)}", masked) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        member = shape.member if isinstance(shape, ListShape) else None
        return [_walk(item, member, f"{path}/{index}", masked) for index, item in enumerate(value)]
    return value


def _secret(shape: Shape, path: str) -> bool:
    if shape.metadata.get("sensitive") or shape.type_name == "blob":
        return True
    return shape.type_name in _HOLDS_TEXT and _SECRET.search(path.rpartition("/")[2]) is not None


def _member(shape: Shape | None, key: str) -> Shape | None:
    if isinstance(shape, StructureShape):
        return shape.members.get(key)
    if isinstance(shape, MapShape):
        return shape.value
    return None


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
