"""A group whose commands are imported when they are asked for: `guardrails run` should start quickly."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click


class LazyGroup(click.Group):
    """`modules`: for each command the module of guardrails.cli that holds it, under the command's name."""

    modules: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  (the group's signature)
        return sorted(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self.modules:
            return None
        module = import_module(f"guardrails.cli.{self.modules[cmd_name]}")
        name = cmd_name.replace("-", "_")
        # A name that Python has for itself carries an underscore.
        found: click.Command = getattr(module, f"{name}_", None) or getattr(module, name)
        return found
