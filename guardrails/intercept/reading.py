"""From a serialized request to a Call with its secrets masked, and to its Origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from botocore.model import ServiceModel

from guardrails.errors import failed
from guardrails.intercept.redact import Redacted, redact
from guardrails.intercept.request.outgoing import Outgoing
from guardrails.intercept.ticket import PendingRequest
from guardrails.intercept.wire import Undecodable, decode
from guardrails.values import NOTHING_PRIVATE, Call, Origin
from guardrails.waiting.interruptions import is_injected


def read_call(
    service: str,
    operation: str,
    model: Callable[[], ServiceModel],
    out: Outgoing,
    origin: Origin,
    *,
    presigned: bool,
) -> Call:
    """The call in a serialized request. Never raises: `undecodable` says why a request cannot be read.

    `model()` loads the service model.
    """
    redacted = Redacted({}, (), NOTHING_PRIVATE)
    undecodable = None
    try:
        service_model = model()
        # Unmasked parameters are never bound to a name: a traceback could show them.
        redacted = redact(decode(service_model, operation, out), service_model.operation_model(operation).input_shape)
    except Undecodable as error:
        undecodable = str(error)
    except Exception as error:  # an unforeseen kind of request must block a governed call, not slip past it
        if is_injected(error):
            raise
        undecodable = failed(error)
    return Call(
        service=service,
        operation=operation,
        params=redacted.params,
        masked=redacted.masked,
        private=redacted.private,
        region=origin.region,
        endpoint=origin.endpoint_url,
        presigned=presigned,
        undecodable=undecodable,
    )


class Unseen(Exception):
    """A request could not be looked at; the sentence says why."""


def unseen(pending: PendingRequest, error: Exception) -> tuple[Call, Origin]:
    """What is decided on where nothing is known of a request but its name: it is undecodable."""
    problem = str(error) if isinstance(error, Unseen) else failed(error)
    region = str(getattr(pending.signer, "_region_name", "") or "")
    call = Call(pending.service, pending.operation, {}, region, "", presigned=pending.presigned, undecodable=problem)
    return call, Origin(None, region, "", "")


def origin_of(client: Any, signer: Any, url: str, context: Mapping[str, Any], credentials: Any = None) -> Origin:
    """Whose request it is and where it goes; `client` is None for a request that no client made.

    `credentials` are the signer's unless given.
    """
    config = context.get("client_config") or (client.meta.config if client is not None else None)
    http = getattr(getattr(client, "_endpoint", None), "http_session", None)
    if credentials is None:
        credentials = getattr(signer, "_credentials", None) or getattr(signer, "credentials", None)
    return Origin(
        credentials=credentials,
        region=str(context.get("client_region") or getattr(signer, "_region_name", "") or ""),
        service=str(client.meta.service_model.service_name) if client is not None else "",
        endpoint_url=_endpoint(client, url),
        made_for=_made_for(client),
        verify=getattr(http, "_verify", None),
        proxies=getattr(config, "proxies", None),
        way={
            "proxies_config": getattr(config, "proxies_config", None),
            "client_cert": getattr(config, "client_cert", None),
            "use_fips_endpoint": bool(_chosen(client, "AWS::UseFIPS")),
            "use_dualstack_endpoint": bool(_chosen(client, "AWS::UseDualStack")),
        },
    )


def _made_for(client: Any) -> str:
    """The region that the script gave, itself or by its session; a client for a service without regions has another."""
    return str(_chosen(client, "AWS::Region") or "")


def _chosen(client: Any, name: str) -> Any:
    """What a client chooses its host by, wherever that was set; None where it is unknown."""
    return (getattr(getattr(client, "_ruleset_resolver", None), "_builtins", None) or {}).get(name)


def _endpoint(client: Any, url: str) -> str:
    """Where a request goes, without the bucket or account that botocore puts in front of a client's own host."""
    parts = urlsplit(url)
    own = urlsplit(client.meta.endpoint_url).netloc if client is not None else ""
    return f"{parts.scheme}://{own if own and parts.netloc.endswith(f'.{own}') else parts.netloc}"
