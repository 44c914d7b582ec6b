"""What botocore makes of its descriptions of AWS services: once in a process, not once for each session or client."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore
from botocore.client import ClientCreator
from botocore.loaders import JSONFileLoader, Loader
from botocore.model import ServiceModel
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


def _made_once() -> Callable[[ClientCreator, ServiceModel], dict[str, Any]]:
    """Makes the methods of a client's class, which are the same for every client of a service: EC2 has 770."""
    make: Callable[[ClientCreator, ServiceModel], dict[str, Any]] = ClientCreator._create_methods
    # By the address of the document, which is kept for that.
    made: dict[int, tuple[ServiceModel, dict[str, Any]]] = {}

    def methods(creator: ClientCreator, model: ServiceModel) -> dict[str, Any]:
        key = id(model._service_description)
        if key not in made:
            made[key] = model, make(creator, model)
        return dict(made[key][1])

    return methods


def read_once() -> None:
    """Have every session of this process share the parsed files, and every client the methods made from them."""
    ClientCreator._create_methods = _made_once()
    # moto writes into what it has read.
    MotoLoader.FILE_LOADER_CLASS = JSONFileLoader
    Loader.FILE_LOADER_CLASS = _KeepingLoader
