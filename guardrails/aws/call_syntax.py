"""A call as people write it: an operation in one of three spellings, and parameters as NAME=VALUE."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from guardrails.errors import ConfigError


def call(client: Any, name: str, pairs: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """AWS's name of the operation, and its parameters. Raises ConfigError."""
    known = operation(client, name)
    return known, _params(known, pairs, client.meta.service_model.operation_model(known).input_shape)


def operation(client: Any, name: str) -> str:
    """AWS's name for ``TerminateInstances``, ``terminate_instances`` or ``terminate-instances``. Raises ConfigError."""
    methods: dict[str, str] = client.meta.method_to_api_mapping
    if name in methods.values():
        return name
    method = name.replace("-", "_")
    if method in methods:
        return methods[method]
    service = client.meta.service_model.service_name
    raise ConfigError(f"{service} has no operation {name}{suggestion(method.replace('_', ''), methods.values())}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """``; did you mean TerminateInstances?``, or "" where no known word is similar."""
    lowered = {each.lower(): each for each in known}
    import difflib  # noqa: PLC0415  (only for a mistake)

    close = difflib.get_close_matches(word.lower(), lowered, n=1)
    return f"; did you mean {lowered[close[0]]}?" if close else ""


def _params(known: str, pairs: Iterable[str], shape: Any) -> dict[str, Any]:
    members = shape.members if shape is not None else {}
    params = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigError(
                f"{pair}: write parameters as NAME=VALUE; the value is a string, a list such as a,b, or JSON"
            )
        if key not in members:
            raise ConfigError(f"{known} has no parameter {key}{suggestion(key, members)}")
        params[key] = _value(value, members[key])
    return params


def _value(value: str, member: Any) -> Any:
    if member.type_name == "string":
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        if value.lstrip()[:1] in ("[", "{"):
            raise ConfigError(
                f"{value}: not valid JSON ({error}); quote it for the shell, or write a list as a,b"
            ) from error
        if member.type_name == "list":
            return value.split(",")
        return value
