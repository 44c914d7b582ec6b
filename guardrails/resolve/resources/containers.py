"""Clusters of containers: by their tags, by their machines, and by whether anything runs on them that is no machine."""

from __future__ import annotations

from guardrails.resolve.resources.trail import UNKNOWN, Step, Trail, Trails, trail
from guardrails.values import Lookup

_EKS = Lookup("eks", "DescribeCluster", "cluster", empty_on=("ResourceNotFoundException",))
_FARGATE = Lookup("eks", "ListFargateProfiles", "fargateProfileNames", empty_on=("ResourceNotFoundException",))
_ECS = Lookup("ecs", "DescribeClusters", "clusters", {"include": ["TAGS"]})
_ENVIRONMENTS = Lookup("elasticbeanstalk", "DescribeEnvironments", "Environments", {"IncludeDeleted": False})
_RUNS = "(runningTasksCount > `0` || registeredContainerInstancesCount > `0`)"

TRAILS: Trails = {
    "eks-cluster": Trail(
        (
            Step(_EKS, {}, parameter="name", tags="tags"),
            Step(_FARGATE, {UNKNOWN: "join(' ', ['Fargate profile', name])"}, parameter="clusterName", tags=""),
        ),
        may_be_unused=True,
        also={
            "tag": (
                "eks:cluster-name={}",
                "aws:eks:cluster-name={}",
                "alpha.eksctl.io/cluster-name={}",
                "kubernetes.io/cluster/{}=owned",
                "kubernetes.io/cluster/{}=shared",
            )
        },
    ),
    "ecs-cluster": Trail(
        (
            Step(
                _ECS,
                {UNKNOWN: f"{_RUNS} && join(' ', ['the tasks that run in', clusterName])"},
                "[clusterName, clusterArn]",
                parameter="clusters[]",
                tags="tags",
            ),
        ),
        also={"tag": ("aws:ecs:clusterName={}",)},
    ),
    "environment-dns": trail(
        _ENVIRONMENTS,
        "[CNAME, EndpointURL]",
        {"tag": "join('=', ['elasticbeanstalk:environment-name', EnvironmentName])"},
        tags="",
    ),
}  # fmt: skip
