"""What becomes of calls while look-ups fail: every fault against calls on the live cluster, on staging, and others.

Each call goes to a server that counts what arrives. A fault strikes all look-ups of the call at once, and each of them
alone; a cell has every outcome.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from attrs import field, frozen
from botocore.config import Config
from botocore.exceptions import ClientError

import guardrails
from guardrails.resolve import kept_answers
from guardrails.resolve.connection import Connection
from guardrails.testing import SimulatedAWS
from guardrails.waiting.clock import monotonic
from tests.faults import answers
from tests.faults.proxy import Answer, Proxy

SENT, UNAVAILABLE, DENIED = "sent", "unavailable", "denied"
# Longer than evidence may be old, on the clock that nobody sets.
_LATER_S = 100


@frozen
class Outcome:
    """What became of a call: ``sent``, ``unavailable``, or ``denied`` by these rules."""

    word: str
    rules: tuple[str, ...] = ()


@frozen
class Site:
    """A shop on simulated AWS: blue is live; green is the staging side, which came first."""

    machine: str
    volume: str
    association: str
    public_ip: str
    route_table: str
    group: str
    staging: str

    @property
    def ids(self) -> tuple[str, ...]:
        """What the calls name, as answers have it."""
        blue = (self.machine, self.volume, self.association, self.route_table, self.group, "blue-db")
        return (*blue, self.staging)


@frozen
class Column:
    """A kind of call: a client's service and method, and its parameters for a site."""

    title: str
    service: str
    method: str
    params: Callable[[Site], Mapping[str, Any]]


LIVE = (
    Column("live terminate", "ec2", "terminate_instances", lambda site: {"InstanceIds": [site.machine]}),
    Column("live disk", "ec2", "detach_volume", lambda site: {"VolumeId": site.volume}),
    Column("live address", "ec2", "disassociate_address", lambda site: {"AssociationId": site.association}),
    Column("live route", "ec2", "delete_route", lambda site: {
        "RouteTableId": site.route_table, "DestinationCidrBlock": "0.0.0.0/0"}),
    Column("live target group", "elbv2", "delete_target_group", lambda site: {"TargetGroupArn": site.group}),
    Column("live database", "rds", "delete_db_instance", lambda _: {"DBInstanceIdentifier": "blue-db"}),
)  # fmt: skip
STAGING = Column("staging terminate", "ec2", "terminate_instances", lambda site: {"InstanceIds": [site.staging]})
UNGOVERNED = Column("ungoverned", "ec2", "create_key_pair", lambda _: {"KeyName": "deploy"})
COLUMNS = (*LIVE, STAGING, UNGOVERNED)


@frozen
class Row:
    """A fault: what look-ups are answered with, or what happens in the process `around` the calls.

    It strikes all look-ups at once, and then each `alone`. Before, the guard has looked at the world through `before`.
    """

    title: str
    answer: Answer | None = None
    alone: bool = field(default=False, kw_only=True)
    config: Mapping[str, Any] = field(factory=dict)
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    before: Answer | None = None


@contextmanager
def _patched(owner: Any, name: str, value: Any) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _broken() -> AbstractContextManager[None]:
    def fail(*_: Any) -> None:
        raise RuntimeError("the library that was updated yesterday")

    return _patched(Connection, "_request", fail)


@contextmanager
def _later(wall_clock: Callable[[], float]) -> Iterator[None]:
    """Long after what the guard remembers was looked up, while the wall clock says this."""
    with _patched(kept_answers, "monotonic", lambda: monotonic() + _LATER_S), _patched(time, "time", wall_clock):
        yield


def _stepped(seconds: float) -> AbstractContextManager[None]:
    original = time.time
    return _later(lambda: original() + seconds)


def _stopped() -> AbstractContextManager[None]:
    now = time.time()
    return _later(lambda: now)


