"""Where a call comes from: what the guard needs to make look-ups as the same person, in the same place."""

from __future__ import annotations

from typing import Any

from attrs import frozen


@frozen(eq=False)
class Origin:
    """The connection of an intercepted call.

    `credentials` is botocore's (refreshable) credentials object itself, never a copy of its keys.
    `service` is botocore's service name of the client, `endpoint_url` scheme and host of the call.
    `verify` is the client's TLS setting (None: botocore's default). `home_region` is where the machines are, for a
    call to a service that has no regions; "" is the call's own region.
    """

    credentials: Any
    region: str
    service: str
    endpoint_url: str
    verify: Any = None
    proxies: dict[str, str] | None = None
    home_region: str = ""
