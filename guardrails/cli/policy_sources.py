"""``guardrails policy sources``: the bundles that are fetched, how old they are, and what is wrong with them."""

from __future__ import annotations

import json
import sys
import time

import attrs
import click

from guardrails import assembly
from guardrails.cli.options import config_option, format_option
from guardrails.config.load import load
from guardrails.doctor.policy_sources import sentence
from guardrails.evaluate import rule_book


@click.command()
@config_option
@format_option
def sources(config: str | None, fmt: str) -> None:
    """Show the bundles in `policies` that are fetched.

    Each source is asked now: which revision is in force here, when it was signed and last checked, and why a newer one
    is not in force. Exit code 1 if something is wrong with one.
    """
    settings = load(config)
    rule_book.check_signed(settings)
    found = assembly.remote_sources(settings)
    found.refresh(ask=True)
    rows = [*found.status()]
    if fmt == "json":
        click.echo(json.dumps([attrs.asdict(row) for row in rows], indent=2))
    else:
        for row in rows:
            click.echo(sentence(row, time.time()))
        if not rows:
            click.echo("no policies are fetched; `policies` may name s3://BUCKET/KEY or https://HOST/PATH")
    sys.exit(1 if any(row.problem for row in rows) else 0)
