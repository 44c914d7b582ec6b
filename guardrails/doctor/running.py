"""The examination, in the order in which it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from guardrails import process
from guardrails.config.load import load
from guardrails.doctor import cloud, configuration, environment, memory, pipeline, policies, ways_round
from guardrails.doctor.report import Finding
from guardrails.errors import ConfigError, GuardrailsError
from guardrails.guard import Guard


def examine(config: str | None, now: float, client: Callable[[str], Any]) -> Iterator[Finding]:
    """Every finding; nothing that is broken ends it.

    `now` is seconds since the epoch. `client` makes an EC2 client of the account in question and of a region, "" for
    the one in question, or raises ConfigError. Where no guard is installed in this process, one is for as long as this
    takes.
    """
    yield from environment.examine()
    try:
        guard = process.current()
        settings = guard.settings if guard is not None else load(config)
    except ConfigError as error:
        yield Finding("configuration", "ill", str(error))
        yield from ways_round.examine()
        return
    yield from configuration.examine(settings)
    yield from policies.examine(settings, now)
    yield from memory.examine(settings)
    try:
        working = guard or Guard.from_config(settings)
        if guard is None:
            working.install()
    except GuardrailsError as error:
        yield Finding("guard", "ill", f"it cannot be installed: {error}")
    else:
        try:
            yield from pipeline.examine(working)
            yield from _cloud(working, client)
        finally:
            if guard is None:
                working.uninstall()
    yield from ways_round.examine()


def _cloud(guard: Guard, client: Callable[[str], Any]) -> Iterator[Finding]:
    home = guard.settings.home_region
    try:
        made = client("")
        at_home = client(home) if home and home != made.meta.region_name else None
    except ConfigError as error:
        yield Finding("live cluster", "ill", f"AWS was not asked: {error}")
        return
    yield from cloud.examine(guard, made, at_home)
