"""A script's own dry run: AWS changes nothing, and says whether the call is permitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
_EC2 = ("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)


def only_tries(params: Mapping[str, Any]) -> bool:
    """Whether a request asks for a dry run, by any of the names that AWS's services give it."""
    if any(params.get(name) is True for name in ("DryRun", "dryRun", "dryrun")):
        return True
    return params.get("InvocationType") == "DryRun"


def verdict(service: str, model: Any) -> dict[str, Any] | None:
    """AWS's error for a dry run that is permitted; None for a service that answers as usual.

    `model` is botocore's of the operation.
    """
    code, message, status = _EC2
    if service != "ec2":
        own = [shape for shape in model.error_shapes if "DryRun" in shape.name]
        if not own:
            return None
        code = str(own[0].metadata.get("error", {}).get("code") or own[0].name)
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "planned"}
    return {"Error": {"Code": code, "Message": message}, "ResponseMetadata": metadata}
