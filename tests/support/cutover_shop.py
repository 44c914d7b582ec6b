"""A shop with two sides whose users come by an address, a listener and a DNS name, watched after every request."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.ec2.models import ec2_backends
from moto.elbv2.models import elbv2_backends
from moto.route53.models import route53_backends

from guardrails.cutover.hold import Hold
from guardrails.cutover.make import Made, Terms, make
from guardrails.cutover.runner import Runner
from guardrails.cutover.situation import look
from guardrails.cutover.times import Times
from guardrails.memory.sqlite.cutovers import SqliteCutovers
from tests.support.balancers import BehindBalancer

ACCOUNT, NAME = "123456789012", "www.example.com"
CHANGES = ("associate_address", "modify_listener", "modify_rule", "change_resource_record_sets", "put_parameter",
           "create_tags", "delete_tags")  # fmt: skip


class Killed(BaseException):
    """The process is gone."""


class Clock:
    """Virtual time, for waits as well as for who owns a cutover."""

    def __init__(self) -> None:
        self.seconds = 1_700_000_000.0

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Clocked(SqliteCutovers):
    """A host's memory in virtual time."""

    def __init__(self, path: Any, clock: Clock) -> None:
        super().__init__(path)
        self._clock = clock

    def now(self) -> float:
        return self._clock.clock()


class Healthy:
    """A gate; `unhealthy_after` changes it says that the new side fails."""

    def __init__(self, shop: Shop, unhealthy_after: int | None = None) -> None:
        self._shop, self._after = shop, unhealthy_after

    def problem(self) -> str:
        return "green fails" if self._after is not None and self._shop.changes >= self._after else ""


