"""What takes something from the live cluster by a group of others, or by its own tag alone: beside the other's."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_unknown_holders import attempt
from tests.support import rest

pytestmark = pytest.mark.every(3)

NAMES = ("blue", "green")
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def tags(name):
    return [{"Key": "Cluster", "Value": name}]


@pytest.fixture
def live(places, install):
    def start():
        install(live={"eip_addresses": [places["blue"].public_ip]})

    return start


def test_live_machines_join_no_other_group(aws, places, live, install):
    """A live machine joins a group of its own cluster only: another one's scale-in would end it. Others join theirs."""
    aws.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="retired", MinSize=0, MaxSize=1, LaunchConfigurationName="green",
        VPCZoneIdentifier=places["green"].subnet,
    )  # fmt: skip

    def attach(group, *machines):
        params = {"AutoScalingGroupName": group, "InstanceIds": [*machines]}
        return attempt(aws, "autoscaling", "attach_instances", params)

    live()
    blue, green = places["blue"].machine, places["green"].machine
    for group in ("green-asg", "retired"):
        assert attach(group, blue) >= {"live-cluster/join"}
        assert attach(group, green, blue) >= {"live-cluster/join"}
        assert attach(group, green) is None
    assert attach("blue-asg", blue) is None
    assert attach("green-asg", "i-00000000000000000") >= {"live-cluster/join"}
    assert attach("gone", green) >= {"live-cluster/unresolved"}


# How each kind of resource is made, with the call that takes it and says what it is.
def _made(aws, places, name):
    ec2, place = aws.client("ec2"), places["green"]
    vpc = ec2.describe_subnets(SubnetIds=[place.subnet])["Subnets"][0]["VpcId"]
    return {
        "group": ec2.create_security_group(GroupName=name, Description="spare", VpcId=vpc)["GroupId"],
        "image": ec2.create_image(InstanceId=place.machine, Name=name)["ImageId"],
        "snapshot": ec2.create_snapshot(VolumeId=place.volume)["SnapshotId"],
        "gateway": ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"],
        "subnet": ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.2.{len(name)}0.0/24")["Subnet"]["SubnetId"],
    }


@pytest.fixture
def owned(aws, places, live):
    """Things of EC2 that no machine uses, with the tag of each cluster."""
    made = {name: _made(aws, places, name) for name in NAMES}
    for name in NAMES:
        aws.client("ec2").create_tags(Resources=[*made[name].values()], Tags=tags(name))
    live()
    return made


def changes(name):
    """Calls that change the tag of a resource, and whether they do: one that has another value keeps it."""
    key, other = {"Key": "Cluster"}, {"Key": "Cluster", "Value": "grey"}
    return [
        ("create_tags", [other], True),
        ("delete_tags", [key], True),
        ("delete_tags", tags(name), True),
        ("delete_tags", [other], False),
        ("create_tags", tags(name), False),
        ("create_tags", [{"Key": "Owner", "Value": "x"}], False),
    ]


def test_tags_of_anything_in_ec2(aws, owned):
    """The cluster tag of the live cluster's group, image, snapshot or network stays, whatever changes it."""
    for name in NAMES:
        for kind, resource in owned[name].items():
            for method, change, harms in changes(name):
                denied = attempt(aws, "ec2", method, {"Resources": [resource], "Tags": change})
                assert bool(denied) == (harms and name == "blue"), (method, change, kind, denied)
        arn = f"arn:aws:ec2:eu-west-1:123456789012:security-group/{owned[name]['group']}"
        params = {"ResourceARNList": [arn], "TagKeys": ["Cluster"]}
        denied = attempt(aws, "resourcegroupstaggingapi", "untag_resources", params)
        assert (denied or set()) >= {"protection/retag"} if name == "blue" else denied is None, denied


def test_tags_that_the_answer_does_not_show(aws, owned):
    """An answer without the tags of any machine proves nothing: the tags of every resource stay."""
    aws.reply("DescribeTags", "<DescribeTagsResponse><tagSet/></DescribeTagsResponse>")
    for name in NAMES:
        params = {"Resources": [owned[name]["group"]], "Tags": [{"Key": "Cluster"}]}
        assert attempt(aws, "ec2", "delete_tags", params) >= {"protection/retag"}
        params = {"GroupId": owned[name]["group"]}
        assert attempt(aws, "ec2", "delete_security_group", params) >= {"live-cluster/unresolved"}


