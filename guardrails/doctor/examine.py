"""All checks of the doctor, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from guardrails import process
from guardrails.config.load import load
from guardrails.doctor import (
    approvals,
    bypasses,
    cloud,
    configuration,
    environment,
    fit,
    log_sink,
    memory,
    notices,
    own_lookups,
    pipeline,
    policies,
    workers,
)
from guardrails.doctor.finding import Finding
from guardrails.errors import ConfigError, GuardrailsError
from guardrails.guard import Guard


def examine(config: str | None, now: float, client: Callable[[str], Any]) -> Iterator[Finding]:
    """Every finding. Something broken is a finding, never an exception.

    `now` is in seconds since the epoch. `client` makes an EC2 client for a region of the account to check ("" is the
    region to check), or raises ConfigError. If no guard is installed in this process, one is installed meanwhile.
    """
    yield from environment.examine()
    try:
        guard = process.current()
        settings = guard.settings if guard is not None else load(config)
    except ConfigError as error:
        yield Finding("configuration", "problem", str(error))
        yield from _unseen()
        return
    yield from configuration.examine(settings)
    yield from policies.examine(settings, now)
    yield from memory.examine(settings)
    yield from approvals.examine(settings)
    yield from notices.examine(settings)
    yield from log_sink.examine(settings.log)
    yield own_lookups.examine(settings, guard)
    try:
        working = guard or Guard.from_config(settings)
        if guard is None:
            working.install()
    except GuardrailsError as error:
        yield Finding("guard", "problem", f"it cannot be installed: {error}")
    else:
        try:
            yield from pipeline.examine(working)
            yield from _cloud(working, client)
        finally:
            if guard is None:
                working.uninstall()
    yield from _unseen()


def _unseen() -> Iterator[Finding]:
    yield from bypasses.examine()
    yield from workers.examine()


def _cloud(guard: Guard, client: Callable[[str], Any]) -> Iterator[Finding]:
    home = guard.settings.home_region
    try:
        ec2 = client("")
        at_home = client(home) if home and home != ec2.meta.region_name else None
    except ConfigError as error:
        yield Finding("live cluster", "problem", f"AWS was not asked: {error}")
        return
    yield from cloud.examine(guard, ec2, at_home)
    yield from fit.examine(ec2, guard.settings)
