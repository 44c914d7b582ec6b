"""``guardrails rebuild plan``: what it takes to get a cluster back."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click

from guardrails.cli.options import aws_options
from guardrails.cli.rebuild_options import given, readable, reader, wish_of, wish_options
from guardrails.guard import Guard
from guardrails.rebuild.page import lines
from guardrails.rebuild.plan import document, make_plan
from guardrails.show.printable import printable


@click.command()
@aws_options
@click.argument("cluster")
@wish_options
def plan(
    config: str | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    fmt: str,
    cluster: str,
    **options: Any,
) -> None:
    """Say what it takes to start the lost machines again.

    While none of CLUSTER is lost, this is about a second set of them. Only look-ups are sent. Exit code 1 if something
    would fail or is not known.
    """
    guard = Guard.from_config(config)
    now = time.time()
    with readable():
        made = make_plan(
            guard, reader(profile, region, endpoint_url), wish_of(cluster, options), now, given(options["source"])
        )
    if fmt == "json":
        click.echo(json.dumps(document(made), indent=2))
    else:
        for line in lines(made, now):
            click.echo(printable(line))
    sys.exit(0 if made.fine else 1)
