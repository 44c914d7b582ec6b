"""A bundle over HTTPS, or plain HTTP on this host, with a conditional GET."""

from __future__ import annotations

import ssl
from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies

from guardrails.config.policy_settings import BundleSettings
from guardrails.config.tokens import bearer
from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate.bundle_file import LARGEST
from guardrails.evaluate.remote.kept import Fetched
from guardrails.waiting import deadline, http

_PIECE = 65_536
_ADVICE = {
    401: "check the token (bundle.token_file or bundle.token_env)",
    403: "check the token (bundle.token_file or bundle.token_env), and what it may read",
    404: "correct the address in `policies`, or publish the bundle there",
}


def fetch(url: str, tag: str, settings: BundleSettings) -> Fetched | None:
    """The bundle; None where it is still the one with this tag. Raises PolicyError or ConfigError.

    Redirects are not followed: a token would go along.
    """
    headers = {"User-Agent": "guardrails", "Accept-Encoding": "identity"}
    if token := bearer("bundle", settings.token_file, settings.token_env):
        headers["Authorization"] = f"Bearer {token}"
    if tag:
        headers["If-None-Match"] = tag
    pools = _pools(url, settings)
    try:
        answer = pools.request(
            "GET", url, headers=headers, redirect=False, retries=False, preload_content=False,
            timeout=deadline.left(settings.timeout_s) or 0.001,
        )  # fmt: skip
        return _read(answer)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise PolicyError(_explain(error)) from error
    finally:
        pools.clear()


def _read(answer: Any) -> Fetched | None:
    status = int(answer.status)
    if status == 304:
        return None
    if 300 <= status < 400:
        where = answer.headers.get("Location", "another address").partition("?")[0]
        raise PolicyError(f"it redirects to {where}, which is not followed; write that address into `policies`")
    if status != 200:
        advice = _ADVICE.get(status, "look at the server, or wait until it works again")
        raise PolicyError(f"the server answered {status} {answer.reason or ''}".rstrip() + f"; {advice}")
    packed = bytearray()
    # As it is stored, whatever the server says about its encoding.
    while piece := answer.read(_PIECE, decode_content=False):
        packed += piece
        if len(packed) > LARGEST:
            raise PolicyError(f"it has more than the {LARGEST:,} bytes allowed; correct the address in `policies`")
    return Fetched(bytes(packed), str(answer.headers.get("ETag", "")))


def _pools(url: str, settings: BundleSettings) -> Any:
    secure = urlsplit(url).scheme == "https"
    options: dict[str, Any] = {"ssl_context": _context(settings)} if secure else {}
    proxy = get_environ_proxies(url).get("https") if secure else None
    return http.pools(proxy, **options)


def _context(settings: BundleSettings) -> ssl.SSLContext:
    """Certificates are verified with the configured authority, or with the system's and those that botocore has."""
    if settings.ca is not None:
        try:
            return ssl.create_default_context(cafile=str(settings.ca))
        except OSError as error:
            raise ConfigError(
                f"`bundle.ca` names {settings.ca}, which cannot be read ({error}); name a PEM file"
            ) from error
    context = ssl.create_default_context()
    context.load_verify_locations(get_cert_path(verify=True))
    return context


def _explain(error: BaseException) -> str:
    unreachable = "it cannot be reached", "look at the address, the server and the network"
    kinds = (
        # A kind of time-out, for urllib3.
        (urllib3.exceptions.NewConnectionError, *unreachable),
        (urllib3.exceptions.SSLError, "its certificate is not accepted", "see bundle.ca"),
        (urllib3.exceptions.ProxyError, "the proxy cannot be used", "see HTTPS_PROXY and NO_PROXY"),
        (urllib3.exceptions.IncompleteRead, "it stopped in the middle", "look at the server"),
        (urllib3.exceptions.ProtocolError, "it stopped in the middle", "look at the server"),
        (TimeoutError, "it gave no answer in time", "look at the server, or raise bundle.timeout_s"),
        (urllib3.exceptions.TimeoutError, "it gave no answer in time", "look at the server, or raise bundle.timeout_s"),
    )
    what, advice = next(
        ((what, advice) for kind, what, advice in kinds if isinstance(error, kind)),
        unreachable,
    )
    reason = http.innermost(error)
    return f"{what} ({type(reason).__name__}: {reason}); {advice}"
