"""The query and the ec2 protocol."""

from __future__ import annotations

from tests.transparency.registry import LAUNCH, MACHINES, QUOTA, case


@case("sts: who am I", protocol="query")
def sts_identity(t):
    return t.client("sts").get_caller_identity()


@case("sts: a role's credentials, used by another client", protocol="query")
def sts_assumed_role(t):
    given = t.client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/deploy", RoleSessionName="script")
    keys = given["Credentials"]
    session = t.make_session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    return [given["AssumedRoleUser"], t.client("s3", session=session).list_buckets()["Buckets"]]


@case("iam: users made, listed by a paginator, and deleted", protocol="query")
def iam_users(t):
    iam = t.client("iam")
    made = [iam.create_user(UserName=f"u{number}", Path="/team/") for number in range(3)]
    pages = iam.get_paginator("list_users").paginate(PathPrefix="/team/", PaginationConfig={"PageSize": 2})
    found = [pages.build_full_result(), list(pages.search("Users[].UserName"))]
    return [made, found, iam.delete_user(UserName="u0")]


@case("iam: a missing user, caught as the client's own exception class", protocol="query")
def iam_missing_user(t):
    iam = t.client("iam")
    try:
        iam.get_user(UserName="nobody")
    except iam.exceptions.NoSuchEntityException as error:
        return [str(error), error.response, error.operation_name, isinstance(error, iam.exceptions.ClientError)]


@case("iam: policies with documents in the form", protocol="query")
def iam_policy(t):
    iam = t.client("iam")
    document = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}]}'
    made = iam.create_policy(PolicyName="p", PolicyDocument=document)
    return [made, iam.get_policy_version(PolicyArn=made["Policy"]["Arn"], VersionId="v1")["PolicyVersion"]]


@case("sns: topics, and messages with attributes", protocol="query")
def sns_topics(t):
    sns = t.client("sns")
    topic = sns.create_topic(Name="news", Tags=[{"Key": "a", "Value": "b"}])["TopicArn"]
    attributes = {"kind": {"DataType": "String", "StringValue": "Action=TerminateInstances&InstanceId.1=i-1"}}
    sent = sns.publish(TopicArn=topic, Message="Action=StopInstances", MessageAttributes=attributes)
    return [sent, sns.list_topics(), sns.get_topic_attributes(TopicArn=topic)]


@case("ses: a letter", protocol="query")
def ses_letter(t):
    ses = t.client("ses")
    ses.verify_email_identity(EmailAddress="a@example.com")
    message = {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "ö\n&Action=TerminateInstances"}}}
    return ses.send_email(Source="a@example.com", Destination={"ToAddresses": ["b@example.com"]}, Message=message)


@case("autoscaling: a group is made", protocol="query", decisions=1, looks_up=LAUNCH)
def autoscaling_reads(t):
    scaling = t.client("autoscaling")
    scaling.create_launch_configuration(LaunchConfigurationName="l", ImageId="ami-12345678", InstanceType="t3.micro")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName="g", LaunchConfigurationName="l", MinSize=0, MaxSize=1, AvailabilityZones=["eu-west-1a"]
    )
    groups = scaling.get_paginator("describe_auto_scaling_groups").paginate().build_full_result()
    return [groups, scaling.describe_launch_configurations(), scaling.describe_policies()]


@case("elbv2: load balancers and target groups", protocol="query")
def elbv2_groups(t):
    ec2, elb = t.client("ec2"), t.client("elbv2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    group = elb.create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=vpc)
    balancer = elb.create_load_balancer(Name="b", Subnets=subnets)["LoadBalancers"][0]["LoadBalancerArn"]
    elb.get_waiter("load_balancer_exists").wait(LoadBalancerArns=[balancer])
    return [group, elb.describe_load_balancers(), elb.describe_tags(ResourceArns=[balancer])]


@case("cloudformation: a stack that is missing", protocol="query", raises="ClientError")
def cloudformation_missing(t):
    t.client("cloudformation").describe_stacks(StackName="nothing")


@case("sdb: signature version 2", protocol="query", inside=False)
def sdb_v2(t):
    sdb = t.client("sdb", region_name="us-east-1")
    sdb.create_domain(DomainName="domain")
    sdb.put_attributes(DomainName="domain", ItemName="i", Attributes=[{"Name": "n", "Value": "v", "Replace": True}])
    return [sdb.list_domains(), sdb.get_attributes(DomainName="domain", ItemName="i")]


@case("ec2: describe and list", protocol="ec2")
def ec2_describe(t):
    ec2 = t.client("ec2")
    ids = t.world["blue"]
    return [
        ec2.describe_instances(InstanceIds=ids),
        ec2.describe_instance_status(IncludeAllInstances=True),
        ec2.describe_addresses(Filters=[{"Name": "instance-id", "Values": ids}]),
        ec2.describe_regions(RegionNames=["eu-west-1"]),
        ec2.describe_instance_attribute(InstanceId=ids[0], Attribute="disableApiTermination"),
        ec2.get_console_output(InstanceId=ids[0]),
    ]


@case(
    "ec2: machines and volumes are made",
    protocol="ec2",
    decisions=1,
    looks_up=(*LAUNCH, "DescribeInstanceTypes", QUOTA),
)
def ec2_create(t):
    ec2 = t.client("ec2")
    made = ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=2, InstanceType="t3.micro", UserData="#!/bin/sh\necho &Action=x\n",
        BlockDeviceMappings=[{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 1, "DeleteOnTermination": True}}],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "a b+c"}]}],
    )  # fmt: skip
    ec2.get_waiter("instance_running").wait(InstanceIds=[machine["InstanceId"] for machine in made["Instances"]])
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1, Encrypted=False)
    ec2.get_waiter("volume_available").wait(VolumeIds=[volume["VolumeId"]], WaiterConfig={"Delay": 1})
    return [made, volume]


