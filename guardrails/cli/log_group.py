"""The group of ``guardrails log``: what follows may be a command, or logs to read."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import click

from guardrails.cli.groups import LazyGroup


class LogGroup(LazyGroup):
    """Takes arguments that are no commands for the option --log, if they look like a path, a pattern or an address."""

    modules: ClassVar = {"reconcile": "log_reconcile", "upload": "log_upload"}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click's."""
        _, rest, _ = self.make_parser(ctx).parse_args(list(args))
        if not rest or self.get_command(ctx, rest[0]) is not None or not _names_logs(rest[0]):
            return super().parse_args(ctx, args)
        ctx.allow_interspersed_args = True
        click.Command.parse_args(self, ctx, args)
        ctx.params["logs"] = (*ctx.params["logs"], *ctx.args)
        ctx.args = []
        return []


def _names_logs(argument: str) -> bool:
    return any(sign in argument for sign in "/*?.") or Path(argument).exists()
