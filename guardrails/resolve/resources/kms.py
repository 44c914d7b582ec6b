"""KMS keys: they carry the clusters whose disks, databases and file systems they encrypt."""

from __future__ import annotations

from guardrails.resolve.resources.trail import Step, Trail, Trails
from guardrails.values import Lookup

_KEY = Lookup("kms", "DescribeKey", "KeyMetadata", empty_on=("NotFoundException",))
_VOLUMES = Lookup("ec2", "DescribeVolumes", "Volumes")
_INSTANCES = Lookup("rds", "DescribeDBInstances", "DBInstances")
_CLUSTERS = Lookup("rds", "DescribeDBClusters", "DBClusters")
_SYSTEMS = Lookup("efs", "DescribeFileSystems", "FileSystems")

TRAILS: Trails = {
    # A call may name a key by an alias.
    "kms-key": Trail(
        (Step(_KEY, {"encrypted": "Arn"}, parameter="KeyId", tags=""),), may_be_unused=True, also={"encrypted": ("{}",)}
    ),
    "encrypted": Trail(
        (
            Step(_VOLUMES, {"volume": "VolumeId"}, "KmsKeyId"),
            Step(_INSTANCES, {"db-instance": "DBInstanceIdentifier"}, "KmsKeyId", tags=""),
            Step(_CLUSTERS, {"db-cluster": "DBClusterIdentifier"}, "KmsKeyId", tags=""),
            Step(_SYSTEMS, {"efs": "FileSystemId"}, "KmsKeyId"),
        ),
        may_be_unused=True,
    ),
}
