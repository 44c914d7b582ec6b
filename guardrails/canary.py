"""Calls that must be denied, sent through the whole guard short of the network, at every install().

`evaluate/canary.py` asks the policies only. These go the way of a script's calls: a real botocore client, its events,
the gates, the reading of what was serialized, the catalogue, the resolvers, the policies. They name a machine of a live
cluster in a world of their own, whose look-ups are answered here, and their client has no way out of the process.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import botocore.session
from attrs import evolve, frozen
from botocore.config import Config
from botocore.credentials import Credentials

from guardrails.errors import CallDenied, GuardBroken
from guardrails.facts import FactFinder
from guardrails.live import LiveSettings
from guardrails.lookups import Fetched
from guardrails.origin import Origin
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.settings import Settings
from guardrails.values import Answer, Decision, Lookup

_MACHINE, _ADDRESS, _CLUSTER, _ACCOUNT = "i-00000000000canary", "192.0.2.1", "canary", "000000000000"
# None of these names a machine that exists; the client could not send them if they did.
CALLS: Mapping[str, Mapping[str, Any]] = {
    "TerminateInstances": {"InstanceIds": [_MACHINE]},
    "StopInstances": {"InstanceIds": [_MACHINE], "Force": True},
    "DisassociateAddress": {"AssociationId": "eipassoc-00000000000canary"},
}


def finder(settings: Settings) -> FactFinder:
    """The facts of the canaries' world, by this configuration's cluster tag."""
    return FactFinder(evolve(settings, live=LiveSettings()), _World(settings.cluster_tag), None, None)


def sing(session: botocore.session.Session) -> dict[str, Decision]:
    """Make every call; returns the decisions by operation. `session` lends its models.

    Raises GuardBroken where a call was not judged, could not be decided on, or violates no rule.
    """
    client = _client(session)
    return {operation: _denied(client, operation, params) for operation, params in CALLS.items()}


def _denied(client: Any, operation: str, params: Mapping[str, Any]) -> Decision:
    what = f"{operation} on a machine of the live cluster"
    try:
        client._make_api_call(operation, dict(params))
    except CallDenied as error:
        decision = error.decision
    except _WouldBeSent:
        raise GuardBroken(f"the guard is broken: {what} passed it and would have been sent") from None
    else:
        raise GuardBroken(
            f"the guard is broken: {what} passed it, and something answered in AWS's place; what stands before "
            "botocore's requests must be started before guardrails.install()"
        )
    if decision.unavailable:
        raise GuardBroken(f"the guard is broken: it cannot decide on {what}: {decision.unavailable}")
    if not decision.violations:
        raise GuardBroken(f"the guard is broken: its policies allow {what}; mend them, or take them out of `policies`")
    return decision


class _WouldBeSent(Exception):
    pass


class _NoWayOut:
    """In the place of botocore's HTTP session."""

    def send(self, request: Any) -> Any:
        raise _WouldBeSent(str(request.url))

    def close(self) -> None:
        pass


def _client(session: botocore.session.Session) -> Any:
    # No profile: one named in the environment may not exist.
    own: Any = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
    own.register_component("data_loader", session.get_component("data_loader"))
    own._credentials = Credentials("canary", "canary", method="canary")
    client: Any = own.create_client(
        "ec2",
        region_name="us-east-1",
        endpoint_url="https://canary.invalid",
        config=Config(retries={"mode": "standard", "total_max_attempts": 1}),
    )
    client._endpoint.http_session = _NoWayOut()
    return client


@frozen
class _World:
    """Answers look-ups: one machine of one cluster, which holds an Elastic IP and so is live; nothing else."""

    cluster_tag: str

    def fetch(self, lookups: Iterable[Lookup], _: Origin) -> Fetched:
        held = {
            "PublicIp": _ADDRESS,
            "InstanceId": _MACHINE,
            "AllocationId": "eipalloc-00000000000canary",
            "AssociationId": "eipassoc-00000000000canary",
        }
        machine = {
            "InstanceId": _MACHINE,
            "State": {"Name": "running"},
            "Tags": [{"Key": self.cluster_tag, "Value": _CLUSTER}],
        }
        known: Mapping[str, Any] = {
            INSTANCES.key(): {"OwnerId": _ACCOUNT, "Instances": [machine]},
            ADDRESSES.key(): held,
        }
        now = time.time()
        answers = {
            lookup.key(): Answer((known[lookup.key()],) if lookup.key() in known else (), now) for lookup in lookups
        }
        return Fetched(answers, (), 0)
