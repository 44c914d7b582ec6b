"""``guardrails cutover``: users go from one cluster to another, step by step, with a way back from every step."""

from __future__ import annotations

from typing import Any, ClassVar

import click

from guardrails.cli.groups import LazyGroup
from guardrails.cli.options import config_option
from guardrails.errors import ConfigError
from guardrails.memory import StateUnavailable

_EXIT_CODES = """\b
Exit codes:
  0  done; for status: none is under way
  1  it went back, or a check failed; for status: one is under way
  2  refused: wrong usage or configuration, not confirmed, another one is
     under way, or the shared memory does not answer
  3  blocked by a rule, or not everything could be brought back
"""


class _Cutover(LazyGroup):
    modules: ClassVar = {
        "plan": "cutover_start",
        "start": "cutover_start",
        "status": "cutover_end",
        "finish": "cutover_end",
        "abort": "cutover_end",
    }

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StateUnavailable as error:
            raise ConfigError(str(error)) from error


@click.group(cls=_Cutover, epilog=_EXIT_CODES)
@config_option
def cutover(config: str | None) -> None:
    """Move users from one cluster to another.

    By Elastic IPs, weights of listeners and rules, or DNS records: what makes the old cluster live says which. After
    each step the new cluster must be healthy for a while; else, and after Ctrl-C, everything goes back as it was.
    """
