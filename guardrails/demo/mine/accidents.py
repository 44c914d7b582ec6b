"""Ten typical accidents to the side that users reach, and one everyday call on another side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from guardrails.config.settings import Settings
from guardrails.demo.mine.account import Account, Item
from guardrails.resolve.balancers import target_id, weights
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region
from guardrails.values import frozen


@frozen
class Accident:
    """A call that someone makes by mistake; `params` is None where the account has nothing like that."""

    title: str
    service: str
    operation: str
    params: Mapping[str, Any] | None


class Site:
    """The copy of the account: what the live cluster has. Where none is known, the largest one counts as it."""

    def __init__(self, account: Account, settings: Settings, live: Iterable[str], empty_group: str | None) -> None:
        self._account, self._empty = account, empty_group
        names = {group["TargetGroupArn"]: group["TargetGroupName"] for group in account.groups}
        registered = [
            (target_id(item), names[arn]) for arn, items in account.targets.items() if arn in names for item in items
        ]
        inventory = Inventory(
            Region(account.reservations, 0.0), account.addresses, Ownership.configured(settings), registered
        )
        self._inventory = inventory
        sizes = {name: len(self._present(name)) for name in inventory.members}
        by_size = sorted((name for name in sizes if sizes[name]), key=lambda name: (-sizes[name], name))
        live = {*live}
        self.cluster = next((name for name in by_size if name in live), by_size[0] if by_size else "")
        self.machines = self._present(self.cluster)
        self.other = next((name for name in by_size if name not in {*live, self.cluster}), "")

    def _present(self, cluster: str) -> list[Machine]:
        return [machine for machine in self._inventory.members.get(cluster, ()) if machine.present]

    def accidents(self) -> list[Accident]:
        """Ten, in the order of how often they happen."""
        ids = [machine.id for machine in self.machines]
        group, balancer, listener = self._group(), self._balancer(), self._listener()
        return [
            _of("terminate all its machines", "ec2", "TerminateInstances", ids, lambda: {"InstanceIds": ids}),
            _of("stop all its machines", "ec2", "StopInstances", ids, lambda: {"InstanceIds": ids}),
            _of("release one of its addresses", "ec2", "ReleaseAddress", self._address(), lambda: {
                "AllocationId": self._address()}),
            _of("delete a subnet that it is in", "ec2", "DeleteSubnet", self._subnet(), lambda: {
                "SubnetId": self._subnet()}),
            _of("detach a disk", "ec2", "DetachVolume", self._volume(), lambda: {"VolumeId": self._volume()}),
            _of("switch its listener to a side without machines", "elbv2", "ModifyListener", listener, lambda: {
                "ListenerArn": listener,
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": self._empty}]}),
            _of("deregister its machines from their target group", "elbv2", "DeregisterTargets", group, lambda: {
                "TargetGroupArn": group,
                "Targets": [{"Id": target_id(item)} for item in self._account.targets[group or ""]]}),
            _of("delete its load balancer", "elbv2", "DeleteLoadBalancer", balancer, lambda: {
                "LoadBalancerArn": balancer}),
            _of("scale its group to 0", "autoscaling", "SetDesiredCapacity", self._scaling(), lambda: {
                "AutoScalingGroupName": self._scaling(), "DesiredCapacity": 0}),
            _of("delete its group", "autoscaling", "DeleteAutoScalingGroup", self._scaling(), lambda: {
                "AutoScalingGroupName": self._scaling(), "ForceDelete": True}),
        ]  # fmt: skip

    def everyday(self) -> Accident:
        """Retiring a cluster that is not live."""
        ids = [machine.id for machine in self._present(self.other)]
        title = f"terminate the machines of {self.other or 'a cluster that is not live'}"
        return _of(title, "ec2", "TerminateInstances", ids, lambda: {"InstanceIds": ids})

    def _address(self) -> str | None:
        held = [address for machine in self.machines for address in self._inventory.addresses_of(machine.id)]
        return next((address["AllocationId"] for address in held), None)

    def _subnet(self) -> str | None:
        return next((subnet for machine in self.machines for subnet in machine.subnets), None)

    def _volume(self) -> str | None:
        return next((volume for machine in self.machines for volume in machine.volumes), None)

    def _groups(self) -> list[str]:
        """The target groups with machines of it."""
        ours = {name for machine in self.machines for name in (machine.id, *machine.private_ips)}
        return [arn for arn, items in self._account.targets.items() if ours & {target_id(item) for item in items}]

    def _listeners(self) -> list[Item]:
        """The listeners that forward to those, by weight or by a rule."""
        groups = {*self._groups()}

        def forwards(actions: Iterable[Item]) -> bool:
            return any(group in groups and weight > 0 for group, weight in weights(actions))

        return [
            listener
            for listener in self._account.listeners
            if forwards(listener.get("DefaultActions") or ())
            or any(forwards(rule["Actions"]) for rule in self._account.rules.get(listener["ListenerArn"], ()))
        ]

    def _group(self) -> str | None:
        fed = {group for listener in self._listeners() for group, _ in weights(listener.get("DefaultActions") or ())}
        return next((group for group in self._groups() if group in fed), None) or next(iter(self._groups()), None)

    def _listener(self) -> str | None:
        found = next((str(listener["ListenerArn"]) for listener in self._listeners()), None)
        return found if self._empty else None

    def _balancer(self) -> str | None:
        return next((str(listener["LoadBalancerArn"]) for listener in self._listeners()), None)

    def _scaling(self) -> str | None:
        ours = {machine.id for machine in self.machines}
        for group in self._account.scaling:
            if ours & {member["InstanceId"] for member in group.get("Instances") or ()}:
                return str(group["AutoScalingGroupName"])
        return None


def _of(title: str, service: str, operation: str, needs: object, params: Callable[[], Mapping[str, Any]]) -> Accident:
    return Accident(title, service, operation, params() if needs else None)
