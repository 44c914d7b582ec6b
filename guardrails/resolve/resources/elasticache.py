"""Caches: by the network from where they can be reached, and what caches use by the caches that use it."""

from __future__ import annotations

from guardrails.resolve.resources.trail import UNKNOWN, Step, Trail, Trails, trail
from guardrails.values import Lookup

_CLUSTERS = Lookup("elasticache", "DescribeCacheClusters", "CacheClusters")
_GROUPS = Lookup("elasticache", "DescribeReplicationGroups", "ReplicationGroups")
_SUBNETS = Lookup("elasticache", "DescribeCacheSubnetGroups", "CacheSubnetGroups")
_GLOBAL = Lookup("elasticache", "DescribeGlobalReplicationGroups", "GlobalReplicationGroups", {"ShowMemberInfo": True})
_USER_GROUPS = Lookup("elasticache", "DescribeUserGroups", "UserGroups")
_SERVERLESS = Lookup("elasticache", "DescribeServerlessCaches", "ServerlessCaches")
_CLUSTER = {"cache-cluster": "CacheClusterId"}

TRAILS: Trails = {
    "cache-cluster": trail(
        _CLUSTERS, "[CacheClusterId, ARN]", {"cache-network": "CacheSubnetGroupName",
                                             UNKNOWN: "!CacheSubnetGroupName && CacheClusterId"}
    ),
    "cache-network": trail(_SUBNETS, "CacheSubnetGroupName", {"reachable": "VpcId"}),
    "cache-replication-group": trail(
        _GROUPS, "[ReplicationGroupId, ARN]", {"cache-cluster": "MemberClusters"}
    ),
    "cache-global-replication-group": trail(
        _GLOBAL, "[GlobalReplicationGroupId, ARN]", {"cache-replication-group": "Members[].ReplicationGroupId"}
    ),
    "cache-subnet-group": trail(_CLUSTERS, "CacheSubnetGroupName", _CLUSTER, tags="", unused=True),
    "cache-parameter-group": trail(
        _CLUSTERS, "CacheParameterGroup.CacheParameterGroupName", _CLUSTER, tags="", unused=True
    ),
    "cache-user": trail(_USER_GROUPS, "UserIds", {"cache-user-group": "UserGroupId"}, tags="", unused=True),
    "cache-user-group": Trail(
        (
            Step(
                _USER_GROUPS,
                {"cache-replication-group": "ReplicationGroups", "serverless-cache": "ServerlessCaches"},
                "[UserGroupId, ARN]",
            ),
        )
    ),
    "serverless-cache": trail(
        _SERVERLESS, "[ServerlessCacheName, ARN]", {"reachable-subnet": "SubnetIds",
                                                    UNKNOWN: "!SubnetIds && ServerlessCacheName"}
    ),
}  # fmt: skip
