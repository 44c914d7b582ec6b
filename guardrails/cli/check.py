"""``guardrails check``: the decision on a call that is not sent."""

from __future__ import annotations

import json
import sys
import time

import click
from attrs import evolve
from botocore.exceptions import ParamValidationError

from guardrails.aws import call_syntax
from guardrails.aws.clients import make_client
from guardrails.classify.catalogue import Catalogue
from guardrails.cli.options import aws_options
from guardrails.cli.show import console, decision_json, show_decision
from guardrails.enforce.enforce import enforce
from guardrails.errors import ConfigError
from guardrails.guard import Guard
from guardrails.values import NOT_GOVERNED, Decision

_EXAMPLES = """\b
Examples:
  guardrails check ec2 TerminateInstances InstanceIds=i-0abc,i-0def
  guardrails check ec2 terminate-instances 'InstanceIds=["i-0abc"]'
"""


class _Check(click.Command):
    """Explains how parameters are written to someone who writes them as for the AWS CLI."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            name = "".join(part[:1].upper() + part[1:] for part in error.option_name.strip("-").split("-"))
            raise click.UsageError(
                f"No such option {error.option_name}. Write parameters as NAME=VALUE, with the name that boto3 uses: "
                f"{name}=VALUE, or {name}=A,B for a list.",
                ctx,
            ) from error


@click.command(cls=_Check, epilog=_EXAMPLES)
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
    if decision.reason == NOT_GOVERNED:
        decision = evolve(decision, reason=_why_not_governed(decision, Catalogue(long_tail=guard.settings.long_tail)))
    outcome = enforce(decision, guard.settings.mode, time.time())
    if fmt == "json":
        click.echo(json.dumps(decision_json(decision, outcome), indent=2))
    else:
        show_decision(console(), decision, outcome, guard.settings.mode)
    sys.exit(0 if outcome.send else 3)


def _why_not_governed(decision: Decision, catalogue: Catalogue) -> str:
    service, operation = decision.call.service, decision.call.operation
    if service not in catalogue.services:
        return (
            f"{NOT_GOVERNED}: the catalogue has no operation of {service}, so the guard checks none of its calls; "
            "`guardrails docs coverage` lists what it checks"
        )
    if catalogue.lookup(service, operation) is None:
        return f"{NOT_GOVERNED}: by the catalogue, {operation} harms no cluster"
    return f"{NOT_GOVERNED}: with these parameters, {operation} harms no cluster"
