"""The clients of the shared memory: with its own profile, unseen by the guard and tracers, ended by its deadline."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ProfileNotFound

from guardrails.aws.in_time import end_in_time
from guardrails.aws.sessions import without_profile
from guardrails.aws.uninstrumented import hide

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
    try:
        session = botocore.session.Session(profile=profile)
        client = session.create_client(service, region_name=region, config=config)
    except ProfileNotFound:
        if profile:
            raise
        client = without_profile().create_client(service, region_name=region, config=config)
    hide(client)
    end_in_time(client, "state.timeout_s")
    return client
