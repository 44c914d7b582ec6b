"""The source `ecs`: live is a service with running tasks that a load balancer sends requests to.

In the simulated AWS no task of a service runs, so the descriptions of services are canned; the tasks are started by
themselves, with the name of the service.
"""

from __future__ import annotations

import json

import pytest

from tests.support.balancers import BehindBalancer
from tests.support.sources import assert_denied_without, assert_protects, seen_by


class Shop:
    """An ECS cluster on the machines of two clusters, with a service for each side behind one balancer."""

    def __init__(self, aws):
        self.aws, self.ecs = aws, aws.client("ecs")
        self.sides = {name: aws.start_cluster(name, 1) for name in ("blue", "green")}
        self.balancer = BehindBalancer(aws)
        self.cluster = self.ecs.create_cluster(clusterName="shop")["cluster"]["clusterArn"]
        container = {"name": "web", "image": "web", "memory": 64, "cpu": 64}
        self.ecs.register_task_definition(family="web", containerDefinitions=[container])
        self.services = {}
        for name, side in self.sides.items():
            group = self.balancer.group(name, ())
            host = self._host(side.instance_ids[0])
            self.ecs.create_service(cluster="shop", serviceName=name, taskDefinition="web", desiredCount=1)
            self.ecs.start_task(
                cluster="shop", taskDefinition="web", containerInstances=[host], group=f"service:{name}"
            )
            self.describe(name, loadBalancers=[{"targetGroupArn": group, "containerName": "web", "containerPort": 80}])

    def _host(self, machine):
        document = {"instanceId": machine, "region": "eu-west-1", "accountId": "123456789012"}
        made = self.ecs.register_container_instance(
            cluster="shop", instanceIdentityDocument=json.dumps(document), instanceIdentityDocumentSignature="x"
        )
        return made["containerInstance"]["containerInstanceArn"]

    def describe(self, name, **more):
        arn = f"arn:aws:ecs:eu-west-1:123456789012:service/shop/{name}"
        new = {
            "serviceName": name,
            "serviceArn": arn,
            "clusterArn": self.cluster,
            "runningCount": 1,
            "status": "ACTIVE",
        }
        self.services[name] = {**self.services.get(name, new), **more}
        self.aws.reply("DescribeServices", json.dumps({"services": [*self.services.values()], "failures": []}))


@pytest.fixture
def shop(aws):
    return Shop(aws)


def test_weights(shop, install):
    """The service behind the weight 100 is live by its machine and stays; the one behind 0 may go."""
    shop.balancer.listener(443, blue=100, green=0)
    live, report = seen_by("ecs", shop.aws, install)
    assert (live.clusters, live.known, live.disputed) == (("blue",), True, False)
    where = "ECS service shop/blue (1 task of web:1) behind web-prod:443, rule default, weight 100"
    assert report.evidence == f"blue runs {where}"
    assert_protects("ecs", shop.aws, install, shop.sides["blue"], shop.sides["green"])


def test_whose_it_is_and_which_rule_counts(shop, install):
    """The tag of a service names its cluster; its production rule counts on any port, a test listener never."""
    shop.balancer.listener(443, blue=1)
    other = shop.balancer.listener(8443, green=1)
    assert seen_by("ecs", shop.aws, install)[0].clusters == ("blue",)
    (entry,) = shop.services["green"]["loadBalancers"]
    shop.describe("green", loadBalancers=[{**entry, "advancedConfiguration": {"productionListenerRule": other}}])
    assert seen_by("ecs", shop.aws, install)[0].clusters == ("blue", "green")
    shop.describe("green", loadBalancers=[entry])
    shop.describe("blue", tags=[{"key": "Cluster", "value": "green"}])
    assert seen_by("ecs", shop.aws, install)[0].clusters == ("blue", "green")


def test_both_revisions_of_a_deployment(shop, install):
    """While task sets of two revisions run, the machines of both are live."""
    shop.balancer.listener(443, blue=1)
    host = shop.ecs.list_container_instances(cluster="shop")["containerInstanceArns"]
    shop.ecs.register_task_definition(family="web", containerDefinitions=[{"name": "web", "image": "w", "memory": 8}])
    for each in host:
        shop.ecs.start_task(cluster="shop", taskDefinition="web:2", containerInstances=[each], group="service:blue")
    shop.describe(
        "blue", deployments=[{"runningCount": 1, "status": "PRIMARY"}, {"runningCount": 2, "status": "ACTIVE"}]
    )
    live, report = seen_by("ecs", shop.aws, install)
    assert live.clusters == ("blue", "green")
    assert "shop/blue (3 tasks of web:1 and web:2)" in report.evidence


def test_what_is_not_shown(shop, site, install):
    """Without running tasks it is silent; what AWS lists and does not describe leaves unknown what is live."""
    aws = shop.aws
    shop.balancer.listener(443, blue=1)
    aws.reply("ListTasks", json.dumps({"taskArns": []}))
    assert seen_by("ecs", aws, install)[1].blind
    shop.describe("blue", tags=[{"key": "Cluster", "value": "blue"}])
    assert seen_by("ecs", aws, install)[0].clusters == ("blue",)
    for name in ("blue", "green"):
        shop.describe(name, runningCount=0)
    live, report = seen_by("ecs", aws, install)
    assert (report.silent, live.known, live.disputed) == (True, True, False)
    shop.services.pop("green")
    shop.describe("blue")
    live, report = seen_by("ecs", aws, install)
    assert not live.known
    assert "green" in report.evidence
    for permission in ("ecs:ListClusters", "ecs:DescribeServices"):
        assert_denied_without(permission, "ecs", aws, install, site.green)
