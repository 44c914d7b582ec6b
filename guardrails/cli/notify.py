"""``guardrails notify``: where notices go."""

from __future__ import annotations

import json
import sys
import time

import click

from guardrails import caller
from guardrails.cli.groups import SuggestingGroup
from guardrails.cli.options import config_option, format_option
from guardrails.config.load import load
from guardrails.errors import ConfigError
from guardrails.notify import notices, targets
from guardrails.notify.outbox import NotDelivered
from guardrails.notify.sender import troubles_file
from guardrails.notify.troubles import Troubles


@click.group(cls=SuggestingGroup)
@config_option
def notify(config: str | None) -> None:
    """Try the places that get notices."""


@notify.command()
@config_option
@format_option
def test(config: str | None, fmt: str) -> None:
    """Send a test notice to every place that [[notify]] names.

    Exit code 1 if one of them did not take it.
    """
    settings = load(config)
    if not settings.notify:
        raise ConfigError(
            f"{settings.at('notify')}: no place for notices is configured; add a table [[notify]] "
            "(`guardrails docs running` has examples)"
        )
    notice = notices.of_test(caller.describe(None), time.time())
    troubles, found = Troubles(troubles_file(settings)), []
    for place in settings.notify:
        name, why = targets.name(place), ""
        try:
            targets.deliverer(place)(notice)
        except NotDelivered as error:
            why = str(error)
        else:
            troubles.arrived(name)
        found.append({"to": name, "on": list(place.on), "arrived": not why, "why": why})
        if fmt == "pretty":
            click.echo(f"{name}: {why or 'it took the notice'}")
    if fmt == "json":
        click.echo(json.dumps(found, indent=2))
    sys.exit(0 if all(each["arrived"] for each in found) else 1)
