"""``guardrails backstop policy``: statements for IAM and service control policies on the live cluster's tag."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from guardrails.aws.clients import make_client
from guardrails.backstop import actions, statements
from guardrails.backstop.plan import not_possible
from guardrails.backstop.policies import LIMITS, Policy, policies, room
from guardrails.classify.catalogue import Catalogue
from guardrails.cli.options import aws_options
from guardrails.config.load import load
from guardrails.config.suggest import suggestion
from guardrails.errors import ConfigError
from guardrails.guard import Guard
from guardrails.resolve.ownership import NAMED, Owner, Ownership
from guardrails.show.sentences import counted

_NO_ROOM = "the one document of a permission boundary has no room for it"
_PATTERN = re.compile(r"[*?]|\$\{")
# aws:PrincipalArn has the ARN of the role where a session of it calls.
_PRINCIPAL = re.compile(r"arn:[^:\s]+:(iam|sts)::[0-9*?]*:(role|user|federated-user|root|\*)(?:(?<=root)|(?<=\*)|/\S+)")
_EXAMPLE = """\b
Examples:
  guardrails backstop policy --kind scp --output policies/
  guardrails backstop policy --kind iam --live blue \\
      --except 'arn:aws:iam::*:role/break-glass'
  guardrails backstop policy --kind scp --check policies/

\b
Exit codes:
  0  printed, written, or as it should be
  1  --check: the files differ from what is live now
  2  wrong usage, configuration or policy
  3  it is not known what is live
