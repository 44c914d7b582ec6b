"""Clients of the guard's own, for what it does as itself and not as the caller."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ProfileNotFound

from guardrails.aws.in_time import end_in_time
from guardrails.aws.sessions import without_profile
from guardrails.aws.uninstrumented import hide

_CONNECT_S = 1.0


def own_client(service: str, region: str | None, profile: str | None, timeout_s: float, setting: str) -> Any:
    """A client that the guard does not judge and no tracer sees, whose requests end with the deadline under way.

    `region` and `profile` are botocore's own where they are None; `setting` is the configuration key that sets the
    deadline. Raises botocore's errors.
    """
    config = Config(
        connect_timeout=min(_CONNECT_S, timeout_s),
        read_timeout=timeout_s,
        retries={"mode": "standard", "total_max_attempts": 2},
        user_agent_extra="guardrails-own",
    )
    try:
        client = botocore.session.Session(profile=profile).create_client(service, region_name=region, config=config)
    except ProfileNotFound:
        if profile:
            raise
        # The profile in the environment is the script's business.
        client = without_profile().create_client(service, region_name=region, config=config)
    hide(client)
    end_in_time(client, setting)
    return client
