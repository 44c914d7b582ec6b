"""A call as a person spells it: an operation in one of three spellings, and parameters as NAME=VALUE."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from guardrails.errors import ConfigError


def call(client: Any, name: str, pairs: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """AWS's name of the operation, and its parameters. Raises ConfigError."""
    known = operation(client, name)
    return known, _params(pairs, client.meta.service_model.operation_model(known).input_shape)


def operation(client: Any, name: str) -> str:
    """AWS's name for ``TerminateInstances``, ``terminate_instances`` or ``terminate-instances``."""
    known: dict[str, str] = client.meta.method_to_api_mapping
    if name in known.values():
        return name
    method = name.replace("-", "_")
    if method in known:
        return known[method]
    raise ConfigError(f"{name}: no such operation of {client.meta.service_model.service_name}")


def _params(pairs: Iterable[str], shape: Any) -> dict[str, Any]:
    params = {}
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise ConfigError(f"{pair}: give parameters as NAME=VALUE, VALUE a text, a,list or JSON")
        member = shape.members.get(key) if shape is not None else None
        if member is None:
            raise ConfigError(f"{key}: no such parameter; known are {', '.join(shape.members) if shape else 'none'}")
        params[key] = _value(text, member)
    return params


def _value(text: str, member: Any) -> Any:
    if member.type_name == "string":
        return text
    try:
        return json.loads(text)
    except ValueError:
        if member.type_name == "list":
            return text.split(",")
        return text
