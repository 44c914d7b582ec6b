"""``guardrails doctor``: what is well and what is not about the guard here."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import attrs
import click
from rich.text import Text

from guardrails.aws.clients import make_client
from guardrails.cli.client import aws_options
from guardrails.cli.show import console
from guardrails.doctor import examine
from guardrails.doctor import page as shown

_STYLES = {"well": "green", "note": "yellow", "ill": "red"}


@click.command()
@aws_options
def doctor(config: str | None, profile: str | None, region: str | None, endpoint_url: str | None, fmt: str) -> None:
    """Say whether the guard works here: what guards, by which keys and policies, how fast, and what it may look up.

    A process is known by its last decision in the decision log, and shown while it runs. Only look-ups are sent. Exit
    code 1 when something is ill: the configuration or the policies do not load, a process is behind because an edit
    does not, the decision log or the state cannot be written, a call that must be denied is not, or which cluster is
    live is not known.
    """
    findings, out = [], console()

    def client(there: str) -> Any:
        return make_client("ec2", profile, there or region, endpoint_url)

    for finding in examine(config, time.time(), client):
        findings.append(finding)
        if fmt == "pretty":
            # As it is found: a look-up may take its time.
            word = (f"{finding.state:<5}", _STYLES[finding.state])
            out.print(Text.assemble(word, f"{finding.about}: {finding.sentence}"), soft_wrap=True)
    if fmt == "json":
        click.echo(json.dumps([attrs.asdict(finding) for finding in findings], indent=2))
    else:
        out.print(Text(shown.page(findings).title, style="bold"))
    sys.exit(1 if any(finding.state == "ill" for finding in findings) else 0)
