"""The checks that a command takes by name: ``target-group:ARN``, ``alarm:NAME`` and ``command:PROGRAM``."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any

from guardrails.health.alarm import alarm
from guardrails.health.check import Check
from guardrails.health.command import command
from guardrails.health.target_group import target_group


def checks(names: Sequence[str], clients: Callable[[str], Any]) -> list[Check]:
    """The checks of these names; `clients` makes the client of a service. Raises ValueError for what is not one."""
    return [_check(name, clients) for name in names]


def _check(name: str, clients: Callable[[str], Any]) -> Check:
    kind, _, value = name.partition(":")
    match kind:
        case "target-group" if value:
            return target_group(value, client=clients("elbv2"))
        case "alarm" if value:
            return alarm(value, client=clients("cloudwatch"))
        case "command" if value:
            return command(shlex.split(value))
        case _:
            raise ValueError(f"{name!r} is not a health check: write target-group:ARN, alarm:NAME or command:PROGRAM")