def test_a_value_that_a_machine_does_not_have(aws, places, live):
    """DeleteTags with another value of a live machine's tag removes nothing, and arrives."""
    live()
    for change, arrives in (([{"Key": "Cluster", "Value": "grey"}], True), (tags("blue"), False)):
        denied = attempt(aws, "ec2", "delete_tags", {"Resources": [places["blue"].machine], "Tags": change})
        assert (denied is None) == arrives, denied


@pytest.fixture
def names(aws, places, live):
    """A zone and a health check of each cluster, which only their own tags show."""
    route53, made = aws.client("route53"), {}
    for name in NAMES:
        zone = route53.create_hosted_zone(Name=f"{name}.example", CallerReference=name)["HostedZone"]["Id"]
        config = {"Type": "TCP", "IPAddress": "192.0.2.1", "Port": 80}
        check = route53.create_health_check(CallerReference=name, HealthCheckConfig=config)["HealthCheck"]["Id"]
        made[name] = {"hostedzone": zone.rpartition("/")[2], "healthcheck": check}
        for kind, resource in made[name].items():
            route53.change_tags_for_resource(ResourceType=kind, ResourceId=resource, AddTags=tags(name))
    live()
    return made


def test_own_tags_of_zones_and_health_checks(aws, names):
    """A zone or a health check with the live cluster's tag keeps it, and is not deleted or inverted."""
    for name in NAMES:
        zone, check = names[name]["hostedzone"], names[name]["healthcheck"]
        calls = [
            *(("change_tags_for_resource", {"ResourceType": kind, "ResourceId": each, **change})
              for kind, each in names[name].items()
              for change in ({"RemoveTagKeys": ["Cluster"]}, {"AddTags": tags("grey")})),
            ("delete_hosted_zone", {"Id": zone}),
            ("update_health_check", {"HealthCheckId": check, "Inverted": True}),
            ("update_health_check", {"HealthCheckId": check, "Disabled": True}),
            ("update_health_check", {"HealthCheckId": check, "IPAddress": "192.0.2.9"}),
            ("delete_health_check", {"HealthCheckId": check}),
        ]  # fmt: skip
        for method, params in calls:
            denied = rest.attempt(aws, "route53", method, params)
            assert bool(denied) == (name == "blue"), (method, params, denied)


def test_own_tags_of_profiles_and_policies(aws, places, live):
    """The live cluster's tag stays on an instance profile and a policy that nothing shows to be in use."""
    iam, document = aws.client("iam"), json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})
    arns = {}
    for name in NAMES:
        iam.create_instance_profile(InstanceProfileName=name, Tags=tags(name))
        arns[name] = iam.create_policy(PolicyName=name, PolicyDocument=document, Tags=tags(name))["Policy"]["Arn"]
    live()
    for name in NAMES:
        for resource, target in (
            ("instance_profile", {"InstanceProfileName": name}),
            ("policy", {"PolicyArn": arns[name]}),
        ):
            for verb, change in (("untag", {"TagKeys": ["Cluster"]}), ("tag", {"Tags": tags("grey")})):
                denied = attempt(aws, "iam", f"{verb}_{resource}", {**target, **change})
                assert bool(denied) == (name == "blue"), (verb, resource, denied)


def test_tags_that_an_update_puts_on_a_stack(aws, places, live):
    """UpdateStack replaces the stack's own tags: the live cluster's tag stays, and repeating it changes nothing."""
    template = json.dumps({"Resources": {"T": {"Type": "AWS::SNS::Topic"}}})
    for name in NAMES:
        aws.client("cloudformation").create_stack(StackName=name, TemplateBody=template, Tags=tags(name))
    live()
    owner = {"Key": "Owner", "Value": "x"}
    for name in NAMES:
        for change, harms in (([], True), ([owner], True), (tags("grey"), True), ([*tags(name), owner], False)):
            update = {"StackName": name, "UsePreviousTemplate": True, "Tags": change}
            denied = attempt(aws, "cloudformation", "update_stack", update)
            assert bool(denied) == (harms and name == "blue"), (name, change, denied)
        kept = {"StackName": name, "UsePreviousTemplate": True}
        assert attempt(aws, "cloudformation", "update_stack", kept) is None


