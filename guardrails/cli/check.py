"""``guardrails check``: the decision on a call that is not sent."""

from __future__ import annotations

import json
import sys
import time

import click
from botocore.exceptions import ParamValidationError

from guardrails.aws import call_syntax
from guardrails.aws.clients import make_client
from guardrails.cli.options import aws_options
from guardrails.cli.show import console, decision_json, show_decision
from guardrails.enforce.enforce import enforce
from guardrails.errors import ConfigError
from guardrails.guard import Guard

_EXAMPLES = """\b
Examples:
  guardrails check ec2 TerminateInstances InstanceIds=i-0abc,i-0def
  guardrails check ec2 terminate-instances 'InstanceIds=["i-0abc"]'
"""


@click.command(epilog=_EXAMPLES)
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
    """Decide on a call without sending it.

    Only look-ups are sent. Exit code 3 if the call would be blocked in the configured mode, or would need confirmation.
    """
    guard = Guard.from_config(config)
    client = make_client(service, profile, region, endpoint_url)
    name, values = call_syntax.call(client, operation, params)
    try:
        decision = guard.check(client, name, **values)
    except ParamValidationError as error:
        raise ConfigError(f"{service} {name}: {' '.join(str(error).split())}") from error
    outcome = enforce(decision, guard.settings.mode, time.time())
    if fmt == "json":
        click.echo(json.dumps(decision_json(decision, outcome), indent=2))
    else:
        show_decision(console(), decision, outcome, guard.settings.mode)
    sys.exit(0 if outcome.send else 3)
