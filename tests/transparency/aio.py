"""Runs every kind of kinds_async.py without the guard and with it, in an environment that has aiobotocore.

Prints JSON: for each kind the outcome without the guard, and the outcome with it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from attrs import evolve

from tests.transparency import place, stage
from tests.transparency.cases import ASYNCHRONOUS
from tests.transparency.control import Control, Remote
from tests.transparency.registry import Kind

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": place.REGION}


class AioPlace(place.Place):
    """Its clients are context managers to `async with`."""

    def client(self, service: str, *, endpoint_url: str = "", **config: Any) -> Any:
        options = {"s3": {"addressing_style": "path"}, "proxies": {}, **config}
        where = {"endpoint_url": endpoint_url or self.control.url, **KEYS}
        return get_session().create_client(service, config=AioConfig(**options), **where)


def main(url: str, closed_url: str, folder: Path) -> None:
    control: Control = Remote(url, closed_url)
    guard = stage.Installed(folder)
    found = {}
    for name, kind in ASYNCHRONOUS.items():
        outcomes = [stage.play(_plain(kind), control, folder, each, AioPlace) for each in (None, guard)]
        found[name] = [outcome.as_json() for outcome in outcomes]
    print(json.dumps(found))


def _plain(kind: Kind) -> Kind:
    return evolve(kind, run=lambda t: asyncio.run(kind.run(t)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
