"""The clients of the shared memory: with its own profile, unseen by the guard and tracers, ended by its deadline."""

from __future__ import annotations

from typing import Any

from botocore.config import Config

from guardrails.aws.own_clients import own_client

_CONNECT_S = 1.0


def create(service: str, profile: str | None, region: str | None, timeout_s: float) -> Any:
    """A client. Raises ProfileNotFound where the configuration names such a profile, or botocore's other errors."""
    config = Config(
        connect_timeout=min(_CONNECT_S, timeout_s),
        read_timeout=timeout_s,
        # Its pauses would outlast the deadline.
        retries={"total_max_attempts": 1},
        max_pool_connections=32,
        user_agent_extra="guardrails-state",
    )
    return own_client(service, region, profile, config, "state.timeout_s")
