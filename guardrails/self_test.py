"""Calls that must be denied, sent through the whole guard short of the network, at every install().

`evaluate/self_test.py` asks the policies only. These calls take the way of a script's: a real botocore client, its
events, the gates, the reading of what was serialized, the catalogue, the resolvers, the policies, the decision, the
exception. They name a machine of a live cluster in a small world of their own, whose look-ups are answered here. The
mode is ``enforce`` whatever is configured, and the client has no way out of the process. (Facebook, 2021-10-04: a bug
in the audit tool let a command through.)
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
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
from guardrails.aws.uninstrumented import hide
from guardrails.config.settings import LiveSettings, Settings
from guardrails.enforce.confirm import Confirmation
from guardrails.errors import CallDenied, ConfigError, GuardBroken
from guardrails.pipeline import Pipeline
from guardrails.resolve.finder import FactFinder
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.lookups import Fetched
from guardrails.values import Answer, Call, Decision, Lookup, Origin, Outcome

_MACHINE, _ADDRESS, _CLUSTER, _ACCOUNT = "i-00000000000canary", "192.0.2.1", "canary", "000000000000"
_ENDPOINT = "https://canary.invalid"
_ORDER = "start mocks and tracers after guardrails.install()"
# Neither exists; the client could not send them if they did.
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


MUST_BE_DENIED: Mapping[str, Callable[[Any], object]] = {
    "TerminateInstances": _call("TerminateInstances", {"InstanceIds": [_MACHINE]}),
    "StopInstances": _call("StopInstances", _STOP),
    "DisassociateAddress": _call("DisassociateAddress", {"AssociationId": "eipassoc-00000000000canary"}),
    "StopInstances as a presigned URL": _presigned,
    "StopInstances past the client's events": _past_the_events,
    "StopInstances in the place of a harmless call": _changed_when_sent,
}


class SelfTest:
    """One run, for a guard with these settings. It is the test pipeline's log and surroundings, too."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._decisions: list[Decision] = []

    def pipeline(self, usual: Pipeline) -> Pipeline:
        """What decides on the test's calls: as the usual one, in their own small world."""
        settings = evolve(self._settings, mode="enforce")
        finder = FactFinder(evolve(settings, live=LiveSettings()), _World(settings.cluster_keys[0]), None)
        return evolve(usual, settings=settings, finder=finder, log=self, turns=None, around=self)

    def run(self, session: botocore.session.Session) -> dict[str, Decision]:
        """Make every call. Returns the decisions by what was tried. `session` lends its service models.

        Raises GuardBroken where a call was not judged, could not be decided on, or would have been sent although the
        configuration's `enforcement` weakens no rule that it violates; ConfigError where botocore cannot make a client.
        """
        try:
            client = _client(session)
        except BotoCoreError as error:
            raise ConfigError(f"botocore cannot make a client here: {error}; fix AWS's own configuration") from error
        with _no_tracebacks():
            return {name: self._decision(name, attempt, client) for name, attempt in MUST_BE_DENIED.items()}

    def _decision(self, name: str, attempt: Callable[[Any], object], client: Any) -> Decision:
        call = f"{name} on a machine of the live cluster"
        self._decisions.clear()
        try:
            attempt(client)
        except CallDenied as error:
            decision = error.decision
        except (_WouldBeSent, HTTPClientError):
            if not self._decisions:
                raise GuardBroken(f"the guard is broken: {call} got past it and would have been sent") from None
            decision = self._decisions[-1]
            if not self._weakened(decision):
                raise GuardBroken(
                    f"the guard is broken: {call} would have been sent, and no rule in `enforcement` explains it; fix "
                    "the policies, or take them out of `policies`"
                ) from None
        except Exception as error:
            raise GuardBroken(
                f"the guard is broken: {call} ended in {type(error).__name__}: {error}; {_ORDER}"
            ) from error
        else:
            raise GuardBroken(
                f"the guard is broken: {call} got past the guard, and something else answered for AWS; {_ORDER}"
            )
        if decision.unavailable:
            raise GuardBroken(f"the guard is broken: it cannot decide on {call}: {decision.unavailable}")
        return decision

    def _weakened(self, decision: Decision) -> bool:
        """True where the configuration gives a violated rule the very action that let the call pass."""
        enforcement = self._settings.enforcement
        return decision.allowed and any(enforcement.get(one.rule) == one.action for one in decision.violations)

    # -- the log and the surroundings of the pipeline ---------------------------------------------------------------

    def write(self, decision: Decision, _outcome: Outcome, _mode: str) -> None:
        """Keeps the decision for this run only."""
        self._decisions.append(decision)

    def not_sent(self, _decision_id: str, _why: str) -> None:
        """Nothing is sent."""

    def home(self, _call: Call, origin: Origin) -> Origin:
        """The small world is in every region."""
        return origin

    def break_glass(self, _now: float) -> Mapping[str, Any] | None:
        """Nothing is set aside."""
        return None

    def ask(self, _decision: Decision, _timeout_s: float) -> Confirmation:
        """Never confirms."""
        return Confirmation(given=False, why="the self-test asks nobody")

    def changed(self, _call: Call | None) -> None:
        """Nothing is remembered."""

    def denied(self, _decision: Decision) -> None:
        """Every call is denied, and none is reported."""

    def warn(self, sentence: str) -> None:
        """Nothing is reported."""


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


@contextmanager
def _no_tracebacks() -> Iterator[None]:
    """Botocore logs each request that cannot leave with a traceback, which a program at DEBUG would print."""
    logger, thread = logging.getLogger("botocore.endpoint"), threading.get_ident()

    def drop(record: logging.LogRecord) -> bool:
        return record.exc_info is None or record.thread != thread

    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)


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
    hide(client)
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
