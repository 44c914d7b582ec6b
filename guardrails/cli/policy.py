"""``guardrails policy``: the commands for policy authors."""

from __future__ import annotations

from typing import ClassVar

import click

from guardrails.cli.groups import LazyGroup
from guardrails.cli.options import config_option


class _Policy(LazyGroup):
    modules: ClassVar = {
        "build": "policy_build",
        "check": "policy_check",
        "compare": "policy_compare",
        "docs": "policy_docs",
        "eval": "policy_eval",
        "explain": "policy_explain",
        "mutate": "policy_mutate",
        "new": "policy_new",
        "promote": "policy_promote",
        "replay": "policy_replay",
        "snapshot": "policy_snapshot",
        "sources": "policy_sources",
        "test": "policy_test",
    }


@click.group(cls=_Policy)
@config_option
def policy(config: str | None) -> None:
    """Check, test, try out and build policies."""
