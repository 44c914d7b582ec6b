"""Lightsail: instances, addresses, disks, balancers and databases, by the cluster tag that Lightsail itself lists.

Its ARNs end with an id instead of the name by which calls mean a resource, so the tagging API cannot say whose it is.
https://docs.aws.amazon.com/lightsail/2016-11-28/api-reference/API_GetInstance.html
"""

from __future__ import annotations

from guardrails.resolve.resources.trail import Step, Trail
from guardrails.values import Lookup

_INSTANCE = "lightsail-instance"
_MISSING = ("NotFoundException", "DoesNotExist")


def _by_lookup(operation: str, items: str, parameter: str, instances: str = "", names: str = "name") -> Trail:
    lookup = Lookup("lightsail", operation, items, empty_on=_MISSING)
    ties = {_INSTANCE: instances} if instances else {}
    return Trail((Step(lookup, ties, names, parameter=parameter, tags="tags"),))


_KINDS = {
    _INSTANCE: _by_lookup("GetInstance", "instance", "instanceName"),
    "lightsail-static-ip": _by_lookup("GetStaticIp", "staticIp", "staticIpName", "attachedTo"),
    "lightsail-disk": _by_lookup("GetDisk", "disk", "diskName", "attachedTo"),
    "lightsail-load-balancer": _by_lookup(
        "GetLoadBalancer", "loadBalancer", "loadBalancerName", "instanceHealthSummary[].instanceName"
    ),
    "lightsail-database": _by_lookup("GetRelationalDatabase", "relationalDatabase", "relationalDatabaseName"),
    "lightsail-container-service": _by_lookup(
        "GetContainerServices", "containerServices", "serviceName", names="containerServiceName"
    ),
    "lightsail-distribution": _by_lookup("GetDistributions", "distributions", "distributionName", "origin.name"),
    "lightsail-bucket": _by_lookup("GetBuckets", "buckets", "bucketName"),
}
TRAILS = {
    **_KINDS,
    # Tagging calls name any of them; no two resources of a region share a name.
    "lightsail-resource": Trail(tuple(step for trail in _KINDS.values() for step in trail.steps)),
}
