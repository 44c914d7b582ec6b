"""Which hosts are AWS's."""

from __future__ import annotations

_DOMAINS = (
    "amazonaws.com",
    "amazonaws.com.cn",
    "api.aws",
    "amazonwebservices.com.cn",
    "api.amazonwebservices.com.cn",
)


def is_aws(host: str) -> bool:
    """True for a host name under one of the domains of AWS's endpoints."""
    return any(host == domain or host.endswith(f".{domain}") for domain in _DOMAINS)
