"""The boto3 clients of guardrails' own commands."""

from __future__ import annotations

from typing import Any

import boto3
import botocore.exceptions
from boto3.session import Session

from guardrails.errors import ConfigError
from guardrails.values import Origin


def make_client(
    service: str, profile: str | None, region: str | None, endpoint_url: str | None, config: Any = None
) -> Any:
    """A boto3 client. Raises ConfigError where boto3 cannot make one, with its reason."""
    try:
        session: Session = boto3.Session(profile_name=profile, region_name=region)
        if service not in session.get_available_services():
            raise ConfigError(f"boto3 has no service {service}; use boto3's name, such as ec2 or autoscaling")
        return session.client(service, endpoint_url=endpoint_url, config=config)  # type: ignore[call-overload]
    except botocore.exceptions.NoRegionError as error:
        raise ConfigError(
            f"cannot make a client for {service}: no region is set; give one with --region, in AWS_DEFAULT_REGION, "
            "or by a profile that has one (--profile)"
        ) from error
    except botocore.exceptions.ProfileNotFound as error:
        raise ConfigError(f"cannot make a client for {service}: {str(error).rstrip('.')}; see --profile") from error
    except botocore.exceptions.BotoCoreError as error:
        reason = str(error).rstrip(".")
        raise ConfigError(
            f"cannot make a client for {service}: {reason}; check --profile, --region and --endpoint-url"
        ) from error
    except ValueError as error:
        raise ConfigError(f"cannot make a client for {service}: {error}") from error


def origin_of(client: Any) -> Origin:
    """Where look-ups with the credentials of an EC2 client go."""
    credentials = client._request_signer._credentials
    return Origin(credentials, client.meta.region_name, "ec2", client.meta.endpoint_url)
