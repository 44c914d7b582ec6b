"""Which hosts belong to AWS."""

from __future__ import annotations

import sys
from typing import Any

_DOMAINS = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "amazonwebservices.com.cn",
    "api.amazonwebservices.com.cn",
)


def is_aws(host: str) -> bool:
    """True for a host under one of the domains of AWS's endpoints."""
    return any(host == domain or host.endswith(f".{domain}") for domain in _DOMAINS)


def has_fips(session: Any, service: str, region: str) -> bool:
    """Whether botocore knows a FIPS endpoint of a service in a region: it would make up the name of any other."""
    prefix = session.get_service_model(service).endpoint_prefix
    partitions = session.get_component("data_loader").load_data("endpoints")["partitions"]
    for known in (each["services"].get(prefix, {}) for each in partitions if region in each["regions"]):
        endpoints = known.get("endpoints", {})
        here = endpoints.get(region) or endpoints.get(known.get("partitionEndpoint")) or {}
        # botocore itself adds those that it makes up, with a pattern for a name.
        return any("fips" in each["tags"] and "{" not in each["hostname"] for each in here.get("variants", ()))
    return False


def answered_inside() -> bool:
    """True while moto's `mock_aws` answers every request inside this process, whatever host it names."""
    models = sys.modules.get("moto.core.models")
    return bool(getattr(getattr(models, "botocore_stubber", None), "enabled", False))
