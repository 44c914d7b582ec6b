"""``guardrails state``: the memory that guards share."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import attrs
import click

from guardrails.cli.groups import SuggestingGroup
from guardrails.cli.options import config_option, format_option
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.memory import StateUnavailable, configured
from guardrails.memory.dynamodb.administration import create, policy
from guardrails.memory.under_way import UnderWay
from guardrails.show.sentences import counted

_STATES = {0: "being decided", 1: "sent", 2: "in doubt"}
_DOES = {"terminate": "terminates", "stop": "stops", "start": "starts", "launch": "launches",
         "take": "takes out of service"}  # fmt: skip


@click.group(cls=SuggestingGroup)
@config_option
def state(config: str | None) -> None:
    """Create and show the memory that guards share."""


@state.command()
@config_option
@click.option(
    "--policy",
    "policy_only",
    is_flag=True,
    help="Only print the IAM policy of guards and approvers.",
)
def init(config: str | None, *, policy_only: bool) -> None:
    """Create the shared table, and print its IAM policy.

    It is the DynamoDB table that [state] names. It has on-demand capacity, deletion protection, expiry of old items and
    point-in-time recovery. One that is there already is completed. This needs permissions that no guard has.
    """
    settings = _fleet(load(config))
    place = configured.table(settings)
    if not policy_only:
        try:
            for done in create(place):
                click.echo(f"guardrails: {done}", err=True)
        except StateUnavailable as error:
            raise ConfigError(str(error)) from error
    click.echo(policy(place))


@state.command()
@config_option
@format_option
def show(config: str | None, fmt: str) -> None:
    """Show which calls are under way, on which host and by whom.

    So is what is frozen and, where hosts share a table, the rules that are set aside by break glass.

    These are calls that are being decided on, and those of which AWS may not show yet what they did. Exit code 1 if the
    memory cannot be read.
    """
    now = time.time()
    try:
        settings = load(config)
        store = configured.store(settings)
        calls, frozen = store.under_way(now), store.freezes(now)
        broken = configured.glasses(settings).broken(now) if settings.state.store == "dynamodb" else []
    except StateUnavailable as error:
        click.echo(f"guardrails: {error}", err=True)
        sys.exit(1)
    if fmt == "json":
        freezes = [freeze.document() for freeze in frozen]
        document = {"calls": [_document(call) for call in calls], "break_glass": broken, "freezes": freezes}
        click.echo(json.dumps(document, indent=2))
        return
    for call in calls:
        click.echo(_line(call, now))
    for glass in broken:
        click.echo(
            f"break glass: {', '.join(glass['rules'])} set aside until {glass['until']}, {glass['by']}, on "
            f"{glass['host']}: {glass['reason']}"
        )
    for freeze in frozen:
        click.echo(freeze.sentence())
    if not calls and not broken and not frozen:
        click.echo("guardrails: nothing is under way", err=True)


def _fleet(settings: Settings) -> Settings:
    if settings.state.store != "dynamodb":
        raise ConfigError(
            f"{settings.at('state.store')}: the memory is a file, which needs no preparation; for a table, set store = "
            '"dynamodb" under [state]'
        )
    return settings


def _document(call: UnderWay) -> dict[str, Any]:
    return {**attrs.asdict(call), "state": _STATES[call.state]}


def _line(call: UnderWay, now: float) -> str:
    machines = counted(call.count, "machine")
    names = f" ({', '.join(call.names[:5])}{', …' if call.count > 5 else ''})" if call.names else ""
    who = ", ".join(part for part in (call.by, f"on {call.host}" if call.host else "") if part)
    return (
        f"{call.scope}  {_DOES.get(call.kind, call.kind)} {machines} of {call.cluster or 'no cluster'}{names}, "
        f"{_STATES[call.state]} {max(0, now - call.at):.0f} s ago, {who}"
    )
