"""The services of ECS that have a load balancer, and the machines that their tasks run on.

Six rounds of look-ups at most: clusters, services, their descriptions, their tasks, those tasks, their machines.
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from guardrails.resolve.resources.resolver import last_part
from guardrails.values import Answer, Lookup, frozen

Answers = Mapping[str, Answer]
CLUSTERS = Lookup("ecs", "ListClusters", "clusterArns")
SERVICES = Lookup("ecs", "ListServices", "serviceArns", empty_on=("ClusterNotFoundException",))
_DESCRIBED = Lookup("ecs", "DescribeServices", "services", empty_on=("ClusterNotFoundException",))
TASKS = Lookup("ecs", "ListTasks", "taskArns", empty_on=("ClusterNotFoundException", "ServiceNotFoundException"))
_RUNNING = Lookup("ecs", "DescribeTasks", "tasks", empty_on=("ClusterNotFoundException",))
_MACHINES = Lookup("ecs", "DescribeContainerInstances", "containerInstances", empty_on=("ClusterNotFoundException",))
ASKS = (CLUSTERS, SERVICES, _DESCRIBED, TASKS, _RUNNING, _MACHINES)
# How many one request may name.
_SERVICES_EACH, _EACH = 10, 100


@frozen
class Service:
    """A service with running tasks and a load balancer; `cluster` is the ARN of its ECS cluster."""

    cluster: str
    item: Mapping[str, Any]

    @property
    def name(self) -> str:
        """``shop/web``: its ECS cluster and its name."""
        return f"{last_part(self.cluster)}/{self.item['serviceName']}"

    @property
    def tags(self) -> dict[str, str]:
        """Its tags."""
        return {tag["key"]: tag.get("value", "") for tag in self.item.get("tags") or ()}

    @property
    def balancers(self) -> list[Mapping[str, Any]]:
        """What it and its task sets say about load balancers."""
        parts = (self.item, *(self.item.get("taskSets") or ()))
        return [each for part in parts for each in part.get("loadBalancers") or ()]

    @property
    def running(self) -> int:
        """How many tasks run, of all revisions."""
        parts = (*(self.item.get("deployments") or ()), *(self.item.get("taskSets") or ()))
        return max(int(self.item.get("runningCount") or 0), sum(int(each.get("runningCount") or 0) for each in parts))


def lookups(answers: Answers) -> tuple[Lookup, ...]:
    """What has to be asked, as far as the answers show."""
    clusters = _strings(CLUSTERS, answers)
    result = [CLUSTERS, *(SERVICES.about(cluster=cluster) for cluster in clusters)]
    result += [lookup for cluster in clusters for lookup in _descriptions(cluster, answers)]
    for service in services(answers):
        result += [_tasks_of(service), *_details(service, answers), *_hosts(service, answers)]
    return tuple(result)


def services(answers: Answers) -> list[Service]:
    """The services with a load balancer and running tasks."""
    described = (
        Service(cluster, item)
        for cluster in _strings(CLUSTERS, answers)
        for lookup in _descriptions(cluster, answers)
        for item in _items(lookup, answers)
    )
    return [each for each in described if each.balancers and each.running]


def hidden(answers: Answers) -> list[str]:
    """The services that AWS lists, and does not describe."""
    names = {
        arn for cluster in _strings(CLUSTERS, answers) for arn in _strings(SERVICES.about(cluster=cluster), answers)
    }
    shown = {
        str(item.get(key))
        for cluster in _strings(CLUSTERS, answers)
        for lookup in _descriptions(cluster, answers)
        for item in _items(lookup, answers)
        for key in ("serviceArn", "serviceName")
    }
    return sorted(last_part(arn) for arn in names if not {arn, last_part(arn)} & shown)


def running_on(service: Service, answers: Answers) -> tuple[set[str], set[str], bool]:
    """The ids of the machines that its tasks run on, the revisions, and whether some run without a machine."""
    tasks = list(_tasks(service, answers))
    ids = {
        str(item.get("ec2InstanceId"))
        for lookup in _hosts(service, answers)
        for item in _items(lookup, answers)
        if item.get("ec2InstanceId")
    }
    revisions = {str(task.get("taskDefinitionArn") or "").rpartition("/")[2] for task in tasks} - {""}
    return ids, revisions, any(not task.get("containerInstanceArn") for task in tasks)


def _descriptions(cluster: str, answers: Answers) -> list[Lookup]:
    names = _strings(SERVICES.about(cluster=cluster), answers)
    return [
        _DESCRIBED.about(cluster=cluster, services=part, include=["TAGS"]) for part in _parts(names, _SERVICES_EACH)
    ]


def _tasks_of(service: Service) -> Lookup:
    return TASKS.about(cluster=service.cluster, serviceName=service.item["serviceName"], desiredStatus="RUNNING")


def _details(service: Service, answers: Answers) -> list[Lookup]:
    names = _strings(_tasks_of(service), answers)
    return [_RUNNING.about(cluster=service.cluster, tasks=part) for part in _parts(names, _EACH)]


def _tasks(service: Service, answers: Answers) -> Iterator[Mapping[str, Any]]:
    group = f"service:{service.item['serviceName']}"
    for lookup in _details(service, answers):
        yield from (task for task in _items(lookup, answers) if task.get("group", group) == group)


def _hosts(service: Service, answers: Answers) -> list[Lookup]:
    names = {task["containerInstanceArn"] for task in _tasks(service, answers) if task.get("containerInstanceArn")}
    return [_MACHINES.about(cluster=service.cluster, containerInstances=part) for part in _parts(sorted(names), _EACH)]


def _items(lookup: Lookup, answers: Answers) -> tuple[Mapping[str, Any], ...]:
    answer = answers.get(lookup.key())
    return answer.items if answer else ()


def _strings(lookup: Lookup, answers: Answers) -> list[str]:
    """The ARNs that a list has instead of items."""
    return sorted(map(str, _items(lookup, answers)))


def _parts(names: Sequence[str], size: int) -> Iterable[list[str]]:
    return [[*names[start : start + size]] for start in range(0, len(names), size)]
