"""What the calls of EC2 and Auto Scaling do to the world whose names do not say it all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from guardrails.aws import resource_ids
from guardrails.planning.effects import Effect, Planned, register
from guardrails.planning.world import Change, Item
from guardrails.values import Lookup

_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
_ADDRESSES = Lookup("ec2", "DescribeAddresses", "Addresses")
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
        changes += _addresses_off(planned, machines)
        changes += _volumes_off(planned, machines)
    before = {name: machines.get(name, {}).get("State", state("running")) for name in ids}
    rows = [{"InstanceId": name, "CurrentState": state(now), "PreviousState": before[name]} for name in ids]
    return Effect(tuple(changes), {member: rows}, known=machines.keys() == {*ids})


@register("ec2", "RebootInstances")
def _no_change(_: Planned) -> Effect:
    return Effect()


@register("ec2", "RunInstances")
def _run(planned: Planned) -> Effect:
    params = planned.params
    number = params.get("MaxCount")
    specs = [each for each in params.get("TagSpecifications") or () if each.get("ResourceType") == "instance"]
    tags = [tag for each in specs for tag in each.get("Tags") or ()]
    made = []
    for index in range(number if isinstance(number, int) else 1):
        machine = {
            "InstanceId": planned.ids.ec2("Instance"),
            "AmiLaunchIndex": index,
            "LaunchTime": datetime.now(UTC),
            "State": state("running"),
            "PrivateDnsName": "",
            "PublicDnsName": "",
            "RootDeviceType": "ebs",
            "BlockDeviceMappings": [],
            "Monitoring": {"State": "disabled"},
            **{name: params[name] for name in ("ImageId", "InstanceType", "KeyName", "EbsOptimized") if name in params},
            **_place(planned),
            "Tags": tags,
        }
        made.append(machine)
    changes = tuple(planned.change("Instance", each["InstanceId"], each) for each in made)
    answer = {"Instances": [{**each, "State": state("pending")} for each in made], "Groups": []}
    return Effect(changes, {**answer, "ReservationId": planned.ids.ec2("Reservation")})


def _place(planned: Planned) -> dict[str, Any]:
    interfaces = planned.params.get("NetworkInterfaces") or [{}]
    name = planned.params.get("SubnetId") or interfaces[0].get("SubnetId")
    if not name:
        filters = [{"Name": "default-for-az", "Values": ["true"]}]
        subnets = planned.find(_SUBNETS.about(Filters=filters))
    else:
        subnets = planned.find(_SUBNETS.about(Filters=[{"Name": "subnet-id", "Values": [name]}]))
    subnet: Mapping[str, Any] = subnets[0] if subnets else {}
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
        "NetworkInterfaces": [],
    }


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


@register("ec2", "AssociateAddress", "DisassociateAddress", "ReleaseAddress")
def _address(planned: Planned) -> Effect:
    params = planned.params
    wanted = [params.get(name) for name in ("AllocationId", "PublicIp", "AssociationId") if params.get(name)]
    found = [
        each
        for each in planned.find(_ADDRESSES)
        if {each.get("AllocationId"), each.get("PublicIp"), each.get("AssociationId")} & {*wanted}
    ]
    if not found:
        return Effect(known=False)
    if planned.call.operation == "ReleaseAddress":
        return Effect(tuple(planned.change("Address", _name(each), None) for each in found))
    free = {key: value for key, value in found[0].items() if key not in _ATTACHED}
    changes = _without_ip(planned, found[0])
    if planned.call.operation == "DisassociateAddress":
        return Effect((planned.change("Address", _name(found[0]), free), *changes))
    association = planned.ids.ec2("AddressAssociation")
    machine = str(params.get("InstanceId") or "")
    onto: dict[str, Any] = {"AssociationId": association}
    onto |= {"InstanceId": machine} if machine else {"NetworkInterfaceId": params.get("NetworkInterfaceId")}
    (held,) = planned.machines([machine]) or [{}] if machine else [{}]
    if held:
        changes.append(planned.change("Instance", machine, {**held, "PublicIpAddress": free.get("PublicIp", "")}))
        onto["PrivateIpAddress"] = held.get("PrivateIpAddress", "")
    moved = planned.change("Address", _name(found[0]), {**free, **onto})
    return Effect((moved, *changes), {"AssociationId": association}, known=bool(held) or not machine)


_ATTACHED = ("AssociationId", "InstanceId", "NetworkInterfaceId", "NetworkInterfaceOwnerId", "PrivateIpAddress")


def _name(address: Item) -> str:
    return str(address.get("AllocationId") or address.get("PublicIp"))


def _without_ip(planned: Planned, address: Item) -> list[Change]:
    """The machine that holds an address, without it."""
    ids = [str(address["InstanceId"])] if address.get("InstanceId") else []
    return [
        planned.change(
            "Instance",
            each["InstanceId"],
            {
                **{key: value for key, value in each.items() if key != "PublicIpAddress"},
                "NetworkInterfaces": [
                    {key: value for key, value in one.items() if key != "Association"}
                    for one in each.get("NetworkInterfaces") or ()
                ],
            },
        )
        for each in planned.machines(ids)
    ]


def _addresses_off(planned: Planned, machines: Iterable[str]) -> list[Change]:
    """A machine that is terminated leaves its addresses."""
    ids = {*machines}
    held = [each for each in planned.find(_ADDRESSES) if each.get("InstanceId") in ids] if ids else []
    return [
        planned.change("Address", _name(each), {key: value for key, value in each.items() if key not in _ATTACHED})
        for each in held
    ]


def _volumes_off(planned: Planned, machines: Mapping[str, Item]) -> list[Change]:
    """Its disks go with it where they are set to."""
    disks = [each.get("Ebs") or {} for one in machines.values() for each in one.get("BlockDeviceMappings") or ()]
    return [
        planned.change("Volume", each["VolumeId"], None)
        for each in disks
        if each.get("VolumeId") and each.get("DeleteOnTermination")
    ]


@register("ec2", "AllocateAddress")
def _allocate(planned: Planned) -> Effect:
    number = planned.ids.ec2("Address")
    # Of a range for documentation, which no one has (RFC 5737).
    address = {"AllocationId": number, "PublicIp": f"203.0.113.{planned.ids.last % 256}", "Domain": "vpc", "Tags": []}
    answer = {name: address[name] for name in ("AllocationId", "PublicIp", "Domain")}
    return Effect((planned.change("Address", number, address),), answer)


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
