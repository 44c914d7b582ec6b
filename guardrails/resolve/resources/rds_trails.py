"""Databases: they belong to the cluster of their tag, of the cluster they are a member of, or of what they replicate.

One without any of these is traced by its network: what is not reachable from where the live cluster is, is not its own.
"""

from __future__ import annotations

from guardrails.resolve.resources.trail import UNKNOWN, Step, Trail, Trails, trail
from guardrails.values import Lookup

_INSTANCES = Lookup("rds", "DescribeDBInstances", "DBInstances")
_CLUSTERS = Lookup("rds", "DescribeDBClusters", "DBClusters")
_PROXIES = Lookup("rds", "DescribeDBProxies", "DBProxies")
_PROXY_TARGETS = Lookup("rds", "DescribeDBProxyTargets", "Targets", empty_on=("DBProxyNotFoundFault",))
_PROXY_ENDPOINTS = Lookup("rds", "DescribeDBProxyEndpoints", "DBProxyEndpoints")
_DEPLOYMENTS = Lookup("rds", "DescribeBlueGreenDeployments", "BlueGreenDeployments")
_GLOBAL = Lookup("rds", "DescribeGlobalClusters", "GlobalClusters")
_ENDPOINTS = Lookup("rds", "DescribeDBClusterEndpoints", "DBClusterEndpoints")
_SHARD_GROUPS = Lookup("rds", "DescribeDBShardGroups", "DBShardGroups")

_INSTANCE = {"db-instance": "DBInstanceIdentifier"}
_CLUSTER = {"db-cluster": "DBClusterIdentifier"}
_WHOSE = {
    **_CLUSTER,
    "db-instance": "ReadReplicaSourceDBInstanceIdentifier",
    "reachable": "!PubliclyAccessible && DBSubnetGroup.VpcId",
    UNKNOWN: "(PubliclyAccessible || !(DBSubnetGroup.VpcId)) && DBInstanceIdentifier",
}


def _of_instances(names: str) -> Trail:
    """What databases use, such as a parameter group: nothing depends on one that no database has."""
    return trail(_INSTANCES, names, _INSTANCE, tags="", unused=True)


TRAILS: Trails = {
    "db-instance": trail(
        _INSTANCES, "[DBInstanceIdentifier, DBInstanceArn, DbiResourceId]", _WHOSE, tags="TagList"
    ),
    "db-cluster": trail(
        _CLUSTERS,
        "[DBClusterIdentifier, DBClusterArn, DbClusterResourceId]",
        {"db-instance": "DBClusterMembers[].DBInstanceIdentifier", UNKNOWN: "!DBClusterMembers && DBClusterIdentifier"},
        tags="TagList",
    ),
    "db-subnet-group": _of_instances("DBSubnetGroup.DBSubnetGroupName"),
    "db-parameter-group": _of_instances("DBParameterGroups[].DBParameterGroupName"),
    "db-option-group": _of_instances("OptionGroupMemberships[].OptionGroupName"),
    "db-security-group": _of_instances("DBSecurityGroups[].DBSecurityGroupName"),
    "db-cluster-parameter-group": trail(
        _CLUSTERS, "DBClusterParameterGroup", _CLUSTER, tags="", unused=True
    ),
    "db-proxy": Trail(
        (
            # One without targets may be waiting for those that stand near it.
            Step(_PROXIES, {"reachable-subnet": "VpcSubnetIds"}, "[DBProxyName, DBProxyArn]", tags=""),
            Step(
                _PROXY_TARGETS,
                {
                    "db-instance": "Type == 'RDS_INSTANCE' && RdsResourceId",
                    "db-cluster": "TrackedClusterId || (Type == 'TRACKED_CLUSTER' && RdsResourceId)",
                },
                parameter="DBProxyName",
            ),
        ),
    ),
    "db-proxy-endpoint": trail(_PROXY_ENDPOINTS, "[DBProxyEndpointName, DBProxyEndpointArn]",
                               {"db-proxy": "DBProxyName"}),
    "db-cluster-endpoint": trail(_ENDPOINTS, "[DBClusterEndpointIdentifier, DBClusterEndpointArn]", _CLUSTER),
    "db-shard-group": trail(_SHARD_GROUPS, "[DBShardGroupIdentifier, DBShardGroupArn]", _CLUSTER, tags="TagList"),
    # Its ends are ARNs of databases or of clusters of databases.
    "db-bluegreen": trail(
        _DEPLOYMENTS,
        "BlueGreenDeploymentIdentifier",
        {
            "db-instance": "[Source, Target][?contains(@ || '', ':db:')]",
            "db-cluster": "[Source, Target][?contains(@ || '', ':cluster:')]",
        },
        tags="TagList",
    ),
    "global-cluster": trail(
        _GLOBAL,
        "[GlobalClusterIdentifier, GlobalClusterArn]",
        {"db-cluster": "GlobalClusterMembers[].DBClusterArn"},
        tags="TagList",
    ),
    "database-dns": Trail(
        (
            Step(_INSTANCES, _INSTANCE, "Endpoint.Address", tags=""),
            Step(_CLUSTERS, _CLUSTER, "[[Endpoint, ReaderEndpoint], CustomEndpoints][][]", tags=""),
            Step(_PROXIES, {"db-proxy": "DBProxyName"}, "Endpoint", tags=""),
        )
    ),
}  # fmt: skip
