"""The evidence of what is live can be taken away by many calls: each is denied, or the machines stay without it.

The shops are those of the two steps; descriptions that the simulated AWS cannot give are canned there.
"""

from __future__ import annotations

from typing import Any

import pytest

import guardrails
from tests.calls.test_two_steps import KEPT, second
from tests.support.two_steps import ACCELERATOR, MARK, NAME, POINTER, Shop

pytestmark = pytest.mark.every(3)

FIXED = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]
EVERY_PATH = [{"Field": "path-pattern", "Values": ["/*"]}]
WEB, GROUP, SERVICE = (
    {"LoadBalancerName": "web"},
    {"AutoScalingGroupName": "blue"},
    {"cluster": "shop", "service": "web"},
)
DATABASE, TAG = {"DBInstanceIdentifier": "blue-db"}, {"Key": "Cluster", "Value": "green"}
ELSEWHERE = {"Name": NAME, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
LISTENER = f"{ACCELERATOR}/listener/1"
ENDPOINTS = {"EndpointGroupArn": f"{LISTENER}/endpoint-group/1"}
CHECK = {"Target": "HTTP:1/", "Interval": 5, "Timeout": 2, "UnhealthyThreshold": 2, "HealthyThreshold": 2}


def behind_a_balancer(shop) -> tuple[str, str, str]:
    """The ARNs of the balancer, its listener and its target group."""
    elbv2 = shop.aws.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    return balancer["LoadBalancerArn"], listener["ListenerArn"], group["TargetGroupArn"]


def of_eip(shop):
    first = shop.aws.client("ec2").describe_addresses()["Addresses"][0]
    yield "ec2", "release_address", {"AllocationId": first["AllocationId"]}
    yield "ec2", "disassociate_address", {"AssociationId": first["AssociationId"]}


def of_target_group(shop):
    balancer, listener, group = behind_a_balancer(shop)
    yield "elbv2", "delete_load_balancer", {"LoadBalancerArn": balancer}
    yield "elbv2", "set_subnets", {"LoadBalancerArn": balancer, "Subnets": ["subnet-1"]}
    yield "elbv2", "set_security_groups", {"LoadBalancerArn": balancer, "SecurityGroups": ["sg-1"]}
    yield "elbv2", "delete_listener", {"ListenerArn": listener}
    yield "elbv2", "modify_listener", {"ListenerArn": listener, "DefaultActions": FIXED}
    yield "elbv2", "modify_listener", {"ListenerArn": listener, "Port": 8080}
    rule = {"ListenerArn": listener, "Priority": 1, "Conditions": EVERY_PATH, "Actions": FIXED}
    yield "elbv2", "create_rule", rule
    yield "elbv2", "delete_target_group", {"TargetGroupArn": group}
    yield "elbv2", "modify_target_group", {"TargetGroupArn": group, "HealthCheckPath": "/missing"}


def of_elb(_shop):
    yield "elb", "delete_load_balancer", WEB
    yield "elb", "delete_load_balancer_listeners", {**WEB, "LoadBalancerPorts": [80]}
    yield "elb", "configure_health_check", {**WEB, "HealthCheck": CHECK}
    zones = {**WEB, "AvailabilityZones": ["eu-west-1a"]}
    yield "elb", "disable_availability_zones_for_load_balancer", zones


def of_dns(shop):
    zone = shop.aws.client("route53").list_hosted_zones()["HostedZones"][0]["Id"]
    changes = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": ELSEWHERE}]}
    yield "route53", "change_resource_record_sets", {"HostedZoneId": zone, "ChangeBatch": changes}
    yield "route53", "delete_hosted_zone", {"Id": zone}


def of_asg(shop):
    _, listener, group = behind_a_balancer(shop)
    some = {**GROUP, "InstanceIds": shop.ids, "ShouldDecrementDesiredCapacity": True}
    tag = {"ResourceId": "blue", "ResourceType": "auto-scaling-group", **TAG}
    yield "autoscaling", "detach_traffic_sources", {**GROUP, "TrafficSources": [{"Identifier": group}]}
    yield "autoscaling", "delete_auto_scaling_group", {**GROUP, "ForceDelete": True}
    yield "autoscaling", "detach_instances", some
    yield "autoscaling", "enter_standby", some
    yield "autoscaling", "delete_tags", {"Tags": [{**tag, "Value": "blue"}]}
    yield "autoscaling", "create_or_update_tags", {"Tags": [{**tag, "PropagateAtLaunch": True}]}
    yield "elbv2", "delete_listener", {"ListenerArn": listener}


def of_beanstalk(shop):
    yield "elasticbeanstalk", "terminate_environment", {"EnvironmentName": "shop-blue"}
    yield "elasticbeanstalk", "rebuild_environment", {"EnvironmentName": "shop-blue"}
    yield "elasticbeanstalk", "delete_application", {"ApplicationName": "shop", "TerminateEnvByForce": True}
    # This arrives, and after it AWS shows no machine of the live environment: everything stays.
    tag = {"Key": "elasticbeanstalk:environment-name", "Value": "other"}
    yield "ec2", "create_tags", {"Resources": shop.ids, "Tags": [tag]}


def of_ecs(shop):
    ecs = shop.aws.client("ecs")
    hosts = ecs.list_container_instances(cluster="shop")["containerInstanceArns"]
    yield "ecs", "delete_service", {**SERVICE, "force": True}
    yield "ecs", "update_service", {**SERVICE, "loadBalancers": []}
    yield "ecs", "stop_task", {"cluster": "shop", "task": ecs.list_tasks(cluster="shop")["taskArns"][0]}
    gone = {"cluster": "shop", "containerInstance": hosts[0], "force": True}
    yield "ecs", "deregister_container_instance", gone
    draining = {"cluster": "shop", "containerInstances": hosts, "status": "DRAINING"}
    yield "ecs", "update_container_instances_state", draining
    # This arrives: the machines that the tasks run on are live beside the cluster that the tag names.
    (service,) = ecs.list_services(cluster="shop")["serviceArns"]
    yield "ecs", "tag_resource", {"resourceArn": service, "tags": [{"key": "Cluster", "value": "green"}]}


def of_rds(shop):
    described = shop.aws.client("rds").describe_db_instances(**DATABASE)["DBInstances"]
    name = {"ResourceName": described[0]["DBInstanceArn"]}
    yield "rds", "switchover_blue_green_deployment", {"BlueGreenDeploymentIdentifier": "bgd-1"}
    yield "rds", "delete_db_instance", {**DATABASE, "SkipFinalSnapshot": True}
    yield "rds", "modify_db_instance", {**DATABASE, "NewDBInstanceIdentifier": "other", "ApplyImmediately": True}
    yield "rds", "remove_tags_from_resource", {**name, "TagKeys": ["Cluster"]}
    yield "rds", "add_tags_to_resource", {**name, "Tags": [TAG]}


def of_accelerator(shop):
    nothing = [{"EndpointId": each, "Weight": 0} for each in shop.ids]
    edge = "globalaccelerator"
    yield edge, "delete_endpoint_group", ENDPOINTS
    yield edge, "update_endpoint_group", {**ENDPOINTS, "EndpointConfigurations": nothing}
    yield edge, "remove_endpoints", {**ENDPOINTS, "EndpointIdentifiers": [{"EndpointId": shop.ids[0]}]}
    yield edge, "delete_listener", {"ListenerArn": LISTENER}
    yield edge, "update_listener", {"ListenerArn": LISTENER, "PortRanges": [{"FromPort": 1, "ToPort": 1}]}
    yield edge, "update_accelerator", {"AcceleratorArn": ACCELERATOR, "Enabled": False}
    yield edge, "delete_accelerator", {"AcceleratorArn": ACCELERATOR}


def of_tag(shop):
    yield "ec2", "create_tags", {"Resources": shop.ids, "Tags": [{**MARK, "Value": "false"}]}
    yield "ec2", "create_tags", {"Resources": shop.ids, "Tags": [TAG]}
    yield "ec2", "delete_tags", {"Resources": shop.ids}
    yield "ec2", "delete_tags", {"Resources": shop.ids[:1], "Tags": [{"Key": MARK["Key"]}]}


def of_ssm(_shop):
    yield "ssm", "put_parameter", {"Name": POINTER, "Value": "green", "Type": "String", "Overwrite": True}
    yield "ssm", "delete_parameters", {"Names": [POINTER]}


STEPS = {
    "eip": of_eip, "target-group": of_target_group, "elb": of_elb, "dns": of_dns, "asg": of_asg,
    "beanstalk": of_beanstalk, "ecs": of_ecs, "rds": of_rds, "accelerator": of_accelerator, "tag": of_tag,
    "ssm": of_ssm,
}  # fmt: skip
ARRIVE = {("beanstalk", "create_tags"), ("ecs", "tag_resource")}


def denied_by(shop, service: str, operation: str, params: dict[str, Any]) -> set[str] | None:
    """The rules that deny a call; None where its request arrived."""
    wire, rules = shop.aws.client(service).meta.method_to_api_mapping[operation], set[str]()
    before = shop.aws.count(wire)
    try:
        getattr(shop.aws.client(service), operation)(**params)
    except guardrails.CallDenied as error:
        rules = {each.rule for each in error.decision.violations}
    return rules if shop.aws.count(wire) == before else None


@pytest.mark.parametrize("source", STEPS)
def test_each_way_to_take_it_away(source, aws, install, tmp_path, monkeypatch):
    """Every such call is denied by a rule; after the two that change only a tag, the machines stay."""
    shop = Shop(aws, source, tmp_path, monkeypatch)
    steps = [*STEPS[source](shop)]
    install(live=shop.live)
    for service, operation, params in steps:
        rules = denied_by(shop, service, operation, params)
        assert rules is None if (source, operation) in ARRIVE else rules, (operation, params, rules)
    guardrails.uninstall()
    install(live=shop.live)
    assert second(shop) & KEPT
