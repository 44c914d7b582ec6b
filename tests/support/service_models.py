"""The descriptions of AWS services that come with botocore: read once in a process, not once for each session."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import boto3
import botocore
from botocore.loaders import JSONFileLoader, Loader
from moto.core.loaders import Loader as MotoLoader

_SHIPPED = tuple(str(Path(package.__file__).parent / "data") for package in (botocore, boto3))


# Some tests read the models of all services, which are more than a gigabyte.
@functools.lru_cache(maxsize=64)
def _shipped_file(path: str) -> Any:
    return JSONFileLoader().load_file(path)


class _KeepingLoader(JSONFileLoader):
    """Keeps what it parsed from the shipped files; those of a test are read each time."""

    def load_file(self, file_path: str) -> Any:
        return _shipped_file(file_path) if file_path.startswith(_SHIPPED) else super().load_file(file_path)


def read_once() -> None:
    """Have every session of this process share the parsed files."""
    # moto writes into what it has read.
    MotoLoader.FILE_LOADER_CLASS = JSONFileLoader
    Loader.FILE_LOADER_CLASS = _KeepingLoader