"""


def _effects(_context: click.Context, _parameter: click.Parameter, value: str | None) -> frozenset[str]:
    if value is None:
        return frozenset(statements.EFFECTS)
    named = [each.strip() for each in value.split(",")]
    for each in named:
        if each not in statements.EFFECTS:
            known = f"the effects are {', '.join(statements.EFFECTS)}"
            hint = suggestion(each, statements.EFFECTS, known)
            raise click.BadParameter(f"a policy cannot deny the effect {each!r}; {hint}")
    return frozenset(named)


def _clusters(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        if not each.strip() or each != each.strip() or _PATTERN.search(each):
            why = "give its whole name, without a wildcard, a variable or spaces around it"
            raise click.BadParameter(f"{each!r} is not the name of a cluster; {why}")
    return value


def _principals(_context: click.Context, _parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        if not _PRINCIPAL.fullmatch(each):
            why = "such as arn:aws:iam::*:role/break-glass; for a session give the ARN of its role"
            raise click.BadParameter(f"{each!r} is not the ARN of a principal; give an ARN or a pattern of one, {why}")
    return value


@click.command(epilog=_EXAMPLE)
@aws_options
@click.option("--kind", type=click.Choice(list(LIMITS)), required=True, help="What the documents are for.")
@click.option(
    "--live",
    "named",
    multiple=True,
    callback=_clusters,
    help="A live cluster; default: ask AWS. Makes no request then.",
)
@click.option("--effects", callback=_effects, help=f"What to deny; default: {','.join(statements.EFFECTS)}.")
@click.option(
    "--except",
    "allowed",
    multiple=True,
    callback=_principals,
    help="The ARN (or pattern) of a principal that is not held.",
)
@click.option("--agents/--no-agents", default=True, help="Also what only holds agents that AWS runs (its MCP servers).")
@click.option("--output", type=click.Path(file_okay=False), help="Write a file for each document into this folder.")
@click.option("--check", type=click.Path(file_okay=False), help="Compare with the files that --output wrote.")
def policy(
    config: str | None,
    profile: str | None,
    region: str | None,
    endpoint_url: str | None,
    fmt: str,
    kind: str,
    named: tuple[str, ...],
    effects: frozenset[str],
    allowed: tuple[str, ...],
    output: str | None,
    check: str | None,
    *,
    agents: bool,
) -> None:
    """Print policies that deny harm to the live clusters.

    By the cluster's tag on the resource, for every caller and every language. They name the clusters that are live now:
    make them again after a cutover (--check says when). What a switch needs, and what IAM cannot decide by a tag, is
    not denied; --format json lists it with the reasons.
    """
    live = _named(named) if named else _asked(config, profile, region, endpoint_url)
    reference, catalogue = actions.Reference(), Catalogue()
    harmful = actions.harmful(catalogue, reference, effects)
    ownership = Ownership.configured(load(config))
    made = statements.backstop(live, harmful, reference, ownership, allowed, agents=agents)
    _require_protection(live, made)
    documents, left = policies(made.statements, kind)
    not_covered = {**made.not_covered, **dict.fromkeys(left, _NO_ROOM)}
    if check is not None:
        _check(Path(check), documents)
    elif output is not None:
        _write(Path(output), documents)
    elif fmt == "pretty":
        click.echo(json.dumps([each.document for each in documents], indent=2))
    if fmt == "json":
        click.echo(json.dumps(_report(live, documents, not_covered, reference), indent=2))
    else:
        _summary(documents, not_covered, kind)


def _named(names: Sequence[str]) -> list[Owner]:
    return [Owner(name, name.partition("/")[0] if "/" in name else NAMED) for name in dict.fromkeys(names)]


def _asked(config: str | None, *options: str | None) -> list[Owner]:
    facts = Guard.from_config(config).live(make_client("ec2", *options))
    if blocked := not_possible(facts):
        click.echo(f"guardrails: no policy is made: {blocked}; or name the clusters with --live", err=True)
        sys.exit(3)
    kinds = {cluster.name: cluster.kind for cluster in facts.clusters}
    return [Owner(name, kinds.get(name, NAMED)) for name in facts.live.clusters]


def _require_protection(live: Sequence[Owner], made: statements.Backstop) -> None:
    if not live:
        raise ConfigError("nothing is live, so there is nothing to protect; name a cluster with --live")
    if all(f"cluster {owner.name}" in made.not_covered for owner in live):
        names = ", ".join(owner.name for owner in live)
        raise ConfigError(f"no tag names {names}, so a policy protects nothing there; give its resources a cluster tag")


def _report(
    live: Sequence[Owner], documents: Sequence[Policy], not_covered: Mapping[str, str], reference: actions.Reference
) -> dict[str, object]:
    return {
        "live": [owner.name for owner in live],
        "source": reference.source,
        "policies": [
            {"name": each.name, "characters": len(each.text), "document": each.document} for each in documents
        ],
        "not_covered": dict(sorted(not_covered.items())),
    }


def _summary(documents: Sequence[Policy], not_covered: Mapping[str, str], kind: str) -> None:
    sizes = ", ".join(f"{len(each.text):,}" for each in documents)
    click.echo(f"guardrails: {counted(len(documents), 'document')} of {sizes} characters without spaces", err=True)
    if where := room(kind, len(documents)):
        click.echo(f"guardrails: {where}", err=True)
    for why in dict.fromkeys(not_covered.values()):
        names = [name for name, each in not_covered.items() if each == why]
        shown = ", ".join(names[:3]) + (" …" if len(names) > 3 else "")
        click.echo(f"guardrails: not covered, {len(names)}: {why}: {shown}", err=True)


def _write(folder: Path, documents: Sequence[Policy]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("guardrails-backstop-*.json"):
            old.unlink()
        for each in documents:
            (folder / f"{each.name}.json").write_text(each.text + "\n")
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be written ({error.strerror}); give another folder") from error


def _check(folder: Path, documents: Sequence[Policy]) -> None:
    """Exits where the folder does not have exactly these documents."""
    try:
        there = {path.stem: path.read_bytes() for path in folder.glob("guardrails-backstop-*.json")}
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be read ({error.strerror})") from error
    if there != {each.name: f"{each.text}\n".encode() for each in documents}:
        click.echo(f"guardrails: {folder} differs from what is live now; write it again with --output", err=True)
        sys.exit(1)
