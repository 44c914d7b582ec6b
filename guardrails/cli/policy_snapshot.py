"""``guardrails policy snapshot``: saves what AWS says now about the targets of recorded calls, for `policy replay`."""

from __future__ import annotations

import time
from pathlib import Path

import click
from attrs import evolve

from guardrails import assembly
from guardrails.aws import sessions
from guardrails.aws.clients import make_client, origin_of
from guardrails.cli.options import config_option
from guardrails.cli.output_file import writing
from guardrails.config.load import load
from guardrails.policy.replay.snapshot import Snapshot
from guardrails.policy.replay.trail import Trail
from guardrails.show.failures import failure_sentence
from guardrails.show.sentences import counted
from guardrails.values import Call, LookupFailure, Origin


@click.command("snapshot")
@config_option
@click.argument("cloudtrail", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--output", required=True, type=click.Path(path_type=Path), help="The file to write.")
@click.option("--profile", help="AWS profile; default: as in boto3.")
@click.option("--endpoint-url", help="Another endpoint, for example a simulator.")
def snapshot(
    config: str | None, cloudtrail: tuple[Path, ...], output: Path, profile: str | None, endpoint_url: str | None
) -> None:
    """Save facts for replaying CloudTrail files.

    CLOUDTRAIL are CloudTrail files, or folders of them. The look-ups that their calls need are made now, in the regions
    of the calls, with the credentials of this profile; only reads are sent. The output lists resources of the account,
    so only its owner may read it. Exit code 1 if a look-up failed.
    """
    settings = load(config)
    trail = Trail(settings, assembly.evidence(settings))
    regions: dict[str, dict[str, Call]] = {}
    for _, call in trail.calls(cloudtrail):
        name = f"{call.name} {sorted(ref.id for ref in call.targets)}"
        regions.setdefault(trail.region_of(call), {})[name] = call
    # Answers are kept for a day, so each look-up is made once however long the snapshot takes.
    lookups = assembly.lookups(evolve(settings, max_fact_age_s=24 * 3600.0), sessions.models())
    result = Snapshot(time.time())
    failures: list[LookupFailure] = []
    for region, calls in sorted(regions.items()):
        origin = _origin(profile, region, endpoint_url)
        failures += result.take(calls.values(), origin, settings, lookups)
    with writing(output):
        result.write(output)
    for sentence in (*trail.faults, *map(failure_sentence, failures)):
        click.echo(f"guardrails: {sentence}", err=True)
    answer_count = sum(len(region.answers) for region in result.regions.values())
    call_count = sum(map(len, regions.values()))
    named = ", ".join(sorted(result.regions)) or "no region"
    click.echo(f"{output}: {counted(answer_count, 'look-up')} for {counted(call_count, 'distinct call')} in {named}")
    raise SystemExit(1 if failures else 0)


def _origin(profile: str | None, region: str, endpoint_url: str | None) -> Origin:
    return evolve(origin_of(make_client("ec2", profile, region or None, endpoint_url)), region=region)
