"""The client through which a person asks the guard something."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.exceptions
from boto3.session import Session

from guardrails.errors import ConfigError


def make_client(service: str, profile: str | None, region: str | None, endpoint_url: str | None) -> Any:
    """A boto3 client; what boto3 cannot make is a ConfigError with its reason."""
    try:
        session: Session = boto3.Session(profile_name=profile, region_name=region)
        if service not in session.get_available_services():
            raise ConfigError(f"{service}: no such AWS service; use boto3's name, such as ec2 or autoscaling")
        return session.client(service, endpoint_url=endpoint_url)  # type: ignore[call-overload]
    except botocore.exceptions.BotoCoreError as error:
        said = str(error).rstrip(".")
        raise ConfigError(
            f"no client for {service}: {said}; name a region and a profile, as boto3 wants them"
        ) from error
    except ValueError as error:
        raise ConfigError(f"no client for {service}: {error}") from error
