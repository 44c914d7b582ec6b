"""What a machine is launched with or put behind that may be gone: profiles, snapshots of disks, target groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from botocore.exceptions import ClientError

from guardrails.rebuild.checks import Findings
from guardrails.rebuild.machine import Machine
from guardrails.rebuild.reading import CannotRead, Reader

_PAGE = 200


def check_parts(reader: Reader, machines: Sequence[Machine], findings: Findings) -> None:
    """Instance profiles, snapshots of data disks and target groups that are gone; settings that are not restored."""
    _check_profiles(reader, machines, findings)
    _check_snapshots(reader, machines, findings)
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
            cause = error.__cause__
            if isinstance(cause, ClientError) and cause.response["Error"].get("Code") == "NoSuchEntity":
                findings.problems.append(_gone("instance profile", name, count))
            else:
                findings.unknown.append(f"whether the instance profile {name} is there: {error}")


def _check_snapshots(reader: Reader, machines: Iterable[Machine], findings: Findings) -> None:
    disks = [disk.get("Ebs") or {} for machine in machines for disk in machine.launch.get("BlockDeviceMappings") or ()]
    users = Counter(str(disk["SnapshotId"]) for disk in disks if disk.get("SnapshotId"))
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


def _gone(kind: str, name: str, count: int) -> str:
    return f"{kind} {name} is not there any more ({_counted(count)}); create it again, or edit the snapshot"


def _counted(count: int) -> str:
    return "1 machine" if count == 1 else f"{count} machines"
