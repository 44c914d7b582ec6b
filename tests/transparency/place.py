"""What a kind gets: its own clients, a folder, and a world to make calls in."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from tests.transparency.control import Control

REGION = "eu-west-1"
# Reading the models is what takes longest.
_LOADER: list[Loader] = []


def core_session() -> botocore.session.Session:
    """A botocore session that reads none of the user's files."""
    fixed = {"profile": None, "config_file": os.devnull, "credentials_file": os.devnull}
    session = botocore.session.Session(session_vars={name: (None, None, value, None) for name, value in fixed.items()})
    if not _LOADER:
        _LOADER.append(session.get_component("data_loader"))
    session.register_component("data_loader", _LOADER[0])
    return session


class Place:
    """The same for each run of a kind."""

    def __init__(self, control: Control, folder: Path) -> None:
        self.control = control
        self.folder = folder
        self.session = self.make_session("testing", "testing")
        # A client from before the guard, in kinds that ask for one.
        self.early: Any = None

    def make_session(self, *keys: str, **more: Any) -> boto3.Session:
        """A boto3 session with these credentials."""
        return boto3.Session(*keys, region_name=REGION, botocore_session=core_session(), **more)

    def client(self, service: str, *, session: Any = None, **config: Any) -> Any:
        """A client; whatever is not a setting of botocore's Config goes to `create_client`."""
        return (session or self.session).client(service, **self._options(config))

    def resource(self, service: str, **config: Any) -> Any:
        return self.session.resource(service, **self._options(config))

    def real(self, service: str, *, session: Any = None, **config: Any) -> Any:
        """A client that makes AWS's own host names, and reaches the server as a proxy."""
        proxied = {"use_ssl": False, "proxies": {"http": self.control.url}} if self.control.url else {}
        return (session or self.session).client(service, **_split({**proxied, **config}))

    def _options(self, config: dict[str, Any]) -> dict[str, Any]:
        if not self.control.url:
            return _split(config)
        s3 = {"addressing_style": "path", **config.pop("s3", {})}
        return _split({"endpoint_url": self.control.url, "s3": s3, "proxies": {}, **config})

    @cached_property
    def world(self) -> dict[str, Any]:
        """Machines: blue is live, green is not. They are started when a kind first asks for them."""
        return self.control.clusters()

    def file(self, name: str, content: bytes = b"") -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


def _split(options: dict[str, Any]) -> dict[str, Any]:
    ours = {name: options[name] for name in options if name in _OF_CLIENT}
    ours["config"] = Config(**{name: value for name, value in options.items() if name not in _OF_CLIENT})
    return ours


_OF_CLIENT = ("endpoint_url", "use_ssl", "verify", "region_name", "aws_access_key_id", "aws_secret_access_key")