def rows(site: Site) -> tuple[Row, ...]:
    """Every fault."""
    slow = {"lookup_timeout_s": 0.2}
    # The staging side was live a moment ago.
    switched = {"params": {"rollback_window_s": 0}}
    # Until the clock steps, another world is the true one: the addresses are on the staging side.
    swapped = answers.document(lambda text: _swap(text, site.machine, site.staging))
    return (
        Row("exception in the guard", around=_broken),
        Row("connection lost", answers.lost, slow),
        Row("time-out", answers.silent, slow),
        Row("slow drip", answers.dripping, slow),
        Row("HTTP 500", answers.refused(500, "InternalError"), slow),
        Row("throttled", answers.refused(503, "RequestLimitExceeded"), slow),
        Row("access denied", answers.refused(403, "AccessDenied"), alone=True),
        Row("expired credentials", answers.refused(400, "ExpiredToken"), alone=True),
        Row("empty body", answers.document(answers.nothing), alone=True),
        Row("empty document", answers.document(answers.hollow), alone=True),
        Row("foreign document", answers.document(answers.foreign), alone=True),
        Row("body cut off", answers.cut, slow),
        Row("half a document", answers.document(answers.half), alone=True),
        Row("wrong types", answers.document(answers.other_types), alone=True),
        Row("empty list", answers.document(answers.empty), alone=True),
        Row("list without the targets", answers.document(answers.without(site.ids)), alone=True),
        Row("first page only", answers.document(answers.first_page), alone=True),
        Row("another account", answers.document(answers.of_another_account), alone=True),
        Row("older than `max_fact_age_s`", answers.late(0.1), {"max_fact_age_s": 0.1}, alone=True),
        Row("clock an hour back", None, switched, lambda: _stepped(-3600), swapped),
        Row("clock an hour ahead", None, switched, lambda: _stepped(3600), swapped),
        Row("clock stands still", None, switched, _stopped, swapped),
    )


def _swap(text: str, one: str, other: str) -> str:
    if "DescribeAddressesResponse" not in text:
        return text
    return text.replace(one, "\0").replace(other, one).replace("\0", other)


def build(aws: SimulatedAWS) -> Site:
    """Green first, so that blue is on later pages; then blue, whose machine in question comes last."""
    ec2, elbv2, rds = aws.client("ec2"), aws.client("elbv2"), aws.client("rds")
    staging = aws.start_cluster("green", 1).instance_ids[0]
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.1.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    aws.start_cluster("blue", 1, subnet=subnet, addresses=1)
    blue = aws.start_cluster("blue", 1, subnet=subnet, addresses=1)
    machine = blue.instance_ids[0]
    group = elbv2.create_target_group(Name="blue", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    elbv2.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": machine}])
    for name in ("green", "blue"):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-db", DBInstanceClass="db.t3.small", Engine="postgres", AllocatedStorage=20,
            MasterUsername="admin1", MasterUserPassword="not-a-secret", Tags=[{"Key": "Cluster", "Value": name}],
        )  # fmt: skip
    (volume,) = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": [machine]}])["Volumes"]
    (address,) = ec2.describe_addresses(AllocationIds=list(blue.allocation_ids))["Addresses"]
    return Site(
        machine, volume["VolumeId"], address["AssociationId"], blue.public_ips[0], table,
        group["TargetGroupArn"], staging,
    )  # fmt: skip


@frozen
class Stage:
    """Where calls are tried: clients that reach the simulated AWS through the proxy."""

    aws: SimulatedAWS
    site: Site
    proxy: Proxy
    clients: Mapping[str, Any]

    def attempt(self, column: Column) -> Outcome:
        """Make the call; whether it was sent is counted at the server."""
        client, params = self.clients[column.service], column.params(self.site)
        operation = client.meta.method_to_api_mapping[column.method]
        before = self._arrived(operation, params)
        try:
            getattr(client, column.method)(**params)
        except guardrails.GuardUnavailable:
            outcome = Outcome(UNAVAILABLE)
        except guardrails.CallDenied as error:
            outcome = Outcome(DENIED, tuple(sorted({each.rule for each in error.decision.violations})))
        except ClientError as error:
            outcome = Outcome(SENT if error.response["Error"]["Code"] == "Arrived" else str(error))
        assert (self._arrived(operation, params) > before) == (outcome.word == SENT), (column.title, outcome)
        return outcome

    def _arrived(self, operation: str, params: Mapping[str, Any]) -> int:
        wanted = {str(value[0] if isinstance(value, list) else value) for value in params.values()}
        return sum(each.operation == operation and wanted <= {*each.params.values()} for each in self.aws.requests)


