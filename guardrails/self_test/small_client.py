"""A real client of botocore for the self-test, which cannot send anything.

Its classes, events, serializer, signer and endpoint are those that scripts use. Only the data is small: a new process
would read 18 MB of botocore's data about EC2 for six calls. A test compares these with botocore's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.handlers import BUILTIN_HANDLERS, REGISTER_FIRST, REGISTER_LAST

from guardrails.aws.sessions import without_profile
from guardrails.aws.uninstrumented import hide
from guardrails.values import frozen

ENDPOINT = "https://canary.invalid"
_REGION = "us-east-1"
_IDS = {"shape": "Ids", "locationName": "InstanceId"}


def _operation(name: str) -> Mapping[str, Any]:
    return {"name": name, "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": f"{name}Request"}}


def _structure(**members: Mapping[str, str]) -> Mapping[str, Any]:
    return {"type": "structure", "members": members}


# The part of botocore's service model of EC2 that the calls need.
MODEL: Mapping[str, Any] = {
    "version": "2.0",
    "metadata": {
        "apiVersion": "2016-11-15",
        "endpointPrefix": "ec2",
        "protocol": "ec2",
        "protocols": ["ec2"],
        "serviceId": "EC2",
        "signatureVersion": "v4",
        "uid": "ec2-2016-11-15",
        "xmlNamespace": "http://ec2.amazonaws.com/doc/2016-11-15",
        "auth": ["aws.auth#sigv4"],
    },
    "operations": {
        name: _operation(name)
        for name in ("DescribeRegions", "DisassociateAddress", "StopInstances", "TerminateInstances")
    },
    "shapes": {
        "DescribeRegionsRequest": _structure(),
        "DisassociateAddressRequest": _structure(AssociationId={"shape": "Id"}),
        "StopInstancesRequest": _structure(InstanceIds=_IDS, Force={"shape": "Flag", "locationName": "force"}),
        "TerminateInstancesRequest": _structure(InstanceIds=_IDS),
        "Ids": {"type": "list", "member": {"shape": "Id", "locationName": "InstanceId"}},
        "Id": {"type": "string"},
        "Flag": {"type": "boolean"},
    },
}
# Where requests go: to the client's `endpoint_url`.
_RULES: Mapping[str, Any] = {
    "version": "1.0",
    "parameters": {
        "Region": {"builtIn": "AWS::Region", "required": False, "documentation": "", "type": "string"},
        "Endpoint": {"builtIn": "SDK::Endpoint", "required": False, "documentation": "", "type": "string"},
    },
    "rules": [
        {
            "conditions": [{"fn": "isSet", "argv": [{"ref": "Endpoint"}]}],
            "endpoint": {"url": {"ref": "Endpoint"}, "properties": {}, "headers": {}},
            "type": "endpoint",
        }
    ],
}
_DATA: Mapping[str, Any] = {
    "partitions": {"version": "1.1", "partitions": []},
    "endpoints": {
        "version": 3,
        "partitions": [
            {
                "partition": "aws",
                "dnsSuffix": "amazonaws.com",
                "regionRegex": "^us-east-1$",
                "defaults": {
                    "hostname": "{service}.{region}.{dnsSuffix}",
                    "protocols": ["https"],
                    "signatureVersions": ["v4"],
                },
                "regions": {_REGION: {}},
                "services": {"ec2": {"endpoints": {_REGION: {}}}},
            }
        ],
    },
}


class WouldBeSent(Exception):
    """A request has reached the place from which it would leave the process."""


class _NoWayOut:
    """In the place of botocore's HTTP session, whose own `send` asks for a proxy before anything else."""

    def send(self, request: Any) -> Any:
        raise WouldBeSent(str(request.url))

    @property
    def _proxy_config(self) -> Any:
        raise WouldBeSent

    def close(self) -> None:
        pass


@frozen
class _Loader:
    """Botocore's loader of data, with the small data above; anything else comes from the `usual` one."""

    usual: Any

    def load_service_model(self, _service: str, type_name: str, **_: Any) -> Mapping[str, Any]:
        return MODEL if type_name == "service-2" else _RULES

    def load_data(self, name: str) -> Any:
        return self.load_data_with_path(name)[0]

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        return (_DATA[name], "") if name in _DATA else self.usual.load_data_with_path(name)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.usual, name)


def make(session: botocore.session.Session) -> Any:
    """A client of EC2 without a way out. `session` lends its loader. Raises botocore's errors."""
    usual = session.get_component("data_loader")
    try:
        return _client(_Loader(usual))
    except Exception:
        # Another botocore may need more than the small data. Where AWS's own configuration is wrong, this fails, too.
        return _client(usual)


def _client(loader: Any) -> Any:
    own = without_profile(loader, Credentials("canary", "canary", method="canary"), handlers=False)
    _register_handlers(own.get_component("event_emitter"))
    made: Any = own.create_client(
        "ec2",
        region_name=_REGION,
        endpoint_url=ENDPOINT,
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )
    made._endpoint.http_session = _NoWayOut()
    hide(made)
    return made


def _register_handlers(events: Any) -> None:
    """Botocore's own handlers, as a session has them, without those that only calls of other services have."""
    ways = {REGISTER_FIRST: events.register_first, REGISTER_LAST: events.register_last}
    for event, handler, *how in BUILTIN_HANDLERS:
        kind, _, which = event.partition(".")
        if kind != "docs" and which.partition(".")[0] in ("", "*", "ec2"):
            register = ways[how[0]] if how else events.register
            register(event, handler)
