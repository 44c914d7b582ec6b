"""The guard's own read-only requests to AWS: as the caller, in parallel, each at most once per `max_age_s`."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

from attrs import frozen
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import BotoCoreError, ClientError

from guardrails.aws.endpoints import is_aws
from guardrails.aws.sessions import without_profile
from guardrails.values import Answer, Lookup, LookupFailure, Origin

# A page as large as AWS gives, so that a look-up is one request up to 1,000 machines.
_PAGE = {"DescribeInstances": 1000, "DescribeSubnets": 1000, "DescribeNetworkInterfaces": 1000,
         "DescribeInstanceStatus": 1000, "DescribeVolumes": 500, "DescribeNatGateways": 1000,
         "DescribeRouteTables": 100, "DescribeNetworkAcls": 1000, "DescribeAutoScalingGroups": 100}  # fmt: skip
# Clients and answers kept per place (credentials, region, endpoint): a process works in a few places, not in many.
_PLACES = 16


@frozen
class Fetched:
    """The answers by `Lookup.key()`, what failed, and how many requests were made now (not served from memory)."""

    answers: Mapping[str, Answer]
    failures: tuple[LookupFailure, ...]
    requests: int

    @property
    def required_failures(self) -> tuple[LookupFailure, ...]:
        """The failures of look-ups that are not optional."""
        return tuple(failure for failure in self.failures if not failure.optional)

    def with_more(self, other: Fetched) -> Fetched:
        """Both rounds as one."""
        return Fetched(
            {**self.answers, **other.answers}, self.failures + other.failures, self.requests + other.requests
        )


class Answering(Protocol):
    """Whatever answers look-ups: AWS, or a snapshot of it."""

    def fetch(self, lookups: Iterable[Lookup], origin: Origin, /) -> Fetched:
        """Answer every look-up; never raises, what fails is in `failures`."""
        ...


class Lookups:
    """Makes look-ups with the credentials, region and endpoint of the intercepted call.

    The guard does not judge them, because no look-up is in the catalogue of what it judges.
    """

    def __init__(self, max_age_s: float, timeout_s: float, loader: Any) -> None:
        """`loader` is botocore's loader of service models: each takes a tenth of a second to read."""
        self._max_age_s = max_age_s
        self._timeout_s = timeout_s
        self._loader = loader
        self._start_over()

    def _start_over(self) -> None:
        self._pid = os.getpid()
        self._places: OrderedDict[tuple[Any, ...], _Place] = OrderedDict()
        self._lock = threading.Lock()

    def fetch(self, lookups: Iterable[Lookup], origin: Origin) -> Fetched:
        """Answer every look-up, from memory where it is young enough, else by requests made side by side.

        Never raises: what fails, or takes longer than `timeout_s` in all, is in `failures`.
        """
        self._notice_fork()
        place = self._place(origin)
        wanted = {lookup.key(): lookup for lookup in lookups}
        answers = place.young(wanted, self._max_age_s)
        missing = [lookup for key, lookup in wanted.items() if key not in answers]
        generation = place.generation
        failures: list[LookupFailure] = []
        for lookup, result in self._side_by_side(missing, place):
            if isinstance(result, LookupFailure):
                failures.append(result)
            else:
                answers[lookup.key()] = result
                place.keep(lookup.key(), result, generation)
        return Fetched(answers, tuple(failures), len(missing))

    def forget(self) -> None:
        """Drop every remembered answer: a call that changes the world is about to be sent, or has come back."""
        self._notice_fork()
        with self._lock:
            places = list(self._places.values())
        for place in places:
            place.clear()

    def _notice_fork(self) -> None:
        # A forked child has the parent's connections, on which the parent goes on talking, and its locks, which
        # threads that are not here may hold.
        if self._pid != os.getpid():
            self._start_over()

    def _place(self, origin: Origin) -> _Place:
        who = origin.credentials
        # Frozen credentials are equal by their keys; refreshable ones keep theirs to themselves.
        identity = who if isinstance(who, tuple) else id(who)
        key = (identity, origin.region, origin.home_region, origin.endpoint_url, origin.service, repr(origin.verify))
        with self._lock:
            place = self._places.get(key)
            if place is None:
                place = self._places[key] = _Place(origin, self._timeout_s, self._loader)
                while len(self._places) > _PLACES:
                    self._places.popitem(last=False)
            self._places.move_to_end(key)
        return place

    def _side_by_side(self, lookups: list[Lookup], place: _Place) -> Iterable[tuple[Lookup, Answer | LookupFailure]]:
        if len(lookups) < 2:
            return [(lookup, place.ask(lookup)) for lookup in lookups]
        try:
            futures = [(lookup, _asked(place, lookup)) for lookup in lookups]
        except RuntimeError:
            # No new threads while the interpreter shuts down: an atexit handler is judged all the same.
            return [(lookup, place.ask(lookup)) for lookup in lookups]
        deadline = time.monotonic() + self._timeout_s
        return [(lookup, _result(lookup, future, deadline, self._timeout_s)) for lookup, future in futures]


