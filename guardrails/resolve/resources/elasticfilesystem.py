"""File systems, their mount targets and access points: by the tags of the file system, and by where it is mounted from.

A file system without mount targets is mounted on no machine: its description says how many there are.
"""

from __future__ import annotations

from guardrails.resolve.resources.trail import Step, Trail, Trails
from guardrails.values import Lookup

_NOT_FOUND = ("FileSystemNotFound", "MountTargetNotFound", "AccessPointNotFound", "BadRequest")
_SYSTEMS = Lookup("efs", "DescribeFileSystems", "FileSystems", empty_on=_NOT_FOUND)
_TARGETS = Lookup("efs", "DescribeMountTargets", "MountTargets", empty_on=_NOT_FOUND)
_POINTS = Lookup("efs", "DescribeAccessPoints", "AccessPoints", empty_on=_NOT_FOUND)
_SYSTEM = {"efs": "FileSystemId"}

TRAILS: Trails = {
    "efs": Trail(
        (Step(_SYSTEMS, {"efs-mounts": "NumberOfMountTargets != `0` && FileSystemId"}, parameter="FileSystemId"),)
    ),
    "efs-mounts": Trail((Step(_TARGETS, {"reachable-subnet": "SubnetId"}, parameter="FileSystemId"),)),
    "efs-mount-target": Trail((Step(_TARGETS, _SYSTEM, parameter="MountTargetId"),)),
    "efs-access-point": Trail((Step(_POINTS, _SYSTEM, parameter="AccessPointId"),)),
}
