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
from guardrails.rebuild.snapshot import Snapshot
from guardrails.show.printable import printable


@click.command()
@aws_options
@click.argument("clusters", metavar="[CLUSTER]...", nargs=-1)
@click.option("--output", "-o", type=click.Path(path_type=Path), help="The file; default: beside the memory, by time.")
@click.option("--no-user-data", is_flag=True, help="Leave user data out, which may hold secrets.")
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
    """Keep what a rebuild of these clusters needs.

    Without names, of all clusters. For a scheduled run: the newest 200 snapshots of each account and region are
    kept. The file has the machines' user data, which may hold secrets; only its owner may read it (mode 0600). Exit
    code 1 if something could not be seen.
    """
    settings = load(config)
    source = reader(profile, region, endpoint_url)
    where = source.client("ec2").meta.region_name
    with readable():
        taken = collect(source, settings, where, time.time(), clusters=clusters, user_data=not no_user_data)
    absent = [f"cluster {name} has no machine here" for name in clusters if name not in taken.clusters()]
    if output is not None:
        folder.write(output, taken.document())
    path = output or folder.keep(settings, taken)
    missing = [*taken.missing, *absent]
    _show(taken, path, missing, fmt, secrets=not no_user_data)
    sys.exit(1 if missing else 0)


def _show(taken: Snapshot, path: Path, missing: list[str], fmt: str, *, secrets: bool) -> None:
    counts = taken.clusters()
    if fmt == "json":
        click.echo(json.dumps({"path": str(path), "clusters": counts, "missing": missing}, indent=2))
        return
    found = ", ".join(f"{name} ({count})" for name, count in counts.items()) or "no cluster"
    data = "with user data, which may hold secrets" if secrets else "without user data"
    click.echo(printable(f"kept {found} in {path}, {data}; only you may read it"))
    for sentence in missing:
        click.echo(printable(f"missing: {sentence}"))