def test_node_groups(aws, places, live):
    """A node group goes by its machines or its own tag: the live cluster's stays, and one that is not found."""
    eks, role = aws.client("eks"), "arn:aws:iam::123456789012:role/r"
    subnets = {name: [place.subnet] for name, place in places.items()}
    for name in NAMES:
        eks.create_cluster(name=name, roleArn=role, resourcesVpcConfig={"subnetIds": subnets[name]})
        for group, own in (("machines", {}), ("own", {"tags": {"Cluster": name}})):
            eks.create_nodegroup(clusterName=name, nodegroupName=group, subnets=subnets[name], nodeRole=role, **own)
        marks = {"eks:cluster-name": name, "eks:nodegroup-name": "machines"}
        aws.client("ec2").create_tags(
            Resources=[places[name].machine], Tags=[{"Key": key, "Value": value} for key, value in marks.items()]
        )
    live()

    def delete(name, group):
        return rest.attempt(aws, "eks", "delete_nodegroup", {"clusterName": name, "nodegroupName": group})

    for group in ("machines", "own"):
        assert delete("blue", group) >= {"live-cluster/terminate"}
        assert delete("green", group) is None
    assert delete("green", "gone") >= {"live-cluster/unresolved"}


SECRETS = [
    ("put_secret_value", {"SecretString": "y"}, True),
    ("put_secret_value", {"SecretString": "y", "VersionStages": ["AWSPENDING"]}, False),
    ("update_secret", {"SecretString": "y"}, True),
    ("update_secret", {"KmsKeyId": "k"}, True),
    ("update_secret", {"Description": "y"}, False),
    ("update_secret_version_stage", {"VersionStage": "AWSCURRENT", "MoveToVersionId": "a" * 36}, True),
    ("rotate_secret", {}, True),
    ("rotate_secret", {"RotateImmediately": False}, False),
    ("cancel_rotate_secret", {}, True),
    ("remove_regions_from_replication", {"RemoveReplicaRegions": ["us-east-1"]}, True),
]


def test_values_that_the_live_cluster_reads(aws, places, live, caplog):
    """Another value of the live cluster's secret or parameter gets a warning; green's, or one not in use, does not."""
    for name in NAMES:
        aws.client("secretsmanager").create_secret(Name=name, SecretString="x", Tags=tags(name))
        aws.client("ssm").put_parameter(Name=f"/{name}/url", Value="x", Type="String", Tags=tags(name))
    live()
    for name in NAMES:
        calls = [("secretsmanager", method, {"SecretId": name, **params}, harms) for method, params, harms in SECRETS]
        labels = {"Name": f"/{name}/url", "ParameterVersion": 1, "Labels": ["production"]}
        calls += [("ssm", f"{verb}label_parameter_version", labels, True) for verb in ("", "un")]
        for service, method, params, harms in calls:
            caplog.clear()
            assert attempt(aws, service, method, params) is None
            warned = "live-cluster/indirect" in caplog.text
            assert warned == (harms and name == "blue"), (method, params)


def test_a_service_that_runs_the_newest_revision(aws, places, live):
    """A family alone means its newest revision: harmless where the service runs that, else a replacement."""
    ecs = aws.client("ecs")
    register = {"family": "web", "containerDefinitions": [{"name": "c", "image": "i", "memory": 1}]}
    for name in NAMES:
        ecs.create_cluster(clusterName=name, tags=[{"key": "Cluster", "value": name}])
        newest = ecs.register_task_definition(**register)["taskDefinition"]["taskDefinitionArn"]
        ecs.create_service(cluster=name, serviceName="web", taskDefinition=newest, desiredCount=1)
    ecs.create_service(cluster="blue", serviceName="newest", taskDefinition=newest, desiredCount=1)
    live()

    def update(name, service, definition):
        params = {"cluster": name, "service": service, "taskDefinition": definition}
        return attempt(aws, "ecs", "update_service", params)

    for definition in ("web", "web:2", newest):
        assert update("blue", "newest", definition) is None
        assert update("green", "web", definition) is None
        assert update("blue", "web", definition) >= {"live-cluster/replace"}
    assert update("blue", "newest", "web:1") >= {"live-cluster/replace"}
    assert update("blue", "newest", "other") >= {"live-cluster/replace"}


def test_the_same_name_within_two_others(aws, places, live):
    """A record's name in another zone is another record: the live one's is kept for a rollback, the other is not."""
    route53, zones = aws.client("route53"), {}
    for name, place in places.items():
        zones[name] = route53.create_hosted_zone(Name="e.org", CallerReference=name)["HostedZone"]["Id"]
        record = {"Name": "www.e.org", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": place.public_ip}]}
        batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        route53.change_resource_record_sets(HostedZoneId=zones[name], ChangeBatch=batch)
    live()
    for name, place in places.items():
        record = {"Name": "www.e.org", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": place.public_ip}]}
        batch = {"Changes": [{"Action": "DELETE", "ResourceRecordSet": record}]}
        params = {"HostedZoneId": zones[name], "ChangeBatch": batch}
        denied = rest.attempt(aws, "route53", "change_resource_record_sets", params)
        assert (denied is None) == (name == "green"), denied
