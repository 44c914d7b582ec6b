"""Calls that must be denied, sent through the whole guard short of the network, at every install().

`evaluate/canary.py` asks the policies only. These go the way of a script's calls: a real botocore client, its events,
the gates, the reading of what was serialized, the catalogue, the resolvers, the policies, the verdict, the exception.
They name a machine of a live cluster in a world of their own, whose look-ups are answered here, in mode ``enforce``
whatever is configured, and their client has no way out of the process. (Facebook, 2021-10-04: a bug in the audit tool
let the command through.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import botocore.session
from attrs import evolve, frozen
from botocore.awsrequest import prepare_request_dict
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.httpsession import URLLib3Session

from guardrails.aws.sessions import without_profile
from guardrails.config.settings import LiveSettings, Settings
from guardrails.enforce.confirm import Answer as Word
from guardrails.errors import CallDenied, ConfigError, GuardBroken
from guardrails.pipeline import Admission
from guardrails.resolve.finder import FactFinder
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.lookups import Fetched
from guardrails.values import Answer, Decision, Lookup, Origin, Outcome

_MACHINE, _ADDRESS, _CLUSTER, _ACCOUNT = "i-00000000000canary", "192.0.2.1", "canary", "000000000000"
_ENDPOINT = "https://canary.invalid"
_AFTER = "what replaces botocore's functions must be started after guardrails.install()"
# Neither is there; the client could not send them if they were.
_STOP = {"InstanceIds": [_MACHINE], "Force": True}


def _call(operation: str, params: Mapping[str, Any]) -> Callable[[Any], object]:
    return lambda client: client._make_api_call(operation, dict(params))


def _presigned(client: Any) -> None:
    client.generate_presigned_url("stop_instances", Params=dict(_STOP))
    raise _WouldBeSent


def _past_the_events(client: Any) -> None:
    """As a script does that uses the client's endpoint, or has taken its handlers away."""
    model = client.meta.service_model.operation_model("StopInstances")
    request = client._serializer.serialize_to_request(dict(_STOP), model)
    context = {"client_region": client.meta.region_name, "client_config": client.meta.config, "auth_type": None}
    prepare_request_dict(request, _ENDPOINT, context={**context, "has_streaming_input": False})
    client._endpoint.make_request(model, request)


def _changed_when_sent(client: Any) -> None:
    """A harmless call that a handler of the script turns into a harmful one at the last moment."""

    def change(request: Any, **_: Any) -> None:
        request.body = urlencode({"Action": "StopInstances", "Version": "2016-11-15", "InstanceId.1": _MACHINE})
        URLLib3Session.send(client._endpoint.http_session, request)

    client.meta.events.register_first("before-send.ec2.DescribeRegions", change)
    client.describe_regions()


CANARIES: Mapping[str, Callable[[Any], object]] = {
    "TerminateInstances": _call("TerminateInstances", {"InstanceIds": [_MACHINE]}),
    "StopInstances": _call("StopInstances", _STOP),
    "DisassociateAddress": _call("DisassociateAddress", {"AssociationId": "eipassoc-00000000000canary"}),
    "StopInstances as a presigned URL": _presigned,
    "StopInstances past the client's events": _past_the_events,
    "StopInstances in the place of a harmless call": _changed_when_sent,
}


class Choir:
    """Sings once, for a guard of these settings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._heard: list[Decision] = []

    def admission(self, usual: Admission) -> Admission:
        """What decides on the canaries: as the usual one, in their world."""
        settings = evolve(self._settings, mode="enforce")
        finder = FactFinder(evolve(settings, live=LiveSettings()), _World(settings.cluster_tag), None, None)
        return evolve(
            usual,
            settings=settings,
            finder=finder,
            home=lambda _, origin: origin,
            log=self,
            turns=None,
            ask=lambda *_: Word(given=False, why="a canary asks nobody"),
            glass=lambda _: None,
            sent=lambda: None,
            warn=lambda _: None,
        )

    def write(self, decision: Decision, _: Outcome, __: str) -> None:
        """In the place of the decision log."""
        self._heard.append(decision)

    def sing(self, session: botocore.session.Session) -> dict[str, Decision]:
        """Make every call; returns the decisions by what was tried. `session` lends its models.

        Raises GuardBroken where a call was not judged, could not be decided on, or would have been sent though the
        configuration's `enforcement` weakens no rule that it violates; ConfigError where botocore cannot make a client.
        """
        try:
            client = _client(session)
        except BotoCoreError as error:
            raise ConfigError(f"botocore makes no client here: {error}; mend AWS's own configuration") from error
        return {name: self._decision(name, attempt, client) for name, attempt in CANARIES.items()}

    def _decision(self, name: str, attempt: Callable[[Any], object], client: Any) -> Decision:
        what = f"{name} on a machine of the live cluster"
        self._heard.clear()
        try:
            attempt(client)
        except CallDenied as error:
            decision = error.decision
        except (_WouldBeSent, HTTPClientError):
            if not self._heard:
                raise GuardBroken(f"the guard is broken: {what} passed it and would have been sent") from None
            decision = self._heard[-1]
            if not self._weakened(decision):
                raise GuardBroken(
                    f"the guard is broken: {what} would have been sent, and no rule in `enforcement` is the reason; "
                    "mend the policies, or take them out of `policies`"
                ) from None
        except Exception as error:
            raise GuardBroken(
                f"the guard is broken: {what} ended in {type(error).__name__}: {error}; {_AFTER}"
            ) from error
        else:
            raise GuardBroken(f"the guard is broken: {what} passed it, and something answered in AWS's place; {_AFTER}")
        if decision.unavailable:
            raise GuardBroken(f"the guard is broken: it cannot decide on {what}: {decision.unavailable}")
        return decision

    def _weakened(self, decision: Decision) -> bool:
        """True where the configuration gives a violated rule the very word that let the call go."""
        given = self._settings.enforcement
        return decision.allowed and any(given.get(one.rule) == one.action for one in decision.violations)


class _WouldBeSent(Exception):
    pass


class _NoWayOut:
    """In the place of botocore's HTTP session, whose own `send` asks for a proxy before anything else."""

    def send(self, request: Any) -> Any:
        raise _WouldBeSent(str(request.url))

    @property
    def _proxy_config(self) -> Any:
        raise _WouldBeSent

    def close(self) -> None:
        pass


def _client(session: botocore.session.Session) -> Any:
    loader = session.get_component("data_loader")
    own = without_profile(loader, Credentials("canary", "canary", method="canary"))
    client: Any = own.create_client(
        "ec2",
        region_name="us-east-1",
        endpoint_url=_ENDPOINT,
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
