"""What a machine is launched with or put behind that may be gone: profiles, disk snapshots, keys, placement groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from botocore.exceptions import ClientError

from guardrails.rebuild.checks import Findings
from guardrails.rebuild.machine import Machine
from guardrails.rebuild.reading import CannotRead, Item, Reader

_PAGE = 200


def check_parts(reader: Reader, machines: Sequence[Machine], findings: Findings) -> None:
    """Profiles, disk snapshots, KMS keys, placement and target groups that are gone; settings that are not restored."""
    _check_profiles(reader, machines, findings)
    _check_snapshots(reader, machines, findings)
    _check_keys(reader, machines, findings)
    _check_placement_groups(reader, machines, findings)
    _check_targets(reader, machines, findings)
    settings = Counter(each for machine in machines for each in machine.not_restored)
    findings.unknown += [
        f"{each} is not restored ({_counted(count)}); set it on the new machines" for each, count in settings.items()
    ]


def _check_profiles(reader: Reader, machines: Iterable[Machine], findings: Findings) -> None:
    users = Counter(str((machine.launch.get("IamInstanceProfile") or {}).get("Arn", "")) for machine in machines)
    for arn, count in sorted(users.items()):
        name = arn.rpartition("/")[2]
        if not name:
            continue
        try:
            reader.all("iam", "get_instance_profile", "InstanceProfile", InstanceProfileName=name)
        except CannotRead as error:
            if _code(error) == "NoSuchEntity":
                findings.problems.append(_gone("instance profile", name, count))
            else:
                findings.unknown.append(f"whether the instance profile {name} is there: {error}")


def _check_snapshots(reader: Reader, machines: Iterable[Machine], findings: Findings) -> None:
    users = Counter(str(disk["SnapshotId"]) for disk in _disks(machines) if disk.get("SnapshotId"))
    names = sorted(users)
    for start in range(0, len(names), _PAGE):
        some = names[start : start + _PAGE]
        filters = [{"Name": "snapshot-id", "Values": some}]
        items = findings.try_(
            "whether each snapshot of a disk is there",
            reader,
            "ec2",
            "describe_snapshots",
            "Snapshots",
            Filters=filters,
        )
        usable = {item["SnapshotId"] for item in items or () if item.get("State", "completed") == "completed"}
        findings.problems += [
            _gone("snapshot", name, users[name]) for name in some if items is not None and name not in usable
        ]


def _check_keys(reader: Reader, machines: Iterable[Machine], findings: Findings) -> None:
    """A disk with a key that cannot be used lets a launch succeed and its machine end at once."""
    users = Counter(str(disk["KmsKeyId"]) for disk in _disks(machines) if disk.get("KmsKeyId"))
    for name, count in sorted(users.items()):
        try:
            (key,) = reader.all("kms", "describe_key", "KeyMetadata", KeyId=name) or ({},)
        except CannotRead as error:
            if _code(error) == "NotFoundException":
                findings.problems.append(_gone("KMS key", name, count))
            else:
                findings.unknown.append(f"whether the KMS key {name} can be used: {error}")
            continue
        state = str(key.get("KeyState") or "not known")
        if state != "Enabled":
            findings.problems.append(
                f"KMS key {name} is {state} ({_counted(count)}); enable it (kms:EnableKey, or kms:CancelKeyDeletion "
                "first), or edit the snapshot"
            )


def _check_placement_groups(reader: Reader, machines: Iterable[Machine], findings: Findings) -> None:
    placed = [str((machine.launch.get("Placement") or {}).get("GroupName") or "") for machine in machines]
    users = Counter(name for name in placed if name)
    if not users:
        return
    filters = [{"Name": "group-name", "Values": sorted(users)}]
    what = "whether each placement group is there"
    items = findings.try_(what, reader, "ec2", "describe_placement_groups", "PlacementGroups", Filters=filters)
    usable = {item["GroupName"] for item in items or () if item.get("State", "available") == "available"}
    findings.problems += [
        _gone("placement group", name, count)
        for name, count in sorted(users.items())
        if items is not None and name not in usable
    ]


def _disks(machines: Iterable[Machine]) -> list[Item]:
    return [disk.get("Ebs") or {} for machine in machines for disk in machine.launch.get("BlockDeviceMappings") or ()]


def _check_targets(reader: Reader, machines: Iterable[Machine], findings: Findings) -> None:
    users = Counter(arn for machine in machines for arn in {arn for arn, *_ in machine.targets})
    if not users:
        return
    what = "whether each target group is there"
    items = findings.try_(what, reader, "elbv2", "describe_target_groups", "TargetGroups")
    there = {item["TargetGroupArn"] for item in items or ()}
    findings.problems += [
        _gone("target group", arn, count) for arn, count in users.items() if items is not None and arn not in there
    ]


def _code(error: CannotRead) -> str:
    """The code of AWS's error, "" where AWS gave none."""
    cause = error.__cause__
    return str(cause.response["Error"].get("Code", "")) if isinstance(cause, ClientError) else ""


def _gone(kind: str, name: str, count: int) -> str:
    return f"{kind} {name} is not there any more ({_counted(count)}); create it again, or edit the snapshot"


def _counted(count: int) -> str:
    return "1 machine" if count == 1 else f"{count} machines"