def _asked(place: _Place, lookup: Lookup) -> Future[Answer | LookupFailure]:
    """Asked in a thread that the end of the program does not wait for: an answer that never comes would hold it up."""
    future: Future[Answer | LookupFailure] = Future()
    threading.Thread(target=lambda: future.set_result(place.ask(lookup)), name="guardrails-lookup", daemon=True).start()
    return future


def _result(
    lookup: Lookup, future: Future[Answer | LookupFailure], deadline: float, timeout_s: float
) -> Answer | LookupFailure:
    try:
        return future.result(timeout=max(0.0, deadline - time.monotonic()))
    except FutureTimeout:
        return _failure(lookup, "Timeout", f"no answer within {timeout_s:g} s (lookup_timeout_s)")


def _failure(lookup: Lookup, code: str, message: str) -> LookupFailure:
    return LookupFailure(lookup.permission, code, message, lookup.permission, lookup.optional)


class _Place:
    """One account, region and endpoint: its clients and its young answers."""

    def __init__(self, origin: Origin, timeout_s: float, loader: Any) -> None:
        # Holding the credentials keeps their id(), which is part of the place's key, from being used again.
        self._origin = origin
        self._timeout_s = timeout_s
        self._loader = loader
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._answers: dict[str, Answer] = {}
        self._lock = threading.Lock()
        self.generation = 0

    def young(self, keys: Iterable[str], max_age_s: float) -> dict[str, Answer]:
        oldest = time.time() - max_age_s
        with self._lock:
            return {
                key: self._answers[key]
                for key in keys
                if key in self._answers and self._answers[key].observed_at >= oldest
            }

    def keep(self, key: str, answer: Answer, generation: int) -> None:
        with self._lock:
            # An answer asked for before a change was made is not kept after it.
            if generation == self.generation:
                self._answers[key] = answer

    def clear(self) -> None:
        with self._lock:
            self.generation += 1
            self._answers.clear()

    def ask(self, lookup: Lookup) -> Answer | LookupFailure:
        observed_at = time.time()
        try:
            return Answer(tuple(self._request(lookup)), observed_at)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "Unknown"))
            if code in lookup.empty_on:
                return Answer((), observed_at)
            text = str(error.response.get("Error", {}).get("Message", error))
            return _failure(lookup, code, text)
        except BotoCoreError as error:
            return _failure(lookup, type(error).__name__, str(error))
        except Exception as error:
            # Whatever breaks a look-up is a fact about it; the caller turns it into a denial.
            return _failure(lookup, type(error).__name__, str(error))

    def _request(self, lookup: Lookup) -> Iterable[Mapping[str, Any]]:
        client = self._client(lookup.service, lookup.region)
        model = client.meta.service_model.operation_model(lookup.operation)
        params = dict(lookup.params)
        if "IncludeManagedResources" in model.input_shape.members:
            params["IncludeManagedResources"] = True
        method = client.meta.method_to_api_mapping
        name = next(python for python, wire in method.items() if wire == lookup.operation)
        if not client.can_paginate(name):
            return _items(getattr(client, name)(**params), lookup.items)
        size = {"PageSize": _PAGE[lookup.operation]} if lookup.operation in _PAGE else {}
        pages = client.get_paginator(name).paginate(PaginationConfig=size, **params)
        return [item for page in pages for item in _items(page, lookup.items)]

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                client = self._clients[service, region] = self._create(service, region)
            return client

    def _region_of(self, service: str) -> str:
        origin = self._origin
        return origin.region if service == origin.service else origin.home_region or origin.region

    def _create(self, service: str, region: str) -> Any:
        origin = self._origin
        if self._session is None:
            # The object itself, not its keys: refreshable credentials go on refreshing in one place.
            self._session = without_profile(self._loader, _usable(origin.credentials))
        return self._session.create_client(
            service,
            region_name=region or self._region_of(service) or None,
            endpoint_url=_endpoint_for(service, origin),
            verify=origin.verify,
            config=Config(
                connect_timeout=min(3.0, self._timeout_s),
                read_timeout=self._timeout_s,
                retries={"mode": "standard", "total_max_attempts": 3},
                proxies=origin.proxies,
                # Side by side: beyond a pool's ten urllib3 throws a connection away after its answer.
                max_pool_connections=32,
                user_agent_extra="guardrails-lookup",
            ),
        )


def _usable(credentials: Any) -> Any:
    """Credentials that a session can use: those of a signature alone come frozen."""
    if isinstance(credentials, tuple):
        return Credentials(credentials[0], credentials[1], credentials[2])
    return credentials


def _items(page: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    found = page.get(member) or []
    return list(found) if isinstance(found, list) else [cast("Mapping[str, Any]", found)]


def _endpoint_for(service: str, origin: Origin) -> str | None:
    """The call's own endpoint for its own service, and for all services where it is not one of AWS's domains.

    A simulator or a gateway serves every service at one address; a VPC endpoint of EC2 serves only EC2.
    """
    host = urlsplit(origin.endpoint_url).hostname or ""
    if not host:
        return None
    if is_aws(host) and service != origin.service:
        return None
    return origin.endpoint_url
