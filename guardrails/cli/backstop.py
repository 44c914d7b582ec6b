"""``guardrails backstop``: AWS's own protection, in step with which cluster is live."""

from __future__ import annotations

from typing import ClassVar

import click

from guardrails.cli.groups import LazyGroup
from guardrails.cli.options import config_option


class _Commands(LazyGroup):
    modules: ClassVar = {
        "plan": "backstop_plan",
        "apply": "backstop_plan",
        "drift": "backstop_plan",
        "policy": "backstop_policy",
    }


@click.group(cls=_Commands)
@config_option
def backstop(config: str | None) -> None:
    """Keep AWS's own protection in step with what is live.

    It stops what this guard cannot see: the console, and programs in other languages.
    """
