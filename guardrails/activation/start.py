"""What runs when Python starts, where an exception would be printed and then ignored."""

from __future__ import annotations

import sys

from .hook import arm, end


def from_environment() -> None:
    """For processes that `guardrails run` starts, and for theirs."""
    _arm(f"`guardrails run` started it; is botocore-guardrails installed for {sys.executable}?")


def from_activation() -> None:
    """For every Python of an activated environment."""
    _arm(f"`guardrails activate` was run in {sys.prefix}; `guardrails deactivate` undoes it")


def _arm(by: str) -> None:
    try:
        arm(by)
    except BaseException as error:  # whatever it is, the process must not carry on unguarded
        end(f"this process must be guarded ({by}) and cannot be: {type(error).__name__}: {error}")
