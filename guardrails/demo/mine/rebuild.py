"""An account built again in the simulated AWS, as far as it shows what users reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from guardrails.demo.mine.account import Account, Item
from guardrails.resolve.balancers import machines_of, receiving, target_id
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.region import Region
from guardrails.testing import SimulatedAWS

# Starting more would take minutes.
_MACHINES = 2000
_SUBNETS = 16
_IMAGE = "ami-12345678"
_PROTOCOLS = {"application": "HTTP", "network": "TCP"}


class Rebuilt:
    """The copy of an account. `ids` has the copy's id for each id of the account, `gaps` says what is missing."""

    def __init__(self, aws: SimulatedAWS, account: Account) -> None:
        self.ids: dict[str, str] = {}
        self.gaps: list[str] = []
        self._to_stop: list[str] = []
        self._aws, self._account = aws, account
        self._ec2, self._elbv2 = aws.client("ec2"), aws.client("elbv2")
        self._inventory = Inventory(Region(account.reservations, 0.0), account.addresses, Ownership())
        self._start()
        for address in account.addresses:
            with self._trying(f"the Elastic IP {address.get('PublicIp')}"):
                self._address(address)
        for balancer in account.balancers:
            with self._trying(f"the load balancer {balancer['LoadBalancerName']}"):
                self._balancer(balancer)
        for group in account.groups:
            with self._trying(f"the target group {group['TargetGroupName']}"):
                self._group(group)
        for listener in account.listeners:
            with self._trying(f"the listener {listener['ListenerArn']}"):
                self._listener(listener)
        for scaling in account.scaling:
            with self._trying(f"the Auto Scaling group {scaling['AutoScalingGroupName']}"):
                self._scaling(scaling)
        # Only running machines are registered and given addresses.
        if self._to_stop:
            self._ec2.stop_instances(InstanceIds=self._to_stop)
        self.gaps += [f"the classic load balancer {each['LoadBalancerName']}" for each in account.classic]

    @contextmanager
    def _trying(self, what: str) -> Iterator[None]:
        """What the simulation does not take, or what names something that was not built, is a gap."""
        try:
            yield
        except (ClientError, BotoCoreError, LookupError, ValueError) as error:
            reason = f"{error} is not there" if isinstance(error, LookupError) else str(error)
            self.gaps.append(f"{what}: {reason}")

    def _start(self) -> None:
        machines = self._account.machines
        if len(machines) > _MACHINES:
            self.gaps.append(f"{len(machines) - _MACHINES} of {len(machines)} machines")
        alike: dict[tuple[str, bool, tuple[tuple[str, str], ...]], list[str]] = defaultdict(list)
        for machine in machines[:_MACHINES]:
            # Names differ from machine to machine, and say nothing of what users reach.
            tags = sorted((tag["Key"], tag["Value"]) for tag in machine.get("Tags") or () if tag["Key"] != "Name")
            stopped = machine["State"]["Name"] in ("stopping", "stopped")
            alike[machine.get("SubnetId") or "", stopped, tuple(tags)].append(machine["InstanceId"])
        self._networks({machine["SubnetId"]: machine["VpcId"] for machine in machines if machine.get("SubnetId")})
        for (subnet, stopped, pairs), names in alike.items():
            with self._trying(f"{len(names)} machines in subnet {subnet or 'without a name'}"):
                self._machines(names, self.ids.get(subnet), dict(pairs), stopped=stopped)

    def _networks(self, subnets: Mapping[str, str]) -> None:
        by_vpc: dict[str, list[str]] = defaultdict(list)
        for subnet, vpc in sorted(subnets.items()):
            by_vpc[vpc].append(subnet)
        for number, (vpc, members) in enumerate(by_vpc.items()):
            self.ids[vpc] = self._ec2.create_vpc(CidrBlock=f"10.{number % 256}.0.0/16")["Vpc"]["VpcId"]
            for place, subnet in enumerate(members):
                if place >= _SUBNETS:
                    # Its machines are started in the first one.
                    self.gaps.append(f"the subnet {subnet}, with its machines in {members[0]} instead")
                    self.ids[subnet] = self.ids[members[0]]
                    continue
                cidr = f"10.{number % 256}.{place * 16}.0/20"
                made = self._ec2.create_subnet(VpcId=self.ids[vpc], CidrBlock=cidr)
                self.ids[subnet] = made["Subnet"]["SubnetId"]

    def _machines(self, names: list[str], subnet: str | None, tags: Mapping[str, str], *, stopped: bool) -> None:
        more: dict[str, Any] = {"SubnetId": subnet} if subnet else {}
        if tags:
            pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
            more["TagSpecifications"] = [{"ResourceType": "instance", "Tags": pairs}]
        count = {"MinCount": len(names), "MaxCount": len(names)}
        started = self._ec2.run_instances(ImageId=_IMAGE, InstanceType="t3.small", **count, **more)["Instances"]
        originals = {made["InstanceId"]: name for name, made in zip(names, started, strict=True)}
        self.ids |= {name: made for made, name in originals.items()}
        self._to_stop += [made["InstanceId"] for made in started if stopped]
        described = self._ec2.describe_instances(InstanceIds=[made["InstanceId"] for made in started])
        for made in (each for reservation in described["Reservations"] for each in reservation["Instances"]):
            disks = [disk["Ebs"]["VolumeId"] for disk in made["BlockDeviceMappings"]]
            self._parts(originals[made["InstanceId"]], made["PrivateIpAddress"], disks)

    def _parts(self, name: str, private_ip: str, disks: list[str]) -> None:
        """The first private address and the disks of a machine, as far as the copy has them."""
        original = self._inventory.machines[name]
        self.ids |= {f"{name} {address}": private_ip for address in original.private_ips[:1]}
        self.ids |= dict(zip(original.volumes, disks, strict=False))

    def _address(self, address: Item) -> None:
        holders = self._inventory.holders_of(address)
        if address.get("AssociationId") and len(holders) != 1:
            raise ValueError("it is not on a machine")
        made = self._ec2.allocate_address(Domain="vpc")
        self.ids[address["PublicIp"]] = made["PublicIp"]
        if address.get("AllocationId"):
            self.ids[address["AllocationId"]] = made["AllocationId"]
        if address.get("Tags"):
            self._ec2.create_tags(Resources=[made["AllocationId"]], Tags=list(address["Tags"]))
        if holders:
            self._ec2.associate_address(AllocationId=made["AllocationId"], InstanceId=self.ids[holders[0].id])

    def _balancer(self, balancer: Item) -> None:
        kind = balancer.get("Type", "application")
        if kind not in _PROTOCOLS:
            raise ValueError(f"its type is {kind}")
        known = [zone.get("SubnetId") for zone in balancer.get("AvailabilityZones") or ()]
        subnets = [self.ids[subnet] for subnet in known if subnet in self.ids]
        vpc = self.ids[balancer["VpcId"]]
        if not subnets:
            described = self._ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
            subnets = [described[0]["SubnetId"]]
        made = self._elbv2.create_load_balancer(
            Name=balancer["LoadBalancerName"], Subnets=subnets, Type=kind,
            Scheme=balancer.get("Scheme", "internet-facing"),
        )["LoadBalancers"][0]  # fmt: skip
        self.ids[balancer["LoadBalancerArn"]] = made["LoadBalancerArn"]

    def _group(self, group: Item) -> None:
        kind = group.get("TargetType", "instance")
        if kind not in ("instance", "ip"):
            raise ValueError(f"its targets are of type {kind}")
        protocol = _protocol(group)
        made = self._elbv2.create_target_group(
            Name=group["TargetGroupName"], Protocol=protocol, Port=group.get("Port") or 80,
            VpcId=self.ids[group["VpcId"]], TargetType=kind,
        )["TargetGroups"][0]  # fmt: skip
        self.ids[group["TargetGroupArn"]] = made["TargetGroupArn"]
        registered = self._account.targets.get(group["TargetGroupArn"], ())
        served = [item for item in registered if item in receiving(registered) or self._stopped(target_id(item))]
        if len(served) < len(registered):
            # In the simulation each target on a running machine is healthy.
            left = len(registered) - len(served)
            self.gaps.append(f"of {group['TargetGroupName']} {left} unhealthy targets, which get no requests")
        targets = [self._target(target_id(item)) for item in served]
        if targets:
            self._elbv2.register_targets(
                TargetGroupArn=made["TargetGroupArn"], Targets=[{"Id": target} for target in targets]
            )

    def _stopped(self, target: str) -> bool:
        return any(machine.state == "stopped" for machine in machines_of(target, self._inventory))

    def _target(self, name: str) -> str:
        if name in self.ids:
            return self.ids[name]
        machine = self._inventory.on("private-ip", name)[0].id
        return self.ids.get(f"{machine} {name}") or self._further_address(machine, name)

    def _further_address(self, machine: str, address: str) -> str:
        """A secondary private address, such as that of a pod."""
        described = self._ec2.describe_instances(InstanceIds=[self.ids[machine]])["Reservations"][0]["Instances"][0]
        interface = described["NetworkInterfaces"][0]["NetworkInterfaceId"]
        made = self._ec2.assign_private_ip_addresses(NetworkInterfaceId=interface, SecondaryPrivateIpAddressCount=1)
        new: str = made["AssignedPrivateIpAddresses"][0]["PrivateIpAddress"]
        self.ids[f"{machine} {address}"] = new
        return new

    def _listener(self, listener: Item) -> None:
        balancer = self.ids[listener["LoadBalancerArn"]]
        protocol = _protocol(listener)
        made = self._elbv2.create_listener(
            LoadBalancerArn=balancer, Port=listener["Port"], Protocol=protocol,
            DefaultActions=self._actions(listener.get("DefaultActions") or ()),
        )["Listeners"][0]  # fmt: skip
        arn = self.ids[listener["ListenerArn"]] = made["ListenerArn"]
        for rule in self._account.rules.get(listener["ListenerArn"], ()):
            if rule.get("Priority") != "default":
                with self._trying(f"the rule {rule['RuleArn']}"):
                    self._rule(arn, rule)

    def _rule(self, listener: str, rule: Item) -> None:
        conditions = [_condition(each) for each in rule.get("Conditions") or ()]
        made = self._elbv2.create_rule(
            ListenerArn=listener, Priority=int(rule["Priority"]), Conditions=conditions,
            Actions=self._actions(rule.get("Actions") or ()),
        )["Rules"][0]  # fmt: skip
        self.ids[rule["RuleArn"]] = made["RuleArn"]

    def _actions(self, actions: Iterable[Item]) -> list[dict[str, Any]]:
        """What forwards, forwards to the copies; anything else answers by itself."""
        made: list[dict[str, Any]] = []
        for action in actions:
            groups = (action.get("ForwardConfig") or {}).get("TargetGroups") or ()
            if groups:
                copies = [{**group, "TargetGroupArn": self.ids[group["TargetGroupArn"]]} for group in groups]
                made.append({"Type": "forward", "ForwardConfig": {"TargetGroups": copies}})
            elif action.get("TargetGroupArn"):
                made.append({"Type": "forward", "TargetGroupArn": self.ids[action["TargetGroupArn"]]})
            elif action.get("Type") in ("redirect", "fixed-response"):
                made.append({"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}})
        return made

    def _scaling(self, group: Item) -> None:
        scaling, name = self._aws.client("autoscaling"), group["AutoScalingGroupName"]
        machines = [self.ids[each["InstanceId"]] for each in group.get("Instances") or ()]
        launch = {"LaunchConfigurationName": name, "ImageId": _IMAGE, "InstanceType": "t3.small"}
        scaling.create_launch_configuration(**launch)
        tags = [{**tag, "ResourceId": name} for tag in group.get("Tags") or () if not tag["Key"].startswith("aws:")]
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name, LaunchConfigurationName=name, MinSize=0, MaxSize=max(len(machines), 1),
            DesiredCapacity=0, AvailabilityZones=[f"{self._aws.region}a"], Tags=tags,
            TargetGroupARNs=[self.ids[arn] for arn in group.get("TargetGroupARNs") or ()],
        )  # fmt: skip
        if machines:
            scaling.attach_instances(AutoScalingGroupName=name, InstanceIds=machines)


def _protocol(item: Item) -> str:
    """A protocol of the same kind of balancer that needs no certificate."""
    return "HTTP" if item.get("Protocol") in ("HTTP", "HTTPS") else "TCP"


def _condition(condition: Item) -> dict[str, Any]:
    """A rule's condition as it is written; AWS shows the same values in two places."""
    config = {key: value for key, value in condition.items() if key.endswith("Config")}
    return {"Field": condition["Field"], **(config or {"Values": condition.get("Values") or []})}
