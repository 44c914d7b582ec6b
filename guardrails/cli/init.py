"""``guardrails init``: looks at the account and proposes a configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from guardrails.aws.clients import make_client
from guardrails.cli.options import format_option
from guardrails.cli.output_file import writing
from guardrails.cli.question import says_yes
from guardrails.cli.show import console
from guardrails.config.settings import Settings
from guardrails.doctor.permissions import policy_document, size_of
from guardrails.errors import ConfigError
from guardrails.init import proposal, sentences
from guardrails.init.survey import Survey, look, place
from guardrails.init.trail import Past, past
from guardrails.values import frozen

_POLICY = "guardrails-iam-policy.json"
_SHOWN = 5
_MOST_HOURS = 90 * 24


@frozen
class _Result:
    survey: Survey
    text: str
    policy: dict[str, Any]
    past: Past


@click.command("init")
@click.option("--profile", help="AWS profile; default: as in boto3.")
@click.option("--region", help="AWS region; default: as in boto3.")
@click.option("--endpoint-url", help="Another endpoint, for example a simulator.")
@click.option(
    "--hours",
    type=click.IntRange(1, _MOST_HOURS),
    default=24,
    show_default=True,
    help="Hours of CloudTrail to read.",
)
@click.option(
    "--output", "-o", type=click.Path(path_type=Path), default=Path("guardrails.toml"), show_default=True,
    help="The configuration to write; the IAM policy is written beside it.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="Write without asking.")
@format_option
def init(
    profile: str | None, region: str | None, endpoint_url: str | None, hours: int, output: Path, fmt: str, *, yes: bool
) -> None:
    """Look at this account, and propose a guardrails.toml.

    Shows the clusters, which of them are live and why, the machines that belong to none, and what would have been
    blocked among the last hours of CloudTrail. Only look-ups are sent. The configuration and an IAM policy with the
    look-ups that it needs are written after a yes at a terminal, or with --yes; a file that exists is never changed.
    """
    existing = next((file for file in _files(output) if file.exists()), None)
    if yes and existing is not None:
        raise ConfigError(f"{existing} exists and is left as it is; name another file with --output")

    def make(service: str) -> Any:
        return make_client(service, profile, region, endpoint_url)

    where = place(make("ec2"), Settings())
    survey = look(where, Settings())
    proposed = proposal.settings_of(survey)
    policy = policy_document(proposed.live)
    result = _Result(survey, proposal.text(survey), policy, past(make, where, proposed, hours))
    if fmt == "json":
        click.echo(json.dumps(_as_json(result), indent=2))
        if not yes:
            return
    else:
        _show(console(), result, output)
    _write(result, output, existing, yes=yes)


def _files(output: Path) -> tuple[Path, Path]:
    return output, output.with_name(_POLICY)


def _write(result: _Result, output: Path, existing: Path | None, *, yes: bool) -> None:
    config, policy = _files(output)
    if existing is not None:
        click.echo(f"{existing} exists and is left as it is; --output names another file.", err=True)
        return
    if not yes and not says_yes(f"Write {config} and {policy}? [y/N] ", "Nothing is written; --yes writes the files"):
        return
    for file, text in ((config, result.text), (policy, json.dumps(result.policy, indent=2) + "\n")):
        # Never over a file that came meanwhile.
        with writing(file), file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    click.echo(f"Written: {config} and {policy}. `guardrails doctor` checks the setup.", err=True)


def _show(out: Console, result: _Result, output: Path) -> None:
    for line in (*sentences.summary(result.survey), result.past.sentence()):
        out.print(Text(line), soft_wrap=True)
    for change in result.past.tally.changes[:_SHOWN]:
        named = " ".join(change.targets[:3]) + (" …" if len(change.targets) > 3 else "")
        out.print(Text(f"  {change.time} {change.call} {named}: {', '.join(change.gained)}"), soft_wrap=True)
    for line in sentences.missing(result.survey):
        out.print(Text(f"Not looked at, {line}", style="yellow"), soft_wrap=True)
    out.print(Text(f"\n{output}:", style="bold"))
    out.print(Text(result.text), soft_wrap=True)
    out.print(Text(f"{_files(output)[1]}, an IAM policy with its look-ups:", style="bold"))
    out.print(Text(json.dumps(result.policy)), soft_wrap=True)
    out.print(Text(size_of(result.policy)), soft_wrap=True)


def _as_json(result: _Result) -> dict[str, Any]:
    survey = result.survey
    clusters = [
        {"name": each.name, "kind": each.kind, "machines": each.total, "live": each.live} for each in survey.clusters
    ]
    return {
        "account": survey.account,
        "region": survey.region,
        "clusters": clusters,
        "without_cluster": survey.loners,
        "tags": dict(sorted(survey.keys.items())),
        "sources": {name: report.evidence for name, report in survey.reports.items()},
        "missing": [failure.permission for failure in survey.failures],
        "cloudtrail": {
            "problem": result.past.problem,
            "calls": result.past.tally.decisions,
            "blocked": result.past.blocked,
            "blocked_without_cluster": result.past.on_loners,
        },
        "config": result.text,
        "iam_policy": result.policy,
    }
