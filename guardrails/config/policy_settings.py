"""Where policies come from and what evaluates them: bundles that are fetched, and OPA servers."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from guardrails.values import frozen


@frozen
class OpaSettings:
    """The OPA servers of the engine `opa`. `timeout_s` is the deadline for a whole decision.

    `urls` are several servers instead of the one at `url`; the first that answers decides. The token is sent as a
    bearer token. `ca` verifies the server's certificate; `cert` and `key` are this client's own (mutual TLS). All three
    are PEM files. While no server answers, calls are denied, or this process decides (`fallback` is ``embedded``) if
    its policies have the revision of the servers.
    """

    url: str = "http://127.0.0.1:8181"
    urls: tuple[str, ...] = ()
    fallback: Literal["deny", "embedded"] = "deny"
    token_file: Path | None = None
    token_env: str | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    timeout_s: float = 2.0

    @property
    def addresses(self) -> tuple[str, ...]:
        """The servers, in the order in which they are asked."""
        return self.urls or (self.url,)


@frozen
class RemoteBundle:
    """A bundle that is fetched: ``s3://BUCKET/KEY``, or an address that starts with https (http on this host)."""

    url: str

    def __str__(self) -> str:
        return self.url


@frozen
class BundleSettings:
    """How bundles are fetched, each within `timeout_s` seconds and again every `poll_s` seconds.

    `region` and `profile` are for S3; the token (a bearer token) and `ca` (a PEM file) for HTTPS. A bundle must be
    signed with `policy_key`, unless `allow_unsigned`.
    """

    region: str | None = None
    profile: str | None = None
    token_file: Path | None = None
    token_env: str | None = None
    ca: Path | None = None
    timeout_s: float = 10.0
    poll_s: float = 60.0
    allow_unsigned: bool = False