class Shop:
    """Blue is live by an address, a listener with a rule, and a weighted record; green is complete beside it."""

    def __init__(
        self, aws: Any, folder: Any, *, sizes: tuple[int, int] = (2, 3), addresses: int = 2, rule: bool = False
    ) -> None:
        self.aws, self.clock = aws, Clock()
        self.cutovers = Clocked(folder / "cutover.db", self.clock)
        self.blue = aws.start_cluster("blue", sizes[0], addresses=addresses)
        self.green = aws.start_cluster("green", sizes[1])
        self.known = {*self.blue.instance_ids, *self.green.instance_ids}
        self.ec2, self.route53 = aws.client("ec2"), aws.client("route53")
        self.balancer = BehindBalancer(aws)
        for side in (self.blue, self.green):
            self.balancer.group(side.name, side.instance_ids)
        self.listener = self.balancer.listener(443, blue=100, green=0)
        if rule:
            self.balancer.rule(self.listener, "/api/*", blue=1)
        self.zone = self.route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
        described = self.ec2.describe_instances()["Reservations"]
        machines = [machine for each in described for machine in each["Instances"]]
        self.private = {machine["InstanceId"]: machine["PrivateIpAddress"] for machine in machines}
        self.records(
            **{side.name: self.record(side, 100 if side is self.blue else 0) for side in (self.blue, self.green)}
        )
        self.changes, self.faults = 0, dict[int, Callable[[Callable[[], Any]], Any]]()
        self.dark: list[str] = []
        door = aws._up.door
        self._app, door._app = door._app, self._watched
        self._door = door
        self.check = lambda: None

    def close(self) -> None:
        self._door._app = self._app

    def record(self, side: Any, weight: int) -> dict[str, Any]:
        values = [{"Value": self.private[machine]} for machine in side.instance_ids]
        own = {"SetIdentifier": side.name, "Weight": weight}
        return {"Name": NAME, "Type": "A", "TTL": 30, "ResourceRecords": values, **own}

    def records(self, **records: Any) -> None:
        changes = [{"Action": "UPSERT", "ResourceRecordSet": record} for record in records.values()]
        self.route53.change_resource_record_sets(HostedZoneId=self.zone, ChangeBatch={"Changes": changes})

    # -- what users see ------------------------------------------------------------------------------------------

    def _watched(self, environ: Any, start_response: Any) -> Any:
        answer = self._app(environ, start_response)
        self.dark += self._dark()
        return answer

    def _dark(self) -> list[str]:
        """Entrances that lead nowhere now, straight from the simulation's state."""
        region = self.aws.region
        ec2, elb = ec2_backends[ACCOUNT][region], elbv2_backends[ACCOUNT][region]
        dark = []
        for address in ec2.describe_addresses():
            machine = address.instance or (address.eni.instance if address.eni else None)
            if machine is None or machine.id not in self.known or machine.state != "running":
                dark.append(f"{address.public_ip} is on {machine}")
        for balancer in elb.load_balancers.values():
            for listener in balancer.listeners.values():
                rules = [rule.actions for rule in listener.rules.values() if not rule.is_default]
                for actions in (listener.default_actions, *rules):
                    weights = _weights(actions)
                    serving = [arn for arn, weight in weights.items() if weight and elb.target_groups[arn].targets]
                    dark += [] if serving else [f"{listener.arn}: {weights}"]
        for zone in route53_backends[ACCOUNT]["aws"].zones.values():
            mine = [record for record in zone.rrsets if record.type == "A"]
            if not any((record.weight is None or int(record.weight)) and record.records for record in mine):
                dark.append("the name leads nowhere")
        return dark

    def state(self) -> Any:
        """All that a cutover changes, as AWS describes it."""
        elbv2 = self.balancer.elbv2
        addresses = self.ec2.describe_addresses()["Addresses"]
        return (
            sorted((each["PublicIp"], each["InstanceId"], each["PrivateIpAddress"]) for each in addresses),
            [each["DefaultActions"] for each in elbv2.describe_listeners(ListenerArns=[self.listener])["Listeners"]],
            [each["Actions"] for each in elbv2.describe_rules(ListenerArn=self.listener)["Rules"]],
            self.route53.list_resource_record_sets(HostedZoneId=self.zone)["ResourceRecordSets"],
        )

    # -- a cutover -----------------------------------------------------------------------------------------------

    def made(self, guard: Any, terms: Terms) -> Made:
        return make(look(guard, self.aws.client, "blue", "green"), terms)

    def clients(self, service: str) -> Any:
        """Clients whose changes are counted, and fail where `faults` says so."""
        return _Client(self, self._client(service))

    @functools.cache  # noqa: B019  (a shop lives as long as its tests)
    def _client(self, service: str) -> Any:
        return self.aws.client(service)

    def runner(self, hold: Hold, unhealthy_after: int | None = None) -> Runner:
        times = Times(self.clock.clock, self.clock.sleep)
        return Runner(hold, self.clients, Healthy(self, unhealthy_after), lambda _: None, times)

    def latest(self) -> Any:
        from guardrails.cutover.hold import latest

        return latest(self.cutovers, f"{ACCOUNT}/{self.aws.region}")


class _Client:
    def __init__(self, shop: Shop, client: Any) -> None:
        self._shop, self._client = shop, client

    def __getattr__(self, method: str) -> Any:
        call = getattr(self._client, method)
        if method not in CHANGES:
            return call

        def change(**params: Any) -> Any:
            self._shop.changes += 1
            fault = self._shop.faults.get(self._shop.changes)
            return fault(functools.partial(call, **params)) if fault else call(**params)

        return change


def _weights(actions: Any) -> dict[str, int]:
    weights: dict[str, int] = {}
    for action in actions:
        data = action.data if hasattr(action, "data") else action
        groups = (data.get("ForwardConfig") or {}).get("TargetGroups")
        if groups:
            weights |= {group["TargetGroupArn"]: int(group.get("Weight", 1)) for group in groups}
        elif data.get("TargetGroupArn"):
            weights[data["TargetGroupArn"]] = 1
    return weights
