"""``guardrails policy``: what an author of policies does with them."""

from __future__ import annotations

from typing import ClassVar

import click

from guardrails.cli.lazy import LazyGroup


class _Policy(LazyGroup):
    modules: ClassVar = {
        "build": "policy_build",
        "check": "policy_check",
        "docs": "policy_docs",
        "eval": "policy_eval",
        "explain": "policy_explain",
        "mutate": "policy_mutate",
        "new": "policy_new",
        "promote": "policy_promote",
        "replay": "policy_replay",
        "snapshot": "policy_snapshot",
        "test": "policy_test",
    }


@click.group(cls=_Policy)
@click.option("--config", type=click.Path(), help="guardrails.toml to use instead of the one that is found.")
@click.pass_context
def policy(context: click.Context, config: str | None) -> None:
    """Work on policies."""
    context.obj = config
