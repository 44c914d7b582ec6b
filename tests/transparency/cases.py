"""Every kind, registered by importing the modules that have them."""

from __future__ import annotations

from tests.transparency import (
    kinds_clients,
    kinds_errors,
    kinds_governed,
    kinds_json,
    kinds_query,
    kinds_rest,
    kinds_s3,
    kinds_transfer,
)
from tests.transparency.registry import KINDS

__all__ = [
    "KINDS",
    "kinds_clients",
    "kinds_errors",
    "kinds_governed",
    "kinds_json",
    "kinds_query",
    "kinds_rest",
    "kinds_s3",
    "kinds_transfer",
]
