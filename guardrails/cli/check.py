"""``guardrails check``: what would be decided on a call; nothing is sent but look-ups."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click
from botocore.exceptions import ParamValidationError

from guardrails.cli.client import aws_options, make_client
from guardrails.cli.show import console, decision_json, show_decision
from guardrails.enforce import enforce
from guardrails.errors import ConfigError
from guardrails.guard import Guard


@click.command()
@aws_options
@click.argument("service")
@click.argument("operation")
@click.argument("params", nargs=-1, metavar="[NAME=VALUE]...")
def check(
    service: str,
    operation: str,
    params: tuple[str, ...],
    config: str | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    fmt: str,
) -> None:
    r"""Decide on a call without sending it.

    \b
    guardrails check ec2 TerminateInstances InstanceIds=i-0abc,i-0def
    guardrails check ec2 terminate-instances 'InstanceIds=["i-0abc"]'

    Exit code 3 when it would be blocked, in the configured mode.
    """
    guard = Guard.from_config(config)
    client = make_client(service, profile, region, endpoint_url)
    name = _operation(client, operation)
    shape = client.meta.service_model.operation_model(name).input_shape
    try:
        decision = guard.check(client, name, **_params(params, shape))
    except ParamValidationError as error:
        raise ConfigError(f"{service} {name}: {' '.join(str(error).split())}") from error
    outcome = enforce(decision, guard.settings.mode, time.time())
    if fmt == "json":
        click.echo(json.dumps(decision_json(decision, outcome), indent=2))
    else:
        show_decision(console(), decision, outcome, guard.settings.mode)
    sys.exit(0 if outcome.send else 3)


def _operation(client: Any, name: str) -> str:
    """AWS's name for ``TerminateInstances``, ``terminate_instances`` or ``terminate-instances``."""
    known: dict[str, str] = client.meta.method_to_api_mapping
    if name in known.values():
        return name
    method = name.replace("-", "_")
    if method in known:
        return known[method]
    raise ConfigError(f"{name}: no such operation of {client.meta.service_model.service_name}")


def _params(pairs: tuple[str, ...], shape: Any) -> dict[str, Any]:
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