@case(
    "ec2: harmless tags, security groups and keys, and a key of no template is deleted",
    protocol="ec2",
    decisions=1,
    looks_up=(*MACHINES, "DescribeAutoScalingGroups", "DescribeLaunchConfigurations"),
)
def ec2_harmless(t):
    ec2 = t.client("ec2")
    key = b"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDNL9aXhGZ0 nobody"
    group = ec2.create_security_group(GroupName="g", Description="d")["GroupId"]
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    return [
        ec2.create_tags(Resources=t.world["green"], Tags=[{"Key": "Name", "Value": "ü"}]),
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission]),
        ec2.describe_security_groups(GroupIds=[group]),
        ec2.create_key_pair(KeyName="k")["KeyName"],
        _ending(lambda: ec2.import_key_pair(KeyName="j", PublicKeyMaterial=key)),
        ec2.delete_key_pair(KeyName="k"),
    ]


@case("ec2: a snapshot copied, with a URL that botocore presigns on the way", protocol="ec2")
def ec2_copy_snapshot(t):
    ec2 = t.client("ec2")
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume, Description="x")["SnapshotId"]
    return ec2.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=snapshot)


@case("ec2: paginators with page size, search and a starting token", protocol="ec2")
def ec2_pages(t):
    ec2 = t.client("ec2")
    wanted = [{"Name": "instance-id", "Values": t.world["blue"] + t.world["green"]}]
    pages = ec2.get_paginator("describe_instances")
    first = pages.paginate(Filters=wanted, PaginationConfig={"MaxItems": 1, "PageSize": 5}).build_full_result()
    found = pages.paginate(PaginationConfig={"PageSize": 5}).search("Reservations[].Instances[].InstanceId")
    return [first, list(found), [len(page["Reservations"]) for page in pages.paginate()]]


@case("ec2: waiters that succeed, and one that gives up", protocol="ec2", raises="WaiterError")
def ec2_waiters(t):
    ec2 = t.client("ec2")
    ec2.get_waiter("instance_running").wait(InstanceIds=t.world["blue"])
    ec2.get_waiter("instance_exists").wait(InstanceIds=t.world["green"])
    ec2.get_waiter("instance_stopped").wait(InstanceIds=t.world["green"], WaiterConfig={"Delay": 1, "MaxAttempts": 3})


@case("ec2: a machine that is not there", protocol="ec2", raises="ClientError")
def ec2_missing(t):
    t.client("ec2").describe_instances(InstanceIds=["i-0123456789abcdef0"])


@case("ec2: parameters that botocore refuses, of governed operations, too", protocol="ec2")
def ec2_bad_params(t):
    ec2 = t.client("ec2")
    return [
        _ending(lambda: ec2.describe_instances(InstanceIds="i-1")),
        _ending(ec2.terminate_instances),
        _ending(lambda: ec2.terminate_instances(InstanceIds=[1], Nothing=2)),
        _ending(lambda: ec2.stop_instances(["i-1"])),
        _ending(lambda: ec2.no_such_operation),
    ]


@case("ec2: rehearsals of a launch and of a read", protocol="ec2", decisions=1)
def ec2_dry_run(t):
    ec2 = t.client("ec2")
    launch = {"ImageId": "ami-12345678", "MinCount": 1, "MaxCount": 1, "DryRun": True}
    return [_ending(lambda: ec2.run_instances(**launch)), _ending(lambda: ec2.describe_instances(DryRun=True))]


@case("ec2: resources, their attributes, actions and collections", protocol="ec2")
def ec2_resources(t):
    ec2 = t.resource("ec2")
    machine = ec2.Instance(t.world["green"][0])
    tags = [tag.key for tag in machine.create_tags(Tags=[{"Key": "Name", "Value": "web"}])]
    machine.reload()
    running = ec2.instances.filter(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])
    machine.wait_until_running()
    volumes = [volume.size for volume in machine.volumes.all()]
    limited = [found.id for found in running.limit(3)]
    return [tags, machine.tags, machine.state, volumes, limited, repr(machine), machine.subnet.cidr_block]


@case("ec2: a client that was made before the guard was installed", protocol="ec2", early="ec2")
def ec2_early(t):
    return [t.early.describe_instances(InstanceIds=t.world["blue"]), t.early.describe_vpcs()]


@case("ec2: signature version 2", protocol="ec2")
def ec2_v2(t):
    return t.client("ec2", signature_version="v2").describe_vpcs()


def _ending(run):
    try:
        return run()
    except Exception as error:
        return [type(error).__name__, str(error), getattr(error, "response", None)]
