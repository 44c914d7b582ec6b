"""Incidents that took something around the machines: stacks, load balancers, databases, keys, groups."""

from __future__ import annotations

import json

from tests.scenarios.capacity import group, live
from tests.scenarios.scenario import scenario

REGION = "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/cluster"


def template(cluster, machines=2):
    """A stack of machines of one cluster."""
    return json.dumps(
        {
            "Resources": {
                f"Machine{number}": {
                    "Type": "AWS::EC2::Instance",
                    "Properties": {
                        "ImageId": "ami-12345678",
                        "InstanceType": "t3.small",
                        "Tags": [{"Key": "Cluster", "Value": cluster}],
                    },
                }
                for number in range(machines)
            }
            | {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": cluster}}}
        }
    )


def stacks(aws):
    client = aws.client("cloudformation")
    for cluster in ("blue", "green"):
        client.create_stack(StackName=f"site-{cluster}", TemplateBody=template(cluster))
    live(aws, "blue")


def blue_gone(aws, world):
    return aws.running("blue") == 0


def green_gone(aws, world):
    return aws.running("green") == 0 and aws.running("blue") == 2


@scenario
class IdsOfSomethingElse:
    incident = "Atlassian 2022"
    rule = "live-cluster/terminate"
    harmful = ("DeleteStack",)
    arrange = stacks
    happened = blue_gone
    passed = green_gone

    def harm(aws, world):
        # The list should hold the apps of the sites, but holds the sites.
        aws.client("cloudformation").delete_stack(StackName="site-blue")

    def innocent(aws, world):
        aws.client("cloudformation").delete_stack(StackName="site-green")


@scenario
class TemplateThatDeletes:
    incident = "Skyscanner 2021-08-25"
    rule = "live-cluster/replace"
    harmful = ("UpdateStack",)
    arrange = stacks
    happened = blue_gone
    passed = green_gone

    def harm(aws, world):
        aws.client("cloudformation").update_stack(StackName="site-blue", TemplateBody=template("blue", 0))

    def innocent(aws, world):
        aws.client("cloudformation").update_stack(StackName="site-green", TemplateBody=template("green", 0))


@scenario
class WrongTab:
    incident = "Spotify 2018 (GKE)"
    rule = "live-cluster/terminate"
    harmful = ("DELETE /clusters/production",)

    def arrange(aws):
        client = aws.client("eks")
        subnet = aws.create_subnet("10.0.4.0/24")
        for name in ("production", "test"):
            client.create_cluster(name=name, roleArn=ROLE, resourcesVpcConfig={"subnetIds": [subnet]})
        aws.start_cluster("production", 2, addresses=1, tags={"kubernetes.io/cluster/production": "owned"})
        aws.start_cluster("test", 2, tags={"kubernetes.io/cluster/test": "owned"})

    def harm(aws, world):
        aws.client("eks").delete_cluster(name="production")

    def happened(aws, world):
        return "production" not in aws.client("eks").list_clusters()["clusters"]

    def innocent(aws, world):
        aws.client("eks").delete_cluster(name="test")

    def passed(aws, world):
        return aws.client("eks").list_clusters()["clusters"] == ["production"]


@scenario
class ServerInsteadOfDatabase:
    incident = "Azure DevOps 2023"
    rule = "live-cluster/storage"
    harmful = ("DeleteDBInstance",)

    def arrange(aws):
        client = aws.client("rds")
        for cluster in ("blue", "green"):
            aws.start_cluster(cluster, 1, addresses=int(cluster == "blue"))
            client.create_db_instance(
                DBInstanceIdentifier=f"db-{cluster}",
                DBInstanceClass="db.t3.small",
                Engine="postgres",
                AllocatedStorage=20,
                MasterUsername="admin1",
                MasterUserPassword="not-a-secret",
                Tags=[{"Key": "Cluster", "Value": cluster}],
            )

    def harm(aws, world):
        aws.client("rds").delete_db_instance(DBInstanceIdentifier="db-blue", SkipFinalSnapshot=True)

    def happened(aws, world):
        return "db-blue" not in _databases(aws)

    def innocent(aws, world):
        aws.client("rds").delete_db_instance(DBInstanceIdentifier="db-green", SkipFinalSnapshot=True)

    def passed(aws, world):
        return _databases(aws) == {"db-blue"}


def _databases(aws):
    return {database["DBInstanceIdentifier"] for database in aws.client("rds").describe_db_instances()["DBInstances"]}


def balanced(aws):
    """Two target groups, with the machines of blue (live, by its address) and of green."""
    ec2, client = aws.client("ec2"), aws.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    groups = {}
    for cluster in ("blue", "green"):
        machines = aws.start_cluster(cluster, 2, addresses=int(cluster == "blue")).instance_ids
        arn = client.create_target_group(Name=cluster, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
        groups[cluster] = {"group": arn["TargetGroupArn"], "machines": [{"Id": machine} for machine in machines]}
        client.register_targets(TargetGroupArn=groups[cluster]["group"], Targets=groups[cluster]["machines"])
    return groups


def _registered(aws, arn):
    return aws.client("elbv2").describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]


@scenario
class OwnGateway:
    incident = "Cloudflare R2 2025-02"
    rule = "live-cluster/traffic"
    harmful = ("DeregisterTargets",)
    arrange = balanced

    def harm(aws, world):
        side = world["blue"]
        aws.client("elbv2").deregister_targets(TargetGroupArn=side["group"], Targets=side["machines"])

    def happened(aws, world):
        return not _registered(aws, world["blue"]["group"])

    def innocent(aws, world):
        side = world["green"]
        aws.client("elbv2").deregister_targets(TargetGroupArn=side["group"], Targets=side["machines"])

    def passed(aws, world):
        return not _registered(aws, world["green"]["group"]) and bool(_registered(aws, world["blue"]["group"]))


@scenario
class MaintenanceOnProduction:
    incident = "AWS ELB 2012-12-24"
    rule = "live-cluster/traffic"
    harmful = ("DeleteLoadBalancer",)

    def arrange(aws):
        client = aws.client("elb")
        zone = aws.client("ec2").describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
        for cluster in ("blue", "green"):
            machines = aws.start_cluster(cluster, 2, addresses=int(cluster == "blue")).instance_ids
            client.create_load_balancer(
                LoadBalancerName=cluster,
                Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
                AvailabilityZones=[zone],
            )
            client.register_instances_with_load_balancer(
                LoadBalancerName=cluster, Instances=[{"InstanceId": machine} for machine in machines]
            )

    def harm(aws, world):
        aws.client("elb").delete_load_balancer(LoadBalancerName="blue")

    def happened(aws, world):
        return "blue" not in _balancers(aws)

    def innocent(aws, world):
        aws.client("elb").delete_load_balancer(LoadBalancerName="green")

    def passed(aws, world):
        return _balancers(aws) == {"blue"}


def _balancers(aws):
    balancers = aws.client("elb").describe_load_balancers()["LoadBalancerDescriptions"]
    return {balancer["LoadBalancerName"] for balancer in balancers}


@scenario
class KeyInUse:
    incident = "Cloudflare R2 2025-03"
    rule = "live-cluster/storage"
    harmful = ("ScheduleKeyDeletion", "DisableKey")

    def arrange(aws):
        ec2, kms = aws.client("ec2"), aws.client("kms")
        keys = {name: kms.create_key()["KeyMetadata"]["KeyId"] for name in ("used", "old")}
        (machine,) = aws.start_cluster("blue", 1, addresses=1).instance_ids
        zone = ec2.describe_instances(InstanceIds=[machine])["Reservations"][0]["Instances"][0]["Placement"]
        disk = ec2.create_volume(
            Size=1, AvailabilityZone=zone["AvailabilityZone"], Encrypted=True, KmsKeyId=keys["used"]
        )["VolumeId"]
        ec2.attach_volume(VolumeId=disk, InstanceId=machine, Device="/dev/sdf")
        return keys

    def harm(aws, keys):
        aws.client("kms").schedule_key_deletion(KeyId=keys["used"], PendingWindowInDays=7)

    def happened(aws, keys):
        return _state(aws, keys["used"]) == "PendingDeletion"

    def innocent(aws, keys):
        aws.client("kms").schedule_key_deletion(KeyId=keys["old"], PendingWindowInDays=7)

    def passed(aws, keys):
        return _state(aws, keys["old"]) == "PendingDeletion" and _state(aws, keys["used"]) == "Enabled"


def _state(aws, key):
    return aws.client("kms").describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


@scenario
class GroupsEverywhere:
    incident = "Skyscanner 2021-08-25"
    rule = "live-cluster/terminate"
    harmful = ("DeleteAutoScalingGroup",)
    happened = blue_gone
    passed = green_gone

    def arrange(aws):
        subnet = aws.create_subnet("10.0.5.0/24")
        for cluster in ("blue", "green"):
            group(aws, f"web-{cluster}", cluster, subnet)
        live(aws, "blue")

    def harm(aws, world):
        # The namespace's settings were missing from the template, so its groups went.
        client = aws.client("autoscaling")
        client.delete_auto_scaling_group(AutoScalingGroupName="web-blue", ForceDelete=True)

    def innocent(aws, world):
        aws.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="web-green", ForceDelete=True)
