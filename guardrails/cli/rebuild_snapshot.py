"""``guardrails rebuild snapshot``: keeps what a rebuild needs before it is needed."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click

from guardrails.cli.options import aws_options
from guardrails.cli.rebuild_options import readable, reader
from guardrails.config.load import load
from guardrails.rebuild import folder
from guardrails.rebuild.collect import collect


@click.command()
@click.argument("clusters", metavar="[CLUSTER]...", nargs=-1)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The file; default: beside the memory, by time.")
@click.option("--no-user-data", is_flag=True, help="Leave user data out, which may hold secrets.")
@aws_options
def snapshot(
    config: str | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    fmt: str,
    clusters: tuple[str, ...],
    output: Path | None,
    *,
    no_user_data: bool,
) -> None:
    """Keep what a rebuild of these clusters needs; of all without names.

    For a scheduled run: the newest 200 snapshots of each account and region are kept. The file has the machines' user
    data, which may hold secrets; only its owner may read it (mode 0600). Exit code 1 if something could not be seen.
    """
    settings = load(config)
    source = reader(profile, region, endpoint_url)
    with readable():
        taken = collect(
            source,
            settings,
            source.client("ec2").meta.region_name,
            time.time(),
            clusters=clusters,
            user_data=not no_user_data,
        )
    counts = taken.clusters()
    absent = [f"cluster {name} has no machine here" for name in clusters if name not in counts]
    path = output or folder.keep(settings, taken)
    if output is not None:
        folder.write(output, taken.document())
    if fmt == "json":
        missing = [*taken.missing, *absent]
        click.echo(json.dumps({"path": str(path), "clusters": counts, "missing": missing}, indent=2))
    else:
        found = ", ".join(f"{name} ({count})" for name, count in counts.items()) or "no cluster"
        secrets = "without user data" if no_user_data else "with user data, which may hold secrets"
        click.echo(f"kept {found} in {path}, {secrets}; only you may read it")
        for sentence in (*taken.missing, *absent):
            click.echo(f"missing: {sentence}")
    sys.exit(1 if taken.missing or absent else 0)
