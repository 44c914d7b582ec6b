"""``guardrails live``: which cluster is live, and the evidence with its age."""

from __future__ import annotations

import json
import sys
import time

import click

from guardrails.aws.clients import make_client
from guardrails.cli.options import aws_options
from guardrails.cli.show import console, live_json
from guardrails.guard import Guard
from guardrails.show.failures import failure_sentence


@click.command()
@aws_options
def live(config: str | None, profile: str | None, region: str | None, endpoint_url: str | None, fmt: str) -> None:
    """Show which cluster is live, and the evidence for it.

    Exit code 3 if that is not known: every call that could hurt a cluster is then blocked.
    """
    guard = Guard.from_config(config)
    client = make_client("ec2", profile, region, endpoint_url)
    facts = guard.live(client)
    now = time.time()
    for failure in facts.failures:
        click.echo(f"guardrails: {failure_sentence(failure)}", err=True)
    if fmt == "json":
        click.echo(json.dumps({"region": client.meta.region_name, **live_json(facts, now)}, indent=2))
    else:
        console().print(facts)
        click.echo(f"region {client.meta.region_name}")
    sys.exit(0 if facts.live.known else 3)
