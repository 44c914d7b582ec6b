"""A boto3 session that can reach only the simulated AWS."""

from __future__ import annotations

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# moto accepts any credentials; these cannot be anyone's real ones.
KEY, SECRET = "testing", "testing"


class SimulatedSession(boto3.Session):
    """A session with one endpoint; it ignores the user's profiles, files and proxies."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        fixed = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
        core = botocore.session.Session(session_vars={name: (None, None, value, None) for name, value in fixed.items()})
        super().__init__(KEY, SECRET, region_name=region, botocore_session=core)
        self._endpoint_url = endpoint_url

    def client(self, *args: Any, **kwargs: Any) -> Any:
        """As in boto3, but the default endpoint is the simulated one; also used for resources."""
        kwargs["endpoint_url"] = kwargs.get("endpoint_url") or self._endpoint_url
        # Otherwise S3 bucket names become host names, which do not resolve here.
        ours = Config(proxies={}, s3={"addressing_style": "path"})
        kwargs["config"] = ours.merge(kwargs["config"]) if kwargs.get("config") else ours
        return super().client(*args, **kwargs)
