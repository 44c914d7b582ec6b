"""A boto3 session that cannot reach anything but the simulated AWS."""

from __future__ import annotations

import os
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

# moto takes any; these can never be somebody's.
KEY, SECRET = "testing", "testing"


class SimulatedSession(boto3.Session):
    """A session that reads no profile, no file and no proxy of the user's, and knows one endpoint."""

    def __init__(self, endpoint_url: str, region: str) -> None:
        fixed = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
        core = botocore.session.Session(session_vars={name: (None, None, value, None) for name, value in fixed.items()})
        super().__init__(KEY, SECRET, region_name=region, botocore_session=core)
        self._endpoint_url = endpoint_url

    def client(self, *args: Any, **kwargs: Any) -> Any:
        """As boto3's, with the simulated endpoint unless another one is asked for; resources come this way too."""
        kwargs["endpoint_url"] = kwargs.get("endpoint_url") or self._endpoint_url
        # S3's bucket names would otherwise become host names, which 127.0.0.1 has none of.
        ours = Config(proxies={}, s3={"addressing_style": "path"})
        kwargs["config"] = ours.merge(kwargs["config"]) if kwargs.get("config") else ours
        return super().client(*args, **kwargs)
