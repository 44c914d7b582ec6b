"""The calls that must be denied, each made in a way that scripts use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from botocore.awsrequest import prepare_request_dict
from botocore.httpsession import URLLib3Session

from guardrails.self_test.small_client import ENDPOINT, WouldBeSent
from guardrails.self_test.world import ASSOCIATION, MACHINE

# Neither exists; the client could not send them if they did.
_STOP = {"InstanceIds": [MACHINE], "Force": True}


def _call(operation: str, params: Mapping[str, Any]) -> Callable[[Any], object]:
    return lambda client: client._make_api_call(operation, dict(params))


def _presigned(client: Any) -> None:
    client.generate_presigned_url("stop_instances", Params=dict(_STOP))
    raise WouldBeSent


def _past_the_events(client: Any) -> None:
    """As a script does that uses the client's endpoint, or has taken its handlers away."""
    model = client.meta.service_model.operation_model("StopInstances")
    request = client._serializer.serialize_to_request(dict(_STOP), model)
    context = {"client_region": client.meta.region_name, "client_config": client.meta.config, "auth_type": None}
    prepare_request_dict(request, ENDPOINT, context={**context, "has_streaming_input": False})
    client._endpoint.make_request(model, request)


def _changed_when_sent(client: Any) -> None:
    """A harmless call that a handler of the script turns into a harmful one at the last moment."""

    def change(request: Any, **_: Any) -> None:
        request.body = urlencode({"Action": "StopInstances", "Version": "2016-11-15", "InstanceId.1": MACHINE})
        URLLib3Session.send(client._endpoint.http_session, request)

    client.meta.events.register_first("before-send.ec2.DescribeRegions", change)
    client.describe_regions()


MUST_BE_DENIED: Mapping[str, Callable[[Any], object]] = {
    "TerminateInstances": _call("TerminateInstances", {"InstanceIds": [MACHINE]}),
    "StopInstances": _call("StopInstances", _STOP),
    "DisassociateAddress": _call("DisassociateAddress", {"AssociationId": ASSOCIATION}),
    "StopInstances as a presigned URL": _presigned,
    "StopInstances past the client's events": _past_the_events,
    "StopInstances in the place of a harmless call": _changed_when_sent,
}
