"""``guardrails policy promote``: show the record of a rule in dryrun, then enforce it."""

from __future__ import annotations

import json
import sys
from collections import Counter

import attrs
import click
from rich.console import Console
from rich.text import Text

from guardrails import assembly
from guardrails.cli import compare_result
from guardrails.cli.options import config_option, format_option
from guardrails.cli.output_file import writing
from guardrails.cli.question import says_yes
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.config.suggest import suggestion
from guardrails.errors import ConfigError
from guardrails.evaluate.bundle import Bundle, rule_ids
from guardrails.policy.compare.result import Comparison
from guardrails.policy.compare.run import Comparing
from guardrails.policy.compare.verdicts import PolicySet
from guardrails.policy.promote.dryrun_record import DryrunRecord, record_of
from guardrails.policy.promote.edit_config import find_setting, write_level
from guardrails.record import entries

_SHOWN = 5
# Someone waits for the answer.
_NEIGHBORS = 2_000
_SKIP = "Use --yes to skip the question"


@click.command()
@config_option
@click.argument("rule")
@click.option("--to", "level", type=click.Choice(["own", "warn", "deny"]), default="own", show_default=True,
              help="The rule's new level; own: the one in its policy.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--compare", "ask", is_flag=True,
              help="Look for calls that it would allow, as `policy compare` does.")  # fmt: skip
@click.option("--wider", "may_be_wider", is_flag=True, help="Go on with --yes where there are such calls.")
@format_option
def promote(config: str | None, rule: str, level: str, *, yes: bool, ask: bool, may_be_wider: bool, fmt: str) -> None:
    """Show what a dryrun rule would have done, then enforce it.

    The rule is removed from `enforcement` (--to own: its own level applies) or gets another level there. Without
    --yes, someone at a terminal must confirm first. With --compare, --yes needs --wider where another rule would stop
    less then. --format json changes nothing.
    """
    settings = load(config)
    before = assembly.policies(settings)
    known = rule_ids(before)
    if rule not in known:
        raise ConfigError(
            f"there is no rule {rule!r}; {suggestion(rule, known, '`guardrails policy docs` lists them')}"
        )
    if settings.enforcement.get(rule) != "dryrun":
        raise ConfigError(f'{settings.at("enforcement")}: {rule} is not in dryrun; set "{rule}" = "dryrun" there first')
    setting = find_setting(settings, rule)
    record = record_of(rule, entries.read(settings.log.path, settings.log.keep))
    comparison = _compared(settings, before, rule, level) if ask else None
    if fmt == "json":
        compared = {"compare": comparison.document()} if comparison is not None else {}
        click.echo(json.dumps({**_as_json(record), **compared}, indent=2))
        return
    _show(console(), record, settings)
    if comparison is not None:
        compare_result.show(console(), comparison)
        if comparison.is_wider and yes and not may_be_wider:
            click.echo("Nothing was changed; --wider promotes the rule anyway.")
            sys.exit(1)
    if not yes and not says_yes(f"Enforce {rule} ({setting.where})? [y/N] ", _SKIP):
        click.echo("Nothing was changed.")
        sys.exit(1)
    with writing(setting.file, "fix that, or edit the file by hand"):
        line = write_level(setting, None if level == "own" else level)
    click.echo(f"{setting.file}: {line or f'{rule} is removed from `enforcement`; its own level applies now'}")


def _compared(settings: Settings, before: Bundle, rule: str, level: str) -> Comparison:
    """Whether the policies allow anything more once the rule has its new level."""
    levels = {name: old for name, old in settings.enforcement.items() if name != rule}
    after = assembly.policies(attrs.evolve(settings, enforcement=levels if level == "own" else {**levels, rule: level}))
    sets = (PolicySet(name, policies, settings.mode) for name, policies in (("before", before), ("after", after)))
    return Comparing(*sets, neighbors=_NEIGHBORS).run()


def _as_json(record: DryrunRecord) -> dict[str, object]:
    fields = attrs.asdict(record, filter=lambda attribute, _: not attribute.name.startswith("_"))
    return {**fields, "targets": sorted(record.targets), "unknown": record.unknown}


def _show(out: Console, record: DryrunRecord, settings: Settings) -> None:
    if not record.hits:
        out.print(Text(f"{record.rule} was never hit in {settings.log.path}.", style="bold"))
        return
    title = f"{record.rule} would have acted on {record.hits} of the last {_count(record.decisions, 'decision')},"
    out.print(Text(title, style="bold"))
    people = "1 person" if len(record.people) == 1 else f"{len(record.people)} people"
    out.print(f"on {_count(len(record.targets), 'target')}, by {_count(len(record.programs), 'program')} and {people}.")
    out.print(Text(f"  time     {record.first} to {record.last}"))
    for title, counts in (("call", record.calls), ("program", record.programs), ("person", record.people)):
        out.print(Text(f"  {title:<8} {_most(counts)}"))
    out.print(
        f"{record.fine} turned out harmless (clusters still live, no fewer machines), {record.harmed} harmful, "
        f"{record.unknown} unknown; {record.blocked} stopped by another rule."
    )
    if record.fine:
        out.print(Text("Enforced, the rule would have stopped the harmless calls too.", style="yellow"))


def _count(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def _most(counts: Counter[str]) -> str:
    more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common(_SHOWN)) + more
