"""``guardrails doctor``: checks this setup of the guard."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import attrs
import click
from rich.text import Text

from guardrails.aws.clients import make_client
from guardrails.cli.options import aws_options
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.doctor.examine import examine
from guardrails.doctor.finding import Finding
from guardrails.doctor.page import page
from guardrails.doctor.permissions import policy_document, size_of
from guardrails.show.text import wrapped

_STYLES = {"ok": "green", "note": "yellow", "problem": "red"}
_STATE_WIDTH = max(map(len, _STYLES)) + 1


@click.command()
@aws_options
@click.option(
    "--iam-policy", is_flag=True, help="Print an IAM policy with the guard's look-ups instead; nothing is sent."
)
def doctor(
    config: str | None, profile: str | None, region: str | None, endpoint_url: str | None, fmt: str, *, iam_policy: bool
) -> None:
    """Check whether the guard works here.

    Shows what is guarded, which file set which key, the policies in force (on disk and in running processes, as of
    their last decision), how long a decision takes, which look-ups are permitted, the evidence for the live cluster,
    and what can bypass the guard. Only look-ups are sent.

    Exit code 1 if there is a problem: the configuration, the policies or a later edit of them do not load, the decision
    log or the state cannot be written, a call that must be denied is not, or the live cluster is not known.
    """
    if iam_policy:
        _print_policy(config)
        return
    findings: list[Finding] = []
    out = console()

    def client(other_region: str) -> Any:
        return make_client("ec2", profile, other_region or region, endpoint_url)

    for finding in examine(config, time.time(), client):
        findings.append(finding)
        if fmt == "pretty":
            # Shown at once, because look-ups can take a while.
            out.print(_line(finding, out.width if out.is_terminal else None), soft_wrap=True)
    if fmt == "json":
        click.echo(json.dumps([attrs.asdict(finding) for finding in findings], indent=2))
    else:
        out.print(Text(page(findings).title, style="bold"))
    sys.exit(1 if any(finding.state == "problem" for finding in findings) else 0)


def _line(finding: Finding, width: int | None) -> Text:
    """One line for grep if `width` is None, else wrapped at a terminal of that width."""
    sentence = f"{finding.about}: {finding.sentence}"
    if width is not None:
        indent = " " * _STATE_WIDTH
        sentence = "\n".join(wrapped(sentence, indent, width)).removeprefix(indent)
    return Text.assemble((finding.state.ljust(_STATE_WIDTH), _STYLES[finding.state]), sentence)


def _print_policy(config: str | None) -> None:
    """The policy on standard output, as JSON to paste; how large it is on standard error."""
    policy = policy_document(load(config).live)
    click.echo(json.dumps(policy, indent=2))
    click.echo(f"guardrails: {size_of(policy)}", err=True)
