"""Groups of commands that import a command only when it is used, and that suggest a name after a typo."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click

from guardrails.config.suggest import suggestion


class SuggestingGroup(click.Group):
    """Answers an unknown command with the names that are close to it."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click's, which suggests commands only since 8.4 and not for commands that are imported later."""
        name = args[0]
        if name.startswith("-") or self.get_command(ctx, name) is not None:
            return super().resolve_command(ctx, args)
        names = self.list_commands(ctx)
        known = f"the commands are {', '.join(names)}" if len(names) > 1 else f"the only command is {names[0]}"
        hint = suggestion(name, names, known)
        raise click.UsageError(f"No such command {name!r}; {hint}", ctx)


class LazyGroup(SuggestingGroup):
    """`modules` maps each command to its module in guardrails.cli, so that `guardrails run` starts quickly."""

    modules: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (the group's signature)
        """The names, sorted."""
        return sorted(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module."""
        if cmd_name not in self.modules:
            return None
        module = import_module(f"guardrails.cli.{self.modules[cmd_name]}")
        name = cmd_name.replace("-", "_")
        # A command named like a Python builtin has an underscore after its function's name.
        command: click.Command = getattr(module, f"{name}_", None) or getattr(module, name)
        return command
