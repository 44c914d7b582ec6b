"""The health checks that a configuration names for waves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guardrails.config.settings import Settings
from guardrails.health import Check, alarm, all_of, command, target_group


def configured_checks(settings: Settings, *others: Callable[[], Any]) -> Check | None:
    """One check of all in `wave_checks`, the `wave_command`, and these others; None where there is none."""
    checks: list[Callable[[], Any]] = [*others]
    checks += [alarm(arn) if ":alarm:" in arn else target_group(arn) for arn in settings.wave_checks]
    if settings.wave_command:
        checks.append(command(settings.wave_command))
    return all_of(*checks) if checks else None
