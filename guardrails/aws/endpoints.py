"""Which hosts belong to AWS."""

from __future__ import annotations

import sys

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


def answered_inside() -> bool:
    """True while moto's `mock_aws` answers every request inside this process, whatever host it names."""
    models = sys.modules.get("moto.core.models")
    return bool(getattr(getattr(models, "botocore_stubber", None), "enabled", False))
