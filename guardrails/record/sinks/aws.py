"""The guard's own clients for the sinks in AWS, and what their errors mean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, ProfileNotFound

from guardrails.aws import own_clients
from guardrails.aws.in_time import OutOfTime
from guardrails.config.settings import LogSettings
from guardrails.record.sinks.sink import SinkFailure
from guardrails.waiting.deadline import Deadline, within

_CONNECT_S = 3.0
TIMEOUT_S = 20.0
_MISSING = frozenset(("NoSuchBucket", "404", "NotFound", "ResourceNotFoundException"))
_DENIED = frozenset(("AccessDenied", "AccessDeniedException", "403", "AllAccessDisabled"))


def own_client(service: str, settings: LogSettings) -> Any:
    """A client that no tracer sees. Raises what botocore raises."""
    config = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": 2},
        user_agent_extra="guardrails-log",
    )
    return own_clients.own_client(service, settings.region, settings.profile, config, f"{TIMEOUT_S:g} s for a batch")


@contextmanager
def in_time(where: str, permission: str) -> Iterator[None]:
    """Requests inside end in time; what botocore raises becomes a SinkFailure about `where`."""
    try:
        with within(Deadline(TIMEOUT_S)):
            yield
    except (BotoCoreError, ClientError, OutOfTime, OSError, ValueError) as error:
        raise SinkFailure(f"{where}: {_sentence(error, permission)}") from error


def code_of(error: ClientError) -> str:
    """AWS's name of the error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _sentence(error: BaseException, permission: str) -> str:
    match error:
        case ProfileNotFound():
            return f"{str(error).rstrip('.')}; correct log.profile"
        case NoRegionError():
            return "no region is set; set log.region"
        case NoCredentialsError():
            return "this host has no AWS credentials; give it some, or name a profile in log.profile"
        case ClientError() if code_of(error) in _DENIED:
            return f"{code_of(error)}: {permission} is not permitted; allow it to this host"
        case ClientError() if code_of(error) in _MISSING:
            return f"{code_of(error)}: it does not exist; create it, or correct its name or log.region"
        case ClientError():
            return f"{str(error).rstrip('.')}; correct that, or log.sink"
        case _:
            return f"{str(error).rstrip('.') or type(error).__name__}; make it reachable"
