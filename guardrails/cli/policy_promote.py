"""``guardrails policy promote``: the record of a rule in dryrun, and then the step to enforcing it."""

from __future__ import annotations

import json
import sys
from collections import Counter

import attrs
import click
from rich.console import Console
from rich.text import Text

from guardrails import assembly
from guardrails.cli.options import config_option, format_option
from guardrails.cli.output_file import writing
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.config.suggest import suggestion
from guardrails.enforce.ctrl_c import interruptible
from guardrails.errors import ConfigError
from guardrails.evaluate.bundle import rule_ids
from guardrails.policy.promote.dryrun_record import Record, record_of
from guardrails.policy.promote.edit_config import Place, place_of, set_word
from guardrails.record import entries

_SHOWN = 5
# A record is to be read before it is answered.
_PATIENCE_S = 600


@click.command()
@config_option
@click.argument("rule")
@click.option("--to", "word", type=click.Choice(["own", "warn", "deny"]), default="own", show_default=True,
              help="What the rule shall do; own: what it says itself.")  # fmt: skip
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@format_option
def promote(config: str | None, rule: str, word: str, yes: bool, fmt: str) -> None:
    """Show what a dryrun rule would have done, then enforce it.

    The line of the rule under [enforcement] is taken away (--to own: the rule does what it says itself) or gets
    another word. Without --yes a person at a terminal is asked first; --format json changes nothing.
    """
    settings = load(config)
    known = rule_ids(assembly.policies(settings))
    if rule not in known:
        raise ConfigError(
            f"there is no rule {rule!r}; {suggestion(rule, known, '`guardrails policy docs` lists them')}"
        )
    if settings.enforcement.get(rule) != "dryrun":
        raise ConfigError(f'{settings.at("enforcement")}: {rule} is not in dryrun; set "{rule}" = "dryrun" there first')
    place = place_of(settings, rule)
    record = record_of(rule, entries.read(settings.log.path, settings.log.keep))
    if fmt == "json":
        click.echo(json.dumps(_document(record), indent=2))
        return
    _show(console(), record, settings)
    if not yes and not _agreed(place):
        click.echo("Nothing is changed.")
        sys.exit(1)
    with writing(place.file, "mend that, or edit it by hand"):
        new = set_word(place, None if word == "own" else word)
    click.echo(f"{place.file}: {new or f'the line of {rule} is gone, so the rule does what it says itself'}")


def _agreed(place: Place) -> bool:
    # Not click's: a Ctrl-C just before Python's input() waits is noticed there only at the next key.
    from guardrails.enforce.confirm import terminal, who_can_answer  # noqa: PLC0415  (where there is no terminal there is no termios)

    try:
        who_can_answer.check(None)
        with interruptible():
            typed = terminal.asked(f"Enforce {place.rule} ({place})? [y/N] ", _PATIENCE_S)
    except who_can_answer.NoOneThere as error:
        click.echo(f"No one can be asked here: {error.why}; --yes enforces it anyway.")
        return False
    except (KeyboardInterrupt, OSError):
        return False
    if typed is None:
        click.echo(f"Nothing was typed within {_PATIENCE_S} s.")
        return False
    return typed.strip().lower() in ("y", "yes")


def _document(record: Record) -> dict[str, object]:
    told = attrs.asdict(record, filter=lambda attribute, _: not attribute.name.startswith("_"))
    return {**told, "targets": sorted(record.targets), "unknown": record.unknown}


def _show(out: Console, record: Record, settings: Settings) -> None:
    if not record.hits:
        out.print(Text(f"{record.rule} was never hit in {settings.log.path}.", style="bold"))
        return
    out.print(Text(f"{record.rule} would have acted on {record.hits} calls", style="bold"), end="")
    out.print(f" between {record.first} and {record.last} ({record.decisions} decisions),")
    out.print(f"on {len(record.targets)} targets, by {len(record.programs)} programs and {len(record.people)} people.")
    for title, counts in (("call", record.calls), ("program", record.programs), ("person", record.people)):
        out.print(Text(f"  {title:<8} {_most(counts)}"))
    out.print(
        f"{record.fine} of these calls proved fine later (live as before, no fewer machines), {record.harmed} did not, "
        f"of {record.unknown} nothing is known; {record.blocked} were stopped by another rule."
    )
    if record.fine:
        out.print(Text("Enforced, the rule would have stopped those that proved fine.", style="yellow"))


def _most(counts: Counter[str]) -> str:
    more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common(_SHOWN)) + more
