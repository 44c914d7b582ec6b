"""``guardrails rebuild``: get a cluster back."""

from __future__ import annotations

from typing import ClassVar

import click

from guardrails.cli.groups import LazyGroup
from guardrails.cli.options import config_option


class _Rebuild(LazyGroup):
    modules: ClassVar = {"plan": "rebuild_plan", "run": "rebuild_run", "snapshot": "rebuild_snapshot"}


@click.group(cls=_Rebuild)
@config_option
def rebuild(config: str | None) -> None:
    """Plan how to start a lost cluster again, and do it."""
