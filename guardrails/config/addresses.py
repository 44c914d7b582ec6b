"""Addresses in a configuration: of bundles that are fetched, of OPA servers, of sinks of the log."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from guardrails.config.policy_settings import RemoteBundle
from guardrails.config.schema import Mismatch

OPA_SERVER = "the address of an OPA server, such as http://127.0.0.1:8181"
SINK = "an https://, http://, s3://BUCKET/PREFIX or cloudwatch://LOG-GROUP address"
_SOURCE = "a folder, a bundle, s3://BUCKET/KEY or https://HOST/PATH"
_ADDRESS = re.compile("[A-Za-z][A-Za-z0-9+.-]*://")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile("[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def remote_bundle(value: str) -> RemoteBundle | None:
    """None for a path. Raises Mismatch for an address that no bundle can have."""
    if not _ADDRESS.match(value):
        return None
    try:
        parts = urlsplit(value)
        host, user, _ = parts.hostname, parts.username, parts.port
    except ValueError:
        raise Mismatch("…" if "@" in value else value, f"be {_SOURCE}") from None
    if user is not None or parts.query or parts.fragment:
        # They would be in every message. A Mismatch would show them as well.
        shown = f"{parts.scheme}://{host}{parts.path}…"
        raise Mismatch(shown, "not have a password, `?` or `#`; see bundle.token_file")
    if parts.scheme == "s3":
        if not _BUCKET.fullmatch(parts.netloc) or parts.path.endswith("/") or not parts.path:
            raise Mismatch(value, "be s3://BUCKET/KEY, such as s3://rules/bundle.tar.gz")
    elif parts.scheme not in ("http", "https") or not host or not parts.path.strip("/"):
        raise Mismatch(value, f"be {_SOURCE}")
    elif parts.scheme == "http" and not _is_this_host(host):
        raise Mismatch(value, "start with https: plain http is for servers on this host")
    return RemoteBundle(value)


def _is_this_host(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def opa_server(value: str) -> str:
    """The address. Raises Mismatch."""
    parts = _split(value)
    if "@" in parts.netloc:
        # It would be in every message.
        raise Mismatch("…", "not have a password; see opa.token_file")
    if not parts.hostname or parts.path.strip("/") or parts.query:
        raise Mismatch(_shown(value), f"be {OPA_SERVER}")
    return value


def sink(value: str) -> str:
    """The address of a place that takes the log's entries. Raises Mismatch."""
    parts = _split(value)
    named = parts.netloc or (parts.scheme == "cloudwatch" and parts.path.strip("/"))
    if not named or parts.query or parts.fragment or "@" in parts.netloc:
        raise Mismatch(_shown(value), f"be {SINK}, without a query or password")
    return value


def _shown(value: str) -> str:
    """What a message may quote: no password, and nothing like ``?token=…``."""
    return "…" if any(sign in value for sign in "@?#") else value


def _split(value: str) -> SplitResult:
    try:
        return urlsplit(value)
    except ValueError:
        return urlsplit("")
