"""Clients of the guard's own, for what it does as itself and not as the caller."""

from __future__ import annotations

from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ProfileNotFound

from guardrails.aws.in_time import end_in_time
from guardrails.aws.sessions import without_profile
from guardrails.aws.uninstrumented import hide


def own_client(service: str, region: str | None, profile: str | None, config: Config, ends: str) -> Any:
    """A client that the guard does not judge and no tracer sees, whose requests end with the deadline under way.

    `region` and `profile` are botocore's own where they are None; `ends` names what sets the deadline, for people: a
    key of the configuration. Raises botocore's errors, ProfileNotFound only where `profile` names one.
    """
    try:
        client = botocore.session.Session(profile=profile).create_client(service, region_name=region, config=config)
    except ProfileNotFound:
        if profile:
            raise
        # The profile in the environment is the script's business.
        client = without_profile().create_client(service, region_name=region, config=config)
    hide(client)
    end_in_time(client, ends)
    return client
