"""``guardrails freeze``: no guard that shares this memory lets certain calls through, until it ends or is lifted."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Sequence
from typing import Any

import click

from guardrails import caller
from guardrails.classify.entry import EFFECTS
from guardrails.cli.options import Number, config_option, format_option
from guardrails.config.load import load
from guardrails.config.settings import IN_MEMORY, Settings
from guardrails.config.suggest import suggestion
from guardrails.errors import ConfigError
from guardrails.memory import StateUnavailable, Store, configured
from guardrails.notify import Sender, notices
from guardrails.values import Freeze

# To recover, machines have to be started.
_DEFAULT = tuple(sorted(EFFECTS - {"capacity"}))
_MOST_MINUTES = 30 * 24 * 60.0
_NOTICES_S = 10.0
_LONGEST = 500
_EXAMPLE = """\b
Examples:
  guardrails freeze --reason 'INC-42: ann is the only one to act' --minutes 60
  guardrails freeze --reason holidays --minutes 2880 --effects terminate,stop
  guardrails freeze --lift
"""


def _effects(_context: click.Context, _parameter: click.Parameter, value: str | None) -> tuple[str, ...]:
    if value is None:
        return _DEFAULT
    effects = [each.strip() for each in value.split(",") if each.strip()]
    for each in effects:
        if each not in EFFECTS:
            known = f"the effects are {', '.join(sorted(EFFECTS))}"
            raise click.BadParameter(f"there is no effect {each!r}; {suggestion(each, sorted(EFFECTS), known)}")
    if not effects:
        raise click.BadParameter("names no effect; leave it out for all but capacity")
    return tuple(dict.fromkeys(effects))


@click.command(epilog=_EXAMPLE)
@config_option
@click.option("--reason", help="Why, with the incident number.")
@click.option("--minutes", type=Number(), help="Minutes until it ends by itself.")
@click.option("--effects", callback=_effects, help="What to deny, separated by commas; default: all but capacity.")
@click.option("--lift", is_flag=True, help="End every freeze instead.")
@format_option
def freeze(
    config: str | None, reason: str | None, minutes: float | None, effects: tuple[str, ...], fmt: str, *, lift: bool
) -> None:
    """Deny calls on every guard that shares this memory.

    Every call that has one of the effects is denied (freeze/in-force), whatever it acts on, until the minutes are over
    or someone lifts it. Running programs notice it with their next call. Beside terminate, what replaces machines or
    scales in is denied, and with any freeze what runs commands, acts later or is not reviewed yet.
    """
    settings = _shared(load(config))
    store = configured.store(settings)
    try:
        if lift:
            _lift(settings, store, fmt)
        else:
            _freeze(settings, store, _checked(reason, minutes, effects), fmt)
    except StateUnavailable as error:
        raise ConfigError(str(error)) from error


def _checked(reason: str | None, minutes: float | None, effects: Sequence[str]) -> Freeze:
    if reason is None or not reason.strip():
        raise click.UsageError("--reason is missing; say why, with the incident number if there is one")
    if len(reason) > _LONGEST:
        raise click.UsageError(f"--reason is too long: at most {_LONGEST:,} characters are shown with every denial")
    if minutes is None or not 0 < minutes <= _MOST_MINUTES:
        raise click.UsageError(f"--minutes must be a number above 0, and at most {_MOST_MINUTES:,.0f} (30 days)")
    now = time.time()
    who = caller.claimant()
    return Freeze(
        str(uuid.uuid4())[:8], tuple(effects), " ".join(reason.split()), who["by"], who["host"], now, now + minutes * 60
    )


def _freeze(settings: Settings, store: Store, wanted: Freeze, fmt: str) -> None:
    made = store.freeze(wanted)
    _tell(settings, made.sentence(), [made], {"freeze": made.document()}, fmt)


def _lift(settings: Settings, store: Store, fmt: str) -> None:
    lifted = store.lift(time.time())
    documents = {"lifted": [each.document() for each in lifted]}
    if not lifted:
        click.echo(json.dumps(documents, indent=2) if fmt == "json" else "nothing is frozen")
        return
    who = caller.claimant()
    reasons = "; ".join(each.reason for each in lifted)
    _tell(settings, f"freeze lifted by {who['by']} on {who['host']}. It was for: {reasons}", lifted, documents, fmt)


def _tell(settings: Settings, sentence: str, freezes: Sequence[Freeze], document: dict[str, Any], fmt: str) -> None:
    click.echo(json.dumps(document, indent=2) if fmt == "json" else sentence)
    sender = Sender(settings)
    sender.send(notices.of_freeze(sentence, freezes, caller.describe(None), time.time()))
    sender.flush(_NOTICES_S)


def _shared(settings: Settings) -> Settings:
    """The settings, if other guards can see what this command writes. Raises ConfigError."""
    if not settings.state.enabled:
        raise ConfigError(
            f"{settings.at('state.enabled')}: state.enabled is false, so guards share no memory; remove it"
        )
    if settings.state.store == "sqlite" and configured.state_file(settings) == IN_MEMORY:
        raise ConfigError(
            f"{settings.at('state.path')}: the memory is in each process alone (state.path), so none would notice; set "
            "state.path to a file, or state.store to a table"
        )
    return settings
