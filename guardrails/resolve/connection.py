"""The clients through which the guard asks one account, region and endpoint, with the credentials of the call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError, EndpointConnectionError

from guardrails.aws.endpoints import has_fips, is_aws
from guardrails.aws.in_time import end_in_time
from guardrails.aws.sessions import without_profile
from guardrails.aws.uninstrumented import hide
from guardrails.aws.xml_answers import XmlAnswers
from guardrails.errors import shortened
from guardrails.resolve import program
from guardrails.resolve.own_requests import OwnRequests
from guardrails.values import Answer, Lookup, LookupFailure, Origin, frozen

# The largest page that AWS returns, so that a look-up is one request up to 1,000 machines.
_PAGE = {"DescribeInstances": 1000, "DescribeSubnets": 1000, "DescribeNetworkInterfaces": 1000,
         "DescribeInstanceStatus": 1000, "DescribeVolumes": 500, "DescribeNatGateways": 1000,
         "DescribeRouteTables": 100, "DescribeNetworkAcls": 1000, "DescribeSecurityGroupRules": 1000,
         "DescribeAutoScalingGroups": 100}  # fmt: skip
_CONNECT_S = 3.0
_ATTEMPTS = 3
_FIPS, _DUAL = "use_fips_endpoint", "use_dualstack_endpoint"


class UnexpectedAnswer(Exception):
    """A look-up was answered with success and a document of another shape: that is not an answer."""


@frozen(eq=False)
class _Operation:
    """How a client sends one operation: `pages` makes the iterator of its pages, None where it has none."""

    send: Callable[..., Mapping[str, Any]]
    pages: Callable[..., Iterable[Mapping[str, Any]]] | None
    managed: bool


class Connection:
    """Sends look-ups as the caller, with one client for each service and region. Safe to use from several threads."""

    def __init__(self, origin: Origin, timeout_s: float, loader: Any, own: OwnRequests) -> None:
        """`loader` is botocore's loader of service models; `own` counts the requests and says when it is their turn."""
        # `Lookups` tells connections of refreshable credentials apart by their id(): holding them keeps it theirs.
        self._origin = origin
        self._timeout_s = timeout_s
        self._loader = loader
        self._own = own
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._operations: dict[tuple[str, str, str], _Operation] = {}
        # The services that have no host for IPv6.
        self._plain: set[str] = set()
        self._lock = threading.Lock()

    def ask(self, lookup: Lookup) -> Answer | LookupFailure:
        """The answer, with all its pages. Never raises."""
        observed_at = time.time()
        try:
            if lookup.is_program:
                return program.run(lookup, self._timeout_s)
            items, whole = self._somewhere(lookup)
            return Answer(tuple(items), observed_at, whole)
        except ClientError as error:
            details = error.response.get("Error", {})
            code = str(details.get("Code", "Unknown"))
            if code in lookup.empty_on:
                return Answer((), observed_at)
            return failure(lookup, code, str(details.get("Message", error)))
        except Exception as error:
            # Whatever breaks a look-up is a fact about it; the caller turns it into a denial.
            # botocore quotes a document that it cannot parse: it may be long, and have secrets.
            said = str(error).partition(", invalid XML received")[0]
            return failure(lookup, type(error).__name__, shortened(said))

    def _somewhere(self, lookup: Lookup) -> tuple[Iterable[Mapping[str, Any]], bool]:
        try:
            return self._request(lookup)
        except EndpointConnectionError:
            # Not every service has the host that botocore makes of its name.
            if not self._origin.way.get(_DUAL) or lookup.service in self._plain:
                raise
        with self._lock:
            self._plain.add(lookup.service)
            self._clients = {key: client for key, client in self._clients.items() if key[0] != lookup.service}
            self._operations = {key: each for key, each in self._operations.items() if key[0] != lookup.service}
        return self._request(lookup)

    def _request(self, lookup: Lookup) -> tuple[Iterable[Mapping[str, Any]], bool]:
        operation = self._operation(lookup.service, lookup.region, lookup.operation)
        params = dict(lookup.params)
        if operation.managed:
            params["IncludeManagedResources"] = True
        if lookup.sample or operation.pages is None:
            return _items(operation.send(**params), lookup.items), True
        # AWS takes no page size beside ids.
        sized = lookup.operation in _PAGE and not {"InstanceIds", "VolumeIds", "MaxResults"} & params.keys()
        size = {"PageSize": _PAGE[lookup.operation]} if sized else {}
        pages = operation.pages(PaginationConfig=size, **params)
        if lookup.first_page:
            page = next(iter(pages))
            return _items(page, lookup.items), not page.get("NextToken")
        return [item for page in pages for item in _items(page, lookup.items)], True

    def _operation(self, service: str, region: str, name: str) -> _Operation:
        """Kept, since botocore makes a class for each paginator, and a client of EC2 has 700 names to search."""
        operation = self._operations.get((service, region, name))
        if operation is None:
            client = self._client(service, region)
            method = next(method for method, each in client.meta.method_to_api_mapping.items() if each == name)
            operation = self._operations[service, region, name] = _Operation(
                send=getattr(client, method),
                pages=client.get_paginator(method).paginate if client.can_paginate(method) else None,
                managed="IncludeManagedResources"
                in client.meta.service_model.operation_model(name).input_shape.members,
            )
        return operation

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            client = self._clients.get((service, region))
            if client is None:
                client = self._clients[service, region] = self._create(service, region)
            return client

    def _create(self, service: str, region: str) -> Any:
        origin = self._origin
        if self._session is None:
            # The object itself, not its keys: refreshable credentials go on refreshing in one place.
            self._session = without_profile(self._loader, _usable(origin.credentials))
            self._session.register_component("response_parser_factory", XmlAnswers())
        region = region or self._region_of(service)
        endpoint = endpoint_for(service, origin)
        client = self._session.create_client(
            service,
            region_name=region or None,
            endpoint_url=endpoint,
            verify=origin.verify,
            config=Config(
                connect_timeout=min(_CONNECT_S, self._timeout_s),
                read_timeout=self._timeout_s,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                proxies=origin.proxies,
                # Look-ups run in parallel, and urllib3 closes connections beyond the pool's size (10 by default).
                max_pool_connections=32,
                user_agent_extra="guardrails-lookup",
                **self._way(service, region, endpoint),
            ),
        )
        hide(client)
        self._own.watch(client)
        end_in_time(client, "lookup_timeout_s")
        return client

    def _way(self, service: str, region: str, endpoint: str | None) -> dict[str, Any]:
        """The client's own settings; which host is not asked where one is given, and only for one that there is."""
        way = {**self._origin.way}
        # Said in any case: the environment may say the opposite.
        way[_DUAL] = bool(way.get(_DUAL) and endpoint is None and service not in self._plain)
        way[_FIPS] = bool(way.get(_FIPS) and endpoint is None and has_fips(self._session, service, region))
        return way

    def _region_of(self, service: str) -> str:
        origin = self._origin
        return origin.region if service == origin.service else origin.home_region or origin.region


