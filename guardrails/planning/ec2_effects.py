"""What the calls of EC2 and Auto Scaling do to the world whose names do not say it all."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import evolve

from guardrails.aws import resource_ids
from guardrails.planning.ec2_addresses import addresses_off
from guardrails.planning.effects import Effect, Planned, by_name, register
from guardrails.planning.new_machines import image_of, parts_of, parts_off, tags_of
from guardrails.planning.world import ATTRIBUTES, RESERVATION, Change, Item
from guardrails.values import Lookup

_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_SUBNETS = Lookup("ec2", "DescribeSubnets", "Subnets")
_NOUNS = {"instance": "Instance", "volume": "Volume", "snapshot": "Snapshot", "subnet": "Subnet", "vpc": "Vpc",
          "ami": "Image", "address": "Address", "eni": "NetworkInterface", "route-table": "RouteTable",
          "security-group": "SecurityGroup", "nat-gateway": "NatGateway", "nacl": "NetworkAcl",
          "internet-gateway": "InternetGateway"}  # fmt: skip


def state(name: str) -> dict[str, Any]:
    """As DescribeInstances writes it."""
    return {"Code": _CODES[name], "Name": name}


@register("ec2", "TerminateInstances", "StopInstances", "StartInstances")
def _states(planned: Planned) -> Effect:
    operation = planned.call.operation
    now, then, member = {
        "TerminateInstances": ("shutting-down", "terminated", "TerminatingInstances"),
        "StopInstances": ("stopping", "stopped", "StoppingInstances"),
        "StartInstances": ("pending", "running", "StartingInstances"),
    }[operation]
    ids = [str(each) for each in planned.params.get("InstanceIds") or ()]
    machines = {each["InstanceId"]: each for each in planned.machines(ids)}
    changes = [planned.change("Instance", name, {**each, "State": state(then)}) for name, each in machines.items()]
    if operation == "TerminateInstances":
        changes += addresses_off(planned, machines)
        changes += parts_off(planned, machines)
    before = {name: machines.get(name, {}).get("State", state("running")) for name in ids}
    rows = [{"InstanceId": name, "CurrentState": state(now), "PreviousState": before[name]} for name in ids]
    return Effect(tuple(changes), {member: rows}, known=machines.keys() == {*ids})


@register("ec2", "ModifyInstanceAttribute")
def _attribute(planned: Planned) -> Effect:
    name, params = str(planned.params.get("InstanceId")), dict(planned.params)
    if attribute := params.get("Attribute"):
        # The older form: its name and a string.
        value, key = str(params.get("Value")), f"{attribute[0].upper()}{attribute[1:]}"
        params[key] = {"Value": value == "true" if value in ("true", "false") else value}
    attributes = {key: value for key, value in params.items() if isinstance(value, dict) and "Value" in value}
    plain = {key: value["Value"] for key, value in attributes.items() if key in _SHOWN}
    groups = {"SecurityGroups": [{"GroupId": each, "GroupName": each} for each in params.get("Groups") or ()]}
    machines = planned.machines([name])
    changes = [
        planned.change("Instance", name, {**each, **plain, **(groups if params.get("Groups") else {})})
        for each in machines
        if plain or params.get("Groups")
    ]
    changes += [planned.change(ATTRIBUTES, name, attributes)] if attributes else []
    return Effect(tuple(changes), known=bool(machines) and "BlockDeviceMappings" not in params)


# Attributes that DescribeInstances shows as well.
_SHOWN = ("InstanceType", "SourceDestCheck", "EbsOptimized", "EnaSupport")


@register("ec2", "RebootInstances")
def _no_change(_: Planned) -> Effect:
    return Effect()


@register("ec2", "RunInstances")
def _run(planned: Planned) -> Effect:
    params = planned.params
    number = params.get("MaxCount")
    subnet, image, reservation = _subnet(planned), image_of(planned), planned.ids.ec2("Reservation")
    made: list[dict[str, Any]] = []
    changes: list[Change] = []
    for index in range(number if isinstance(number, int) else 1):
        machine = {
            "InstanceId": planned.ids.ec2("Instance"),
            "AmiLaunchIndex": index,
            "LaunchTime": datetime.now(UTC),
            "State": state("running"),
            "PublicDnsName": "",
            "RootDeviceType": "ebs",
            "Monitoring": {"State": "disabled"},
            **{name: params[name] for name in ("ImageId", "InstanceType", "KeyName", "EbsOptimized") if name in params},
            **_place(planned, subnet),
            "Tags": tags_of(planned, "instance"),
        }
        parts, own = parts_of(planned, machine, image, planned.ids.last)
        made.append({**machine, **parts})
        changes += [planned.change("Instance", machine["InstanceId"], made[-1]), *own]
    changes.append(planned.change(RESERVATION, reservation, {"ids": [each["InstanceId"] for each in made]}))
    changes += _room(planned, subnet, len(made))
    answer = {"Instances": [{**each, "State": state("pending")} for each in made], "Groups": []}
    return Effect(tuple(changes), {**answer, "ReservationId": reservation, "OwnerId": planned.account})


def _subnet(planned: Planned) -> Item:
    interfaces = planned.params.get("NetworkInterfaces") or [{}]
    name = planned.params.get("SubnetId") or interfaces[0].get("SubnetId")
    wanted = {"Name": "subnet-id", "Values": [name]} if name else {"Name": "default-for-az", "Values": ["true"]}
    subnets = planned.find(_SUBNETS.about(Filters=[wanted]))
    return subnets[0] if subnets else {}


def _room(planned: Planned, subnet: Item, taken: int) -> list[Change]:
    """The subnet with fewer free addresses."""
    free = subnet.get("AvailableIpAddressCount")
    if not isinstance(free, int):
        return []
    return [planned.change("Subnet", subnet["SubnetId"], {**subnet, "AvailableIpAddressCount": max(0, free - taken)})]


def _place(planned: Planned, subnet: Item) -> dict[str, Any]:
    interfaces = planned.params.get("NetworkInterfaces") or [{}]
    groups = planned.params.get("SecurityGroupIds") or interfaces[0].get("Groups") or ()
    return {
        "SubnetId": subnet.get("SubnetId", ""),
        "VpcId": subnet.get("VpcId", ""),
        "Placement": {
            "AvailabilityZone": subnet.get("AvailabilityZone", ""),
            "Tenancy": "default",
            **(planned.params.get("Placement") or {}),
        },
        "SecurityGroups": [{"GroupId": each, "GroupName": each} for each in groups],
    }


@register("ec2", "CreateVpc")
def _new_network(planned: Planned) -> Effect:
    """AWS makes its main route table and its default security group."""
    made = by_name(planned)
    vpc, table, group = made.changes[0].id, planned.ids.ec2("RouteTable"), planned.ids.ec2("SecurityGroup")
    own = {"VpcId": vpc, "OwnerId": planned.account, "Tags": []}
    association = {"Main": True, "RouteTableAssociationId": planned.ids.ec2("Association"), "RouteTableId": table}
    local = {"DestinationCidrBlock": planned.params.get("CidrBlock", ""), "GatewayId": "local", "State": "active"}
    main = {**own, "RouteTableId": table, "Associations": [association], "Routes": [local], "PropagatingVgws": []}
    default = {**own, "GroupId": group, "GroupName": "default", "Description": "default VPC security group",
               "IpPermissions": [], "IpPermissionsEgress": []}  # fmt: skip
    more = (planned.change("RouteTable", table, main), planned.change("SecurityGroup", group, default))
    return evolve(made, changes=(*made.changes, *more))


@register("ec2", "CreateSubnet")
def _new_subnet(planned: Planned) -> Effect:
    """AWS keeps five addresses of each subnet to itself."""
    made = by_name(planned)
    try:
        size = ipaddress.ip_network(str(planned.params.get("CidrBlock")), strict=False).num_addresses
    except ValueError:
        return made
    changes = tuple(
        evolve(each, item={**(each.item or {}), "AvailableIpAddressCount": size - 5}) for each in made.changes
    )
    return evolve(made, changes=changes)


@register("ec2", "CreateTags", "DeleteTags")
def _tags(planned: Planned) -> Effect:
    """Tags of what `Resources` names."""
    pairs = {str(tag.get("Key")): tag.get("Value") for tag in planned.params.get("Tags") or ()}
    sets, changes, known = planned.call.operation == "CreateTags", [], True
    for name in planned.params.get("Resources") or ():
        noun = _NOUNS.get(resource_ids.type_of(str(name)) or "", "")
        items = planned.machines([name]) if noun == "Instance" else planned.things(noun, [name]) if noun else []
        known = known and bool(items)
        changes += [planned.change(noun, name, {**each, "Tags": _tagged(each, pairs, sets=sets)}) for each in items]
    return Effect(tuple(changes), known=known)


def _tagged(item: Item, pairs: Mapping[str, Any], *, sets: bool) -> list[dict[str, Any]]:
    before = {tag["Key"]: tag.get("Value", "") for tag in item.get("Tags") or ()}
    if sets:
        after = {**before, **pairs}
    else:
        gone = {key for key, value in before.items() if not pairs or (key in pairs and pairs[key] in (None, value))}
        after = {key: value for key, value in before.items() if key not in gone}
    return [{"Key": key, "Value": value} for key, value in after.items()]


@register("ec2", "AttachVolume", "DetachVolume")
def _volume(planned: Planned) -> Effect:
    name, machine = str(planned.params.get("VolumeId")), planned.params.get("InstanceId")
    attaches = planned.call.operation == "AttachVolume"
    attachment = {
        "VolumeId": name,
        "InstanceId": machine or "",
        "Device": planned.params.get("Device") or "",
        "State": "attaching" if attaches else "detaching",
        "DeleteOnTermination": False,
    }
    after = {"State": "in-use", "Attachments": [{**attachment, "State": "attached"}]}
    items = planned.things("Volume", [name])
    free = {"State": "available", "Attachments": []}
    changes = tuple(planned.change("Volume", name, {**each, **(after if attaches else free)}) for each in items)
    return Effect(changes, attachment, known=bool(items))