@contextmanager
def stage(aws: SimulatedAWS) -> Iterator[Stage]:
    """An account with a shop, in which no call of the columns changes anything: each is answered with an error."""
    site = build(aws)
    with Proxy(aws.endpoint_url) as proxy:
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=len(COLUMNS))
        session = aws.session()
        services = {column.service for column in COLUMNS}
        clients = {service: session.client(service, endpoint_url=proxy.endpoint, config=config) for service in services}
        for column in COLUMNS:
            operation = clients[column.service].meta.method_to_api_mapping[column.method]
            aws.answer(operation, 400, "Arrived", "it arrived")
        yield Stage(aws, site, proxy, clients)


def _asked(scene: Stage, guard: guardrails.Guard) -> dict[str, tuple[str, ...]]:
    """The look-ups of each column's call, by its title."""
    asked = {}
    for column in COLUMNS:
        scene.proxy.asked.clear()
        guard._lookups.forget()
        scene.attempt(column)
        asked[column.title] = tuple(dict.fromkeys(scene.proxy.asked))
    return asked


def cells(aws: SimulatedAWS, folder: Path) -> dict[str, dict[str, frozenset[Outcome]]]:
    """Every outcome, by row and column. Log and memory are kept in `folder`."""
    with stage(aws) as scene:
        result: dict[str, dict[str, frozenset[Outcome]]] = {}
        asked: dict[str, tuple[str, ...]] = {}
        for number, row in enumerate((Row("complete"), *rows(scene.site))):
            files = {"log": {"path": str(folder / "log.jsonl")}, "state": {"path": str(folder / f"{number}.db")}}
            guard = guardrails.install({**files, "max_fact_age_s": 60, **row.config})
            try:
                asked = asked or _asked(scene, guard)
                result[row.title] = _row(scene, guard, row, asked)
            finally:
                guardrails.uninstall()
        return result


def _row(
    scene: Stage, guard: guardrails.Guard, row: Row, asked: Mapping[str, tuple[str, ...]]
) -> dict[str, frozenset[Outcome]]:
    every = sorted({operation for operations in asked.values() for operation in operations})
    struck = [frozenset(every), *(frozenset([operation]) for operation in every if row.alone)]
    outcomes: dict[str, set[Outcome]] = {column.title: set() for column in COLUMNS}
    with ThreadPoolExecutor(len(COLUMNS)) as pool:
        for operations in struck:
            # A call without look-ups is made once.
            all_at_once = len(operations) == len(every)
            concerned = [column for column in COLUMNS if all_at_once or operations & {*asked[column.title]}]
            guard._lookups.forget()
            _remember(scene, guard, row)
            scene.proxy.answer, scene.proxy.operations = row.answer, operations
            with row.around():
                results = [(column, pool.submit(scene.attempt, column)) for column in concerned]
                for column, result in results:
                    outcomes[column.title].add(result.result())
            scene.proxy.answer = None
    return {title: frozenset(each) for title, each in outcomes.items()}


def _remember(scene: Stage, guard: guardrails.Guard, row: Row) -> None:
    """Have the guard look at the world as it was `before`."""
    if row.before is None:
        return
    scene.proxy.answer, scene.proxy.operations = row.before, None
    for column in COLUMNS:
        client = scene.clients[column.service]
        guard.check(client, column.method, **column.params(scene.site))
