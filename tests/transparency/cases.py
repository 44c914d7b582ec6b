"""Every kind, registered by importing the modules that have them."""

from __future__ import annotations

from tests.transparency import (
    kinds_async,
    kinds_clients,
    kinds_errors,
    kinds_governed,
    kinds_json,
    kinds_query,
    kinds_rest,
    kinds_s3,
    kinds_transfer,
)
from tests.transparency.registry import ASYNCHRONOUS, KINDS

__all__ = [
    "ASYNCHRONOUS",
    "KINDS",
    "kinds_async",
    "kinds_clients",
    "kinds_errors",
    "kinds_governed",
    "kinds_json",
    "kinds_query",
    "kinds_rest",
    "kinds_s3",
    "kinds_transfer",
]