def failure(lookup: Lookup, code: str, message: str) -> LookupFailure:
    """What is known of a look-up that got no answer."""
    return LookupFailure(lookup.permission, code, message, lookup.permission, lookup.optional, key=hash(lookup.key()))


def endpoint_for(service: str, origin: Origin) -> str | None:
    """The call's own endpoint for its own service, and for every service where it is not one of AWS's domains.

    A simulator or a gateway serves every service at one address; a VPC endpoint of EC2 serves only EC2. None leaves the
    choice to botocore.
    """
    host = urlsplit(origin.endpoint_url).hostname or ""
    # A bucket may be in another region: with an endpoint that is given, botocore does not follow S3 there.
    moves = service == "s3" and ".vpce." not in host
    if not host or (is_aws(host) and (service != origin.service or moves)):
        return None
    return origin.endpoint_url


def _usable(credentials: Any) -> Any:
    """Credentials that a session accepts: those read from a signature are a tuple."""
    return Credentials(*credentials[:3]) if isinstance(credentials, tuple) else credentials


def _items(page: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    # Of a dry run nothing is read.
    if not member:
        return []
    if member == "@":
        return [{name: value for name, value in page.items() if name != "ResponseMetadata"}]
    # botocore leaves out what a document does not have: an empty list is an answer, a missing one is not.
    if member not in page:
        raise UnexpectedAnswer(f"the answer has no {member}, so it does not answer this look-up")
    items = page[member] if isinstance(page[member], list) else [page[member]]
    # Of an item that is something else than AWS describes, botocore leaves nothing.
    if not all(items):
        raise UnexpectedAnswer(f"the answer has a {member} with nothing in it, so it does not answer this look-up")
    return cast("list[Mapping[str, Any]]", items)
