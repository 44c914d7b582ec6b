"""Names that AWS gives to what it runs: balancers, machines, accelerators, environments, databases, distributions."""

from __future__ import annotations

import re

from guardrails.resolve.balancers import BALANCERS, CLASSIC
from guardrails.resolve.changes.records import plain_name
from guardrails.resolve.inventory import INSTANCES
from guardrails.resolve.resources.trail import Step, Trail, Trails
from guardrails.values import Lookup

_ACCELERATORS = Lookup("globalaccelerator", "ListAccelerators", "Accelerators", region="us-west-2")
_ENVIRONMENTS = Lookup("elasticbeanstalk", "DescribeEnvironments", "Environments", {"IncludeDeleted": False})
_INSTANCES = Lookup("rds", "DescribeDBInstances", "DBInstances")
_CLUSTERS = Lookup("rds", "DescribeDBClusters", "DBClusters")
_PROXIES = Lookup("rds", "DescribeDBProxies", "DBProxies")
_CACHES = Lookup("elasticache", "DescribeReplicationGroups", "ReplicationGroups")
_CACHE = Lookup("elasticache", "DescribeCacheClusters", "CacheClusters", {"ShowCacheNodeInfo": True})
_ENDPOINTS = Lookup("ec2", "DescribeVpcEndpoints", "VpcEndpoints")
_DISTRIBUTIONS = Lookup("cloudfront", "ListDistributions", "DistributionList")

_BALANCER = r"\.elb\.([a-z0-9-]+\.)?amazonaws\.com"
_MACHINE = r"\.(compute(-1)?\.amazonaws\.com|compute\.internal|ec2\.internal)"
_DATABASE = r"\.rds\.amazonaws\.com"
_CACHE_NAME = r"\.cache\.amazonaws\.com"
# Of further services, too.
_KEEPS_DATA = re.compile(r"\.(rds|docdb|neptune|cache|memorydb|redshift)(\.[a-z0-9-]+)?\.amazonaws\.com(\.cn)?$")


def plain(name: str) -> str:
    """Without what Route 53 adds, the prefix of aliases included."""
    return plain_name(name).removeprefix("dualstack.")


def unknown_behind(host: str) -> str:
    """Why it is not known whether another end can take the place of this one."""
    if _KEEPS_DATA.search(host):
        return f"{host} is a database, and no look-up tells whether another one has the same data"
    return f"it is not known who is behind {host}"


# A name of any other form leads nowhere that a look-up shows.
TRAILS: Trails = {
    "dns": Trail(
        (
            Step(BALANCERS, {"load-balancer": "LoadBalancerArn"}, "DNSName", only=_BALANCER),
            Step(
                CLASSIC,
                {"classic-elb": "LoadBalancerName"},
                "[DNSName, CanonicalHostedZoneName]",
                only=_BALANCER,
            ),
            Step(
                INSTANCES,
                {"instance": "InstanceId"},
                "[PublicDnsName, PrivateDnsName]",
                each="Instances",
                only=_MACHINE,
            ),
            Step(_ACCELERATORS, {"accelerator": "AcceleratorArn"}, "DnsName", only=r"\.awsglobalaccelerator\.com"),
            Step(
                _ENVIRONMENTS,
                {"tag": "join('=', ['elasticbeanstalk:environment-name', EnvironmentName])"},
                "[CNAME, EndpointURL]",
                only=r"\.elasticbeanstalk\.com",
            ),
            Step(_INSTANCES, {"db-instance": "DBInstanceIdentifier"}, "Endpoint.Address", tags="", only=_DATABASE),
            Step(
                _CLUSTERS,
                {"db-cluster": "DBClusterIdentifier"},
                "[[Endpoint, ReaderEndpoint], CustomEndpoints][]",
                tags="",
                only=_DATABASE,
            ),
            Step(_PROXIES, {"db-proxy": "DBProxyName"}, "Endpoint", tags="", only=_DATABASE),
            Step(
                _CACHES,
                {"cache-replication-group": "ReplicationGroupId"},
                """[[ConfigurationEndpoint.Address], NodeGroups[].[PrimaryEndpoint.Address,
                ReaderEndpoint.Address][]][]""",
                only=_CACHE_NAME,
            ),
            Step(
                _CACHE,
                {"cache-cluster": "CacheClusterId"},
                "[[ConfigurationEndpoint.Address], CacheNodes[].Endpoint.Address][]",
                only=_CACHE_NAME,
            ),
            Step(_ENDPOINTS, {"vpc": "VpcId"}, "DnsEntries[].DnsName", only=r"\.vpce\.amazonaws\.com"),
            Step(
                _DISTRIBUTIONS,
                {"dns": "Origins.Items[].DomainName"},
                "DomainName",
                each="Items",
                tags="",
                only=r"\.cloudfront\.net",
            ),
        ),
        names=plain,
    )
}
