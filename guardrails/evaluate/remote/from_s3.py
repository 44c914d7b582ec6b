"""A bundle from S3, with a conditional GET by the guard's own client, whose requests are neither judged nor traced."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)

from guardrails.aws.in_time import OutOfTime
from guardrails.aws.own_clients import own_client
from guardrails.config.policy_settings import BundleSettings
from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate.bundle_file import LARGEST
from guardrails.evaluate.remote.kept import Fetched

_PIECE = 65_536
_ADVICE = {
    "NoSuchBucket": "the bucket does not exist; correct `policies`, or bundle.region and bundle.profile",
    "NoSuchKey": "the bucket has no such key; correct `policies`, or publish the bundle",
    "PermanentRedirect": "the bucket is in another region; set bundle.region",
    "AuthorizationHeaderMalformed": "the bucket is in another region; set bundle.region",
    "IllegalLocationConstraintException": "the bucket is in another region; set bundle.region",
}
_CREDENTIALS = ("ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch", "RequestTimeTooSkewed")


def fetch(url: str, tag: str, settings: BundleSettings) -> Fetched | None:
    """The bundle; None where it is still the one with this tag. Raises PolicyError or ConfigError."""
    parts = urlsplit(url)
    bucket, key = parts.netloc, parts.path.removeprefix("/")
    params = {"Bucket": bucket, "Key": key, **({"IfNoneMatch": tag} if tag else {})}
    try:
        answer: dict[str, Any] = _client(settings)._make_api_call("GetObject", params)
        packed = bytearray()
        # To its end: botocore compares the length there.
        while len(packed) <= LARGEST and (piece := answer["Body"].read(_PIECE)):
            packed += piece
    except ClientError as error:
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 304:
            return None
        raise PolicyError(_refused(error, bucket, key)) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise PolicyError(f"no AWS credentials were found ({error}); set them, or bundle.profile") from error
    except (BotoCoreError, OutOfTime, OSError, ValueError) as error:
        raise PolicyError(
            f"S3 gave no whole answer ({str(error).rstrip('.')}); look at the network, or raise bundle.timeout_s"
        ) from error
    if len(packed) > LARGEST:
        raise PolicyError(f"it has more than the {LARGEST:,} bytes allowed; correct the key in `policies`")
    return Fetched(bytes(packed), str(answer.get("ETag", "")))


def _refused(error: ClientError, bucket: str, key: str) -> str:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _ADVICE:
        return _ADVICE[code]
    if code in _CREDENTIALS:
        return f"AWS does not accept the credentials ({code}); renew them, or set bundle.profile"
    if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 403:
        return (
            f"AWS refuses it ({code}); allow s3:GetObject on arn:aws:s3:::{bucket}/{key} (and kms:Decrypt where a key "
            "of KMS encrypts it), or correct the key: without s3:ListBucket one that does not exist looks the same"
        )
    return f"S3 answered {code}: {error.response.get('Error', {}).get('Message', '')}; try again"


def _client(settings: BundleSettings) -> Any:
    config = Config(
        connect_timeout=settings.timeout_s,
        read_timeout=settings.timeout_s,
        retries={"total_max_attempts": 2},
        user_agent_extra="guardrails-bundle",
    )
    try:
        return own_client("s3", settings.region, settings.profile, config, "bundle.timeout_s")
    except ProfileNotFound as error:
        raise ConfigError(f"{str(error).rstrip('.')}; correct bundle.profile") from error
    except BotoCoreError as error:
        raise ConfigError(f"there is no client for S3 ({str(error).rstrip('.')}); see bundle.region") from error
