"""The descriptions of AWS services that come with botocore: read once in a process, not once for each session."""

from __future__ import annotations

import functools
from pathlib import Path

import boto3
import botocore
from botocore.loaders import JSONFileLoader

_SHIPPED = tuple(str(Path(package.__file__).parent / "data") for package in (botocore, boto3))


def read_once() -> None:
    """Keep what botocore's loader parses from the shipped files; files of a test are read each time."""
    load = JSONFileLoader.load_file
    # Some tests read the models of all services, which are more than a gigabyte.
    kept = functools.lru_cache(maxsize=64)(lambda path: load(JSONFileLoader(), path))

    def load_file(self: JSONFileLoader, path: str) -> object:
        return kept(path) if path.startswith(_SHIPPED) else load(self, path)

    JSONFileLoader.load_file = load_file
