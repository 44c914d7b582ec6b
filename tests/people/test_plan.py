"""`guardrails.plan()`: nothing that changes anything leaves, by any way, and the plan says what it would do."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import nullcontext
from datetime import UTC, datetime
from multiprocessing import forkserver

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.endpoint import Endpoint
from botocore.exceptions import ClientError, HTTPClientError, WaiterError
from botocore.httpsession import URLLib3Session

import guardrails
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import READ_ONLY
from guardrails.intercept.tripwire import BypassingRequest
from guardrails.memory import SqliteStore
from guardrails.planning.html import whole_page
from guardrails.planning.identity import identity_of
from guardrails.planning.joining import _wire
from guardrails.planning.page import page
from guardrails.planning.reads import kind_of
from guardrails.show import text
from guardrails.values import Call, Freeze

TAGGED = {"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "green"}]}
YES = "permitted"
LAUNCH = {"ImageId": "ami-12345678", "InstanceType": "t3.small", "TagSpecifications": [TAGGED]}


def changing(aws):
    """The requests that arrived and do not only read."""
    return [request.operation for request in aws.requests if not str(request.operation).startswith(READ_ONLY)]


def shown(plan):
    return [(each.operation, each.status) for each in plan.entries]


@pytest.fixture
def planning(site, install, tmp_path):
    """Blue is live, green is half started; the guard has its memory in a file of this test."""
    return install(state={"path": str(tmp_path / "state.db")})


def terminate(site, cluster, *numbers):
    return site.ec2.terminate_instances(InstanceIds=[getattr(site, cluster).instance_ids[each] for each in numbers])


def test_a_script_is_planned_and_nothing_arrives(site, aws, planning, log):
    """Each call is answered, waiters and paginators end, and what was planned is seen afterwards; nothing is logged."""
    ec2, greens = site.ec2, list(site.green.instance_ids)
    with guardrails.plan() as planned:
        gone = terminate(site, "green", 0)["TerminatingInstances"]
        ec2.get_waiter("instance_terminated").wait(InstanceIds=greens[:1])
        new = ec2.run_instances(**LAUNCH, MinCount=2, MaxCount=2)["Instances"]
        ids = [each["InstanceId"] for each in new]
        ec2.get_waiter("instance_status_ok").wait(InstanceIds=ids)
        ec2.create_tags(Resources=[ids[0]], Tags=[{"Key": "Name", "Value": "first"}])
        found = ec2.get_paginator("describe_instances").paginate(Filters=[{"Name": "tag:Cluster", "Values": ["green"]}])
        instances = [one for part in found for each in part["Reservations"] for one in each["Instances"]]
        named = ec2.describe_instances(Filters=[{"Name": "tag:Name", "Values": ["f*"]}])["Reservations"]
        volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=8)["VolumeId"]
        ec2.get_waiter("volume_available").wait(VolumeIds=[volume])
        ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[ec2.create_snapshot(VolumeId=volume)["SnapshotId"]])
        ec2.delete_volume(VolumeId=volume)
    assert changing(aws) == []
    assert gone[0]["CurrentState"]["Name"] == "shutting-down"
    states = {each["InstanceId"]: each["State"]["Name"] for each in instances}
    assert states == {greens[0]: "terminated", greens[1]: "running", ids[0]: "running", ids[1]: "running"}
    assert [one["InstanceId"] for each in named for one in each["Instances"]] == ids[:1]
    assert {status for _, status in shown(planned.plan)} == {"allowed"}
    assert planned.plan.entries[2].planned == (ids[0],)
    assert planned.plan.entries[0].line.startswith("test_plan.py:")
    assert (planned.plan.exit_code, planned.plan.guesses) == (0, ())
    # One of two is ended, two are new.
    assert (planned.plan.left()["green"].before, planned.plan.left()["green"].after) == (2, 3)
    assert not log.exists() or log.read_text() == ""
    # The plan is over: the real call is decided on and sent.
    terminate(site, "green", 1)
    assert changing(aws) == ["TerminateInstances"]


def test_each_call_is_judged_by_the_world_after_those_before_it(site, aws, planning):
    """Once the plan moves the addresses to green, green may not go, though AWS shows blue live throughout."""
    ec2, greens = site.ec2, site.green.instance_ids
    with guardrails.plan() as planned:
        terminate(site, "blue", 2)
        new = [each["InstanceId"] for each in ec2.run_instances(**LAUNCH, MinCount=2, MaxCount=2)["Instances"]]
        for allocation, machine in zip(site.blue.allocation_ids, greens, strict=True):
            ec2.associate_address(AllocationId=allocation, InstanceId=machine, AllowReassociation=True)
        holders = {each["InstanceId"] for each in ec2.describe_addresses()["Addresses"]}
        terminate(site, "green", 0)
        ec2.terminate_instances(InstanceIds=new)
    assert changing(aws) == []
    assert holders == {*greens}
    rules = [{rule.id for rule in each.rules} for each in planned.plan.entries]
    assert "live-cluster/terminate" in rules[0]
    assert "live-cluster/terminate" in rules[-2] & rules[-1]
    assert planned.plan.entries[-1].planned == tuple(new)
    assert planned.plan.exit_code == 3
    after = planned.plan.entries[-1].left[0]
    assert (after.cluster, after.live, after.before - after.after) == ("green", True, 2)


def by_resource(site, aws):
    aws.resource("ec2").Instance(site.blue.instance_ids[0]).terminate()


def by_collection(site, aws):
    aws.resource("ec2").instances.filter(InstanceIds=list(site.blue.instance_ids)).stop()


def by_a_new_client(site, aws):
    boto3.client("ec2", endpoint_url=aws.endpoint_url).terminate_instances(InstanceIds=list(site.blue.instance_ids))


def by_thread(site, aws):
    thread = threading.Thread(target=terminate, args=(site, "blue", 0))
    thread.start()
    thread.join()


def by_ungoverned_services(site, aws):
    aws.client("s3").put_object(Bucket="logs", Key="report", Body=b"x")
    aws.client("sqs").send_message(QueueUrl=f"{aws.endpoint_url}/q", MessageBody="x")
    aws.client("sns").publish(TopicArn="arn:aws:sns:eu-west-1:123456789012:t", Message="x")
    aws.client("lambda").invoke(FunctionName="f")
    aws.client("dynamodb").put_item(TableName="t", Item={"k": {"S": "x"}})
    site.ec2.create_tags(Resources=[site.blue.instance_ids[0]], Tags=[{"Key": "Owner", "Value": "ann"}])


def by_changed_request(site, aws):
    """A handler turns a read into a change, before it is signed and after."""

    def to_terminate(request, **_):
        request.data = {"Action": "TerminateInstances", "Version": "2016-11-15", "InstanceId.1": "i-1"}

    site.ec2.meta.events.register("request-created.ec2.DescribeVpcs", to_terminate, unique_id="turn")
    try:
        with pytest.raises(ClientError, match="not sent inside a plan"):
            site.ec2.describe_vpcs()
    finally:
        site.ec2.meta.events.unregister("request-created.ec2.DescribeVpcs", unique_id="turn")


def by_presigned_url(site, _):
    with pytest.raises(guardrails.NotSentInPlan):
        site.ec2.generate_presigned_url("terminate_instances", {"InstanceIds": list(site.blue.instance_ids)})


def by_hand_made_signature(site, aws):
    request = AWSRequest("POST", aws.endpoint_url, data={"Action": "TerminateInstances", "InstanceId.1": "i-1"})
    with pytest.raises(guardrails.NotSentInPlan):
        SigV4Auth(site.ec2._request_signer._credentials, "ec2", "eu-west-1").add_auth(request)


def by_http_session(site, aws):
    request = AWSRequest("POST", aws.endpoint_url, data={"Action": "TerminateInstances", "InstanceId.1": "i-1"})
    request.headers["Authorization"] = (
        "AWS4-HMAC-SHA256 Credential=key/20231009/eu-west-1/ec2/aws4_request, Signature=0"
    )
    with pytest.raises(guardrails.NotSentInPlan):
        site.ec2._endpoint.http_session.send(request.prepare())


def by_urllib(_, aws):
    body = b"Action=TerminateInstances&InstanceId.1=i-1"
    scope = "AWS4-HMAC-SHA256 Credential=key/20231009/eu-west-1/ec2/aws4_request, SignedHeaders=host, Signature=0"
    with pytest.raises(guardrails.NotSentInPlan):
        urllib.request.urlopen(urllib.request.Request(aws.endpoint_url, body, {"Authorization": scope}))


WAYS = [by_resource, by_collection, by_a_new_client, by_thread, by_ungoverned_services, by_changed_request,
        by_presigned_url, by_hand_made_signature, by_http_session, by_urllib]  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_no_way_out(way, site, aws, planning):
    """However a call is sent, it is in the plan and nothing arrives; a read by the same client does."""
    with guardrails.plan() as planned:
        way(site, aws)
        site.ec2.describe_instances()
    assert changing(aws) == []
    assert len(planned.plan.entries) >= 1
    assert aws.count("DescribeInstances") >= 1


def test_presigned_reads_are_no_problem(site, aws, planning):
    """A URL that reads may be made inside a plan, and used."""
    with guardrails.plan() as planned:
        s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
        url = s3.generate_presigned_url("list_buckets")
        assert urllib.request.urlopen(url).status == 200
    assert planned.plan.entries == ()


def test_children_are_a_part_of_the_plan(site, aws, planning):
    """A process that is started inside plans as well, sees what was planned before it, and cannot opt out."""
    code = (
        "import boto3, sys; ec2 = boto3.client('ec2'); ids = sys.argv[1:]\n"
        "state = ec2.describe_instances(InstanceIds=ids[:1])['Reservations'][0]['Instances'][0]['State']['Name']\n"
        "print(state); ec2.terminate_instances(InstanceIds=ids)"
    )
    with guardrails.plan() as planned:
        terminate(site, "green", 0)
        for more in ({}, {"GUARDRAILS_INHERITED": ""}):
            done = subprocess.run(
                [sys.executable, "-c", code, *site.green.instance_ids], env={**os.environ, **more},
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            assert done.stdout == "terminated\n"
        with pytest.raises(PermissionError, match="inside a plan"):
            subprocess.run([sys.executable, "-I", "-c", code, *site.green.instance_ids], check=True)
        pid = os.fork()
        if pid == 0:
            terminate(site, "green", 1)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    assert changing(aws) == []
    assert len({each.pid for each in planned.plan.entries}) == 4
    assert [each.number for each in planned.plan.entries] == [1, 2, 3, 4]


def test_a_server_of_processes_that_is_older_than_the_plan(site, aws, planning):
    """A pool that is made inside the plan is a part of it, though the server that forks it was started before."""
    forkserver.ensure_running()
    code = f"import boto3; boto3.client('ec2').terminate_instances(InstanceIds=['{site.green.instance_ids[0]}'])"
    try:
        with guardrails.plan() as planned, multiprocessing.get_context("forkserver").Pool(1) as pool:
            pool.apply(exec, (code, {}))
            first = len(planned.plan.entries)
        assert (first, changing(aws)) == (1, [])
    finally:
        forkserver._forkserver._stop()


def test_another_guard_inside_a_plan_goes_on_with_it(site, aws, planning, install):
    """A cell that installs its own configuration inside the plan stays in it; afterwards, calls are sent again."""
    guardrails.uninstall()
    plain = Endpoint.make_request
    guardrails.install(planning.settings)
    with guardrails.plan() as planned:
        terminate(site, "green", 0)
        settings = planning.settings
        guardrails.uninstall()
        guardrails.install(settings)
        guardrails.install()
        site.ec2.create_tags(Resources=[site.green.instance_ids[1]], Tags=[{"Key": "a", "Value": "b"}])
        gone = site.ec2.describe_instances(InstanceIds=[site.green.instance_ids[0]])["Reservations"]
    assert changing(aws) == []
    assert [each.operation for each in planned.plan.entries] == ["TerminateInstances", "CreateTags"]
    assert gone[0]["Instances"][0]["State"]["Name"] in ("shutting-down", "terminated")
    with guardrails.plan() as planned:
        terminate(site, "green", 1)
    assert len(planned.plan.entries) == 1
    terminate(site, "green", 1)
    assert changing(aws) == ["TerminateInstances"]
    guardrails.uninstall()
    site.ec2.describe_vpcs()
    assert Endpoint.make_request is plain


def test_a_process_that_outlives_its_plan_sends_no_change(site, aws, planning):
    """It reads as ever; a change raises an error that says what to do."""
    to_child, to_parent = os.pipe(), os.pipe()
    with guardrails.plan():
        pid = os.fork()
        if pid == 0:
            os.read(to_child[0], 1)
            try:
                site.ec2.describe_vpcs()
                terminate(site, "green", 0)
            except BaseException as error:
                os.write(to_parent[1], str(error).encode())
            os._exit(0)
    os.write(to_child[1], b"x")
    os.waitpid(pid, 0)
    os.close(to_parent[1])
    assert b"start the process anew" in os.read(to_parent[0], 1000)
    assert (changing(aws), aws.count("DescribeVpcs")) == ([], 1)


def test_a_role_is_assumed_while_the_plan_decides(site, aws, planning, tmp_path, monkeypatch):
    """Where the first call of a profile with a role is a change, its credentials come at once, also when renewed."""
    (tmp_path / "config").write_text(
        "[profile base]\naws_access_key_id = key\naws_secret_access_key = secret\n"
        "[profile ops]\nrole_arn = arn:aws:iam::123456789012:role/ops\nsource_profile = base\nregion = eu-west-1\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    ec2 = boto3.Session(profile_name="ops").client("ec2")
    with guardrails.plan() as planned:
        for machine in site.green.instance_ids:
            ec2.terminate_instances(InstanceIds=[machine])
            ec2._request_signer._credentials._expiry_time = datetime.now(UTC)
    assert [(each.status, each.reason) for each in planned.plan.entries] == [("allowed", "")] * 2
    assert changing(aws) == ["AssumeRole"] * aws.count("AssumeRole")
    assert aws.count("AssumeRole") >= 1


def test_a_memory_in_a_folder_with_an_odd_name(site, install, tmp_path):
    """A percent sign or a hash in the path of the memory is a part of its name."""
    for name in ("a%20b", "a#b", "a?b"):
        (tmp_path / name).mkdir()
        install(state={"path": str(tmp_path / name / "state.db")})
        SqliteStore(tmp_path / name / "state.db").freezes(time.time())
        with guardrails.plan() as planned:
            terminate(site, "green", 0)
        assert shown(planned.plan) == [("TerminateInstances", "allowed")]
        guardrails.uninstall()


def test_a_denial_may_stop_the_script(site, aws, planning):
    """By default the script goes on, so that the plan shows every denial; with on_denial="stop" it gets CallDenied."""
    with guardrails.plan(on_denial="stop") as planned, pytest.raises(guardrails.CallDenied):
        terminate(site, "blue", 0)
    assert shown(planned.plan) == [("TerminateInstances", "denied")]
    with guardrails.plan() as planned:
        terminate(site, "blue", 0)
        terminate(site, "blue", 1)
    assert shown(planned.plan) == [("TerminateInstances", "denied")] * 2
    assert changing(aws) == []


def test_what_is_not_known_is_a_guess(site, aws, planning):
    """A read that may show what an unknown call changed makes the rest a guess; a read of another service does not."""
    ssm = aws.client("ssm")
    with guardrails.plan() as planned:
        aws.client("s3").put_object(Bucket="logs", Key="report", Body=b"x")
        site.ec2.describe_instances()
        terminate(site, "green", 0)
    assert [each.guess for each in planned.plan.guesses] == []
    with guardrails.plan() as planned:
        ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=list(site.green.instance_ids))
        ssm.list_commands()
        terminate(site, "green", 0)
    assert [bool(each.guess) for each in planned.plan.entries] == [False, True]
    assert "ssm:ListCommands may show what an earlier call changed" in planned.plan.entries[1].guess
    assert changing(aws) == []


def test_a_new_network_is_planned(site, aws, planning):
    """What stands on what the plan made, from a VPC to a machine with an address, is known: nothing is a guess."""
    ec2, asg = site.ec2, aws.client("autoscaling")
    with guardrails.plan() as planned:
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        ec2.get_waiter("subnet_available").wait(SubnetIds=[subnet])
        table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
        group = ec2.create_security_group(GroupName="web", Description="web", VpcId=vpc)["GroupId"]
        ec2.authorize_security_group_ingress(
            GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
        )
        machine = aws.resource("ec2").create_instances(**LAUNCH, MinCount=1, MaxCount=1, SubnetId=subnet)[0]
        machine.wait_until_running()
        address = ec2.allocate_address(Domain="vpc")
        ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=machine.id)
        held = ec2.describe_addresses(PublicIps=[address["PublicIp"]])["Addresses"][0]["InstanceId"]
        asg.create_auto_scaling_group(
            AutoScalingGroupName="new", MinSize=0, MaxSize=1, AvailabilityZones=["eu-west-1a"]
        )
        before = asg.describe_auto_scaling_groups(AutoScalingGroupNames=["new"])["AutoScalingGroups"]
        asg.delete_auto_scaling_group(AutoScalingGroupName="new")
        after = asg.describe_auto_scaling_groups()["AutoScalingGroups"]
        aws.client("dynamodb").create_table(
            TableName="jobs", BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        )  # fmt: skip
        aws.client("dynamodb").get_waiter("table_exists").wait(TableName="jobs")
    assert changing(aws) == []
    assert (held, len(before), after) == (machine.id, 1, [])
    assert {each.status for each in planned.plan.entries} == {"allowed"}
    assert [each.guess for each in planned.plan.guesses] == []


def test_what_is_frozen_now_stops_a_plan(site, aws, planning, tmp_path):
    """A freeze that begins while a plan is made is a denial in the plan, as it would be in the run."""
    with guardrails.plan() as planned:
        terminate(site, "green", 0)
        now = time.time()
        SqliteStore(tmp_path / "state.db").freeze(Freeze("1", ("terminate",), "INC-42", "ann", "here", now, now + 600))
        terminate(site, "green", 1)
    assert [each.status for each in planned.plan.entries] == ["allowed", "denied"]
    assert {rule.id for rule in planned.plan.entries[1].rules} == {"freeze/in-force"}


def test_what_ends_is_gone(site, aws, planning):
    """Waiters for the end of a disk, a group, a bucket's object and a snapshot end; so do those for a new balancer."""
    ec2, s3 = site.ec2, aws.client("s3")
    volume = ec2.create_volume(AvailabilityZone="eu-west-1a", Size=8)["VolumeId"]
    snapshot = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    s3.create_bucket(Bucket="logs", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="logs", Key="old", Body=b"x")
    aws.clear()
    with guardrails.plan() as planned:
        ec2.delete_volume(VolumeId=volume)
        ec2.get_waiter("volume_deleted").wait(VolumeIds=[volume])
        ec2.delete_snapshot(SnapshotId=snapshot)
        with pytest.raises(ClientError, match=r"InvalidSnapshot\.NotFound"):
            ec2.describe_snapshots(SnapshotIds=[snapshot])
        s3.delete_object(Bucket="logs", Key="old")
        s3.get_waiter("object_not_exists").wait(Bucket="logs", Key="old")
        s3.put_object(Bucket="logs", Key="new", Body=b"x")
        s3.get_waiter("object_exists").wait(Bucket="logs", Key="new")
        s3.upload_file(__file__, "logs", "file")
        elb = aws.client("elbv2")
        made = elb.create_load_balancer(Name="web", Subnets=[site.subnet])["LoadBalancers"][0]["LoadBalancerArn"]
        elb.get_waiter("load_balancer_available").wait(LoadBalancerArns=[made])
        rds = aws.client("rds")
        rds.create_db_instance(DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", Engine="mysql")
        rds.get_waiter("db_instance_available").wait(DBInstanceIdentifier="db")
        rds.delete_db_instance(DBInstanceIdentifier="db", SkipFinalSnapshot=True)
        rds.get_waiter("db_instance_deleted").wait(DBInstanceIdentifier="db")
    assert changing(aws) == []
    assert len(planned.plan.entries) == 8
    assert [each.guess for each in planned.plan.guesses] == []


def test_a_switch_behind_a_balancer_is_planned(aws, planning, site):
    """Targets that the plan registers and weights that it sets decide what is live for the calls after them."""
    elb = aws.client("elbv2")
    subnets = [each for each in site.ec2.describe_subnets()["Subnets"] if each["SubnetId"] == site.subnet]
    group = {"Protocol": "HTTP", "Port": 80, "VpcId": subnets[0]["VpcId"], "TargetType": "instance"}
    arns = {}
    for name, cluster in (("blue", site.blue), ("green", site.green)):
        arns[name] = elb.create_target_group(Name=name, **group)["TargetGroups"][0]["TargetGroupArn"]
        elb.register_targets(TargetGroupArn=arns[name], Targets=[{"Id": each} for each in cluster.instance_ids])
    balancer = elb.create_load_balancer(Name="web", Subnets=[site.subnet])["LoadBalancers"][0]["LoadBalancerArn"]

    def forward(name):
        return [{"Type": "forward", "TargetGroupArn": arns[name]}]

    listener = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward("blue"))
    arn = listener["Listeners"][0]["ListenerArn"]
    aws.clear()
    with guardrails.plan() as planned:
        elb.deregister_targets(TargetGroupArn=arns["green"], Targets=[{"Id": site.green.instance_ids[0]}])
        health = elb.describe_target_health(TargetGroupArn=arns["green"])["TargetHealthDescriptions"]
        elb.modify_listener(ListenerArn=arn, DefaultActions=forward("green"))
        seen = elb.describe_listeners(ListenerArns=[arn])["Listeners"][0]["DefaultActions"]
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
    assert changing(aws) == []
    assert [each["Target"]["Id"] for each in health] == [site.green.instance_ids[1]]
    assert seen[0]["TargetGroupArn"] == arns["green"]
    assert "live-cluster/terminate" in {rule.id for rule in planned.plan.entries[-1].rules}
    assert {each.cluster for each in planned.plan.entries[-1].left if each.live} == {"green"}


def test_protection_and_room_are_as_the_plan_leaves_them(site, aws, planning):
    """A protected machine may go once the plan has switched its protection off, and launches fill the subnet."""
    ec2, (first, _) = site.ec2, site.green.instance_ids
    ec2.modify_instance_attribute(InstanceId=first, DisableApiTermination={"Value": True})
    subnet = aws.create_subnet("10.0.9.0/28")
    aws.clear()
    with guardrails.plan() as planned:
        before = ec2.describe_instance_attribute(InstanceId=first, Attribute="disableApiTermination")
        ec2.modify_instance_attribute(InstanceId=first, DisableApiTermination={"Value": False})
        after = ec2.describe_instance_attribute(InstanceId=first, Attribute="disableApiTermination")
        ec2.terminate_instances(InstanceIds=[first])
        for _ in range(2):
            ec2.run_instances(**LAUNCH, MinCount=8, MaxCount=8, SubnetId=subnet)
    assert [each["DisableApiTermination"]["Value"] for each in (before, after)] == [True, False]
    assert changing(aws) == []
    assert [each.status for each in planned.plan.entries[:3]] == ["allowed"] * 3
    assert "capacity/addresses" in {rule.id for rule in planned.plan.entries[3].rules}


def test_the_memory_and_the_person_are_left_alone(site, aws, planning, monkeypatch):
    """No question, no claim, no turn in the rate limits: a real call afterwards is judged as if nothing was planned."""
    asked = []
    monkeypatch.setattr("guardrails.enforce.confirm.asking.ask_about", lambda *_: asked.append(1))
    with guardrails.plan():
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[1]])
    decision = planning.check(site.ec2, "terminate_instances", InstanceIds=[site.green.instance_ids[0]])
    assert decision.facts.past.destroyed == {}
    assert decision.facts.past.call_rate == 0
    assert asked == []


def test_a_plan_is_shown(site, aws, planning):
    """As text, as a card and as a page: clusters, calls with their verdicts, rules with what to do instead."""
    with guardrails.plan() as planned:
        terminate(site, "green", 0)
        terminate(site, "blue", 0)
        aws.client("sqs").send_message(QueueUrl=f"{aws.endpoint_url}/q", MessageBody="<b>")
    lines = "\n".join(text.lines(page(planned.plan)))
    assert lines.startswith("Plan: 3 calls, 2 allowed, 1 denied\nNothing was sent but reads.")
    assert "1 of 2 of green" in lines
    assert "2 live-cluster/terminate: TerminateInstances would terminate" in lines
    html = whole_page(planned.plan)
    assert html.count('class="squares"') == 2
    assert "would go down" in html
    assert "<b>" not in html
    assert "Plan: 3 calls" in planned.plan._repr_html_()


def test_aws_is_asked_about_permissions(site, aws, planning):
    """On request an EC2 call is also sent with DryRun, and AWS's word is in the plan; no other call is sent."""
    # moto does not know the permissions of anyone.
    aws.answer("TerminateInstances", 403, "UnauthorizedOperation", "You are not authorized", times=1)
    with guardrails.plan(permissions=True) as planned:
        terminate(site, "green", 0)
        terminate(site, "green", 1)
        aws.client("sqs").send_message(QueueUrl=f"{aws.endpoint_url}/q", MessageBody="x")
    assert [each.aws_says for each in planned.plan.entries] == [
        "not permitted: You are not authorized",
        "permitted",
        "",
    ]
    assert [request.params.get("DryRun") for request in aws.requests if request.operation in changing(aws)] == [
        "true"
    ] * 2
    assert planned.plan.exit_code == 3
    assert aws.running("green") == 2


def test_a_scripts_own_dry_run_changes_nothing(site, aws, planning):
    """It gets AWS's DryRunOperation, as in a run; the world stays as it is, and the plan shows a dry run."""
    with guardrails.plan() as planned:
        for cluster in (site.green, site.blue):
            with pytest.raises(ClientError, match="DryRunOperation"):
                site.ec2.terminate_instances(InstanceIds=list(cluster.instance_ids), DryRun=True)
        with pytest.raises(ClientError, match="DryRunOperation"):
            site.ec2.create_tags(Resources=[site.subnet], Tags=[{"Key": "a", "Value": "b"}], DryRun=True)
        running = site.ec2.describe_instances(InstanceIds=list(site.blue.instance_ids))["Reservations"][0]["Instances"]
        aws.client("lambda").invoke(FunctionName="f", InvocationType="DryRun")
    assert changing(aws) == []
    assert {each["State"]["Name"] for each in running} == {"running"}
    assert [(each.status, each.dry_run) for each in planned.plan.entries] == [("allowed", True)] * 4
    assert planned.plan.left() == {}
    assert planned.plan.by_cluster() == {}
    assert "a dry run: it changes nothing" in "\n".join(text.lines(page(planned.plan)))


def test_a_planned_arn_has_the_own_account(site, aws, planning):
    """What an ungoverned call makes is in the caller's account, so later calls on it are decided on as in a run."""
    elb = aws.client("elbv2")
    aws.clear()
    with guardrails.plan() as planned:
        groups = [
            elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId="vpc-1")["TargetGroups"][0]
            for name in ("one", "two")
        ]
        elb.delete_target_group(TargetGroupArn=groups[0]["TargetGroupArn"])
        owner = aws.client("ec2").create_network_interface(SubnetId=site.subnet)["NetworkInterface"].get("OwnerId")
    assert groups[0]["TargetGroupArn"].split(":")[4] == "123456789012"
    assert [each.status for each in planned.plan.entries] == ["allowed"] * 4
    assert aws.count("GetCallerIdentity") <= 1
    assert owner in (None, "123456789012")


def test_a_planned_id_stands_for_whole_ids_only():
    """An account's number, or a longer id, inside of another one is left alone."""

    def identity(value, **names):
        return identity_of(Call("sqs", "SendMessage", {"QueueUrl": value}, "r", ""), names, 0.0)

    assert identity("i-12 i-123 arn:i/i-12", **{"i-12": "P"}) == identity("P i-123 arn:i/P")
    assert identity("a/name-1", name="P") == identity("a/name-1")


def test_public_pages_of_aws_are_reads(planning, monkeypatch):
    """An unsigned GET passes, by Python's own client as by botocore's; one with an operation, or a POST, does not."""
    sent = []
    monkeypatch.setattr(URLLib3Session, "_get_connection_manager", lambda _, url, __: sent.append(url) or 1 / 0)
    with guardrails.plan() as planned:
        wire = _wire()
        for method, query, passes in (
            ("GET", "", True),
            ("HEAD", "", True),
            ("POST", "", False),
            ("GET", "Purge", False),
        ):
            request = BypassingRequest(method, "checkip.amazonaws.com", "/", "", "", query)
            with nullcontext() if passes else pytest.raises(guardrails.NotSentInPlan):
                wire.tripped(request)
        for url in ("https://ip-ranges.amazonaws.com/ip-ranges.json", "https://sqs.eu-west-1.amazonaws.com/?Action=X"):
            with pytest.raises((HTTPClientError, guardrails.NotSentInPlan)):
                URLLib3Session().send(AWSRequest("GET", url).prepare())
    assert sent == ["https://ip-ranges.amazonaws.com/ip-ranges.json"]
    assert len(planned.plan.entries) == 3


def test_new_machines_have_disks_and_addresses(site, aws, planning):
    """They are one reservation with the id of the call; disks and interfaces are there, and go with the machine."""
    ec2 = site.ec2
    with guardrails.plan() as planned:
        made = ec2.run_instances(**LAUNCH, MinCount=2, MaxCount=2, BlockDeviceMappings=[
            {"DeviceName": "/dev/sdx", "Ebs": {"VolumeSize": 77, "DeleteOnTermination": False}}
        ])  # fmt: skip
        ids = [each["InstanceId"] for each in made["Instances"]]
        (reservation,) = ec2.describe_instances(InstanceIds=ids)["Reservations"]
        machines = reservation["Instances"]
        disks = [each["Ebs"]["VolumeId"] for each in machines[0]["BlockDeviceMappings"]]
        sizes = [each["Size"] for each in ec2.describe_volumes(VolumeIds=disks)["Volumes"]]
        faces = [each["NetworkInterfaces"][0]["NetworkInterfaceId"] for each in machines]
        assert len(ec2.describe_network_interfaces(NetworkInterfaceIds=faces)["NetworkInterfaces"]) == 2
        ec2.terminate_instances(InstanceIds=ids[:1])
        left = ec2.describe_volumes(Filters=[{"Name": "attachment.instance-id", "Values": ids[:1]}])["Volumes"]
        ec2.create_tags(Resources=[site.blue.instance_ids[0]], Tags=[{"Key": "Backup", "Value": "1"}])
        blue = ec2.describe_instances(InstanceIds=list(site.blue.instance_ids))["Reservations"]
    assert (made["ReservationId"], made["OwnerId"]) == (reservation["ReservationId"], "123456789012")
    assert len({each["PrivateIpAddress"] for each in machines}) == 2
    assert sizes[-1] == 77
    assert [each["Size"] for each in left] == [77]
    assert [len(each["Instances"]) for each in blue] == [3]
    assert [each.guess for each in planned.plan.guesses] == []


def test_each_item_is_on_one_page(site, aws, planning):
    """What the plan changed is in its place, once, however small the pages are; what is new comes last."""
    with guardrails.plan():
        every = [*site.blue.instance_ids, *site.green.instance_ids]
        site.ec2.create_tags(Resources=every[::2], Tags=[{"Key": "Backup", "Value": "1"}])
        new = [each["InstanceId"] for each in site.ec2.run_instances(**LAUNCH, MinCount=1, MaxCount=1)["Instances"]]
        pages = site.ec2.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5})
        seen = [one["InstanceId"] for page in pages for each in page["Reservations"] for one in each["Instances"]]
    assert sorted(seen) == sorted([*every, *new])
    assert seen[-1] == new[0]


def test_sums_have_launches_and_starts(site, aws, planning):
    """What remains of a cluster is counted after each call, also of one that only grows or is tagged later."""
    ec2 = site.ec2
    with guardrails.plan() as planned:
        ec2.stop_instances(InstanceIds=list(site.green.instance_ids))
        ec2.start_instances(InstanceIds=list(site.green.instance_ids))
        ec2.run_instances(**LAUNCH, MinCount=2, MaxCount=2)
        bare = ec2.run_instances(ImageId="ami-12345678", InstanceType="t3.small", MinCount=2, MaxCount=2)["Instances"]
        ec2.create_tags(Resources=[each["InstanceId"] for each in bare], Tags=[{"Key": "Cluster", "Value": "teal"}])
    sums = {name: (each.before, each.after) for name, each in planned.plan.left().items()}
    assert sums == {"green": (2, 4), "teal": (0, 2)}
    assert "4 of green, 2 more" in "\n".join(text.lines(page(planned.plan)))


def test_answers_fit(site, aws, planning):
    """Ids have the length that botocore wants, bodies can be read, documents come back whole, URLs are URLs."""
    iam, logs, rds = aws.client("iam"), aws.client("logs"), aws.client("rds")
    document = '{"Version": "2012-10-17", "Statement": []}'
    with guardrails.plan():
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=document)
        for _ in range(2):
            assert iam.get_role(RoleName="r")["Role"]["AssumeRolePolicyDocument"]["Statement"] == []
        key = iam.create_access_key(UserName="u")["AccessKey"]["AccessKeyId"]
        iam.delete_access_key(UserName="u", AccessKeyId=key)
        ssm = aws.client("ssm")
        sent = ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=list(site.green.instance_ids))
        ssm.cancel_command(CommandId=sent["Command"]["CommandId"])
        assert aws.client("lambda").invoke(FunctionName="f", Payload=b"x")["Payload"].read() == b""
        query = logs.start_query(logGroupName="g", startTime=0, endTime=1, queryString="fields x")["queryId"]
        assert logs.get_query_results(queryId=query)["status"] == "Complete"
        assert aws.client("sqs").create_queue(QueueName="q")["QueueUrl"].startswith("https://sqs.eu-west-1.amazonaws")
        rds.create_db_instance(DBInstanceIdentifier="db", DBInstanceClass="db.t3.micro", Engine="mysql")
        endpoint = rds.describe_db_instances(DBInstanceIdentifier="db")["DBInstances"][0]["Endpoint"]
        assert endpoint["Address"].endswith(".eu-west-1.rds.amazonaws.com")
        template = site.ec2.create_launch_template(LaunchTemplateName="t", LaunchTemplateData={})["LaunchTemplate"]
        assert template["LatestVersionNumber"] == 1
    assert changing(aws) == []


def elsewhere_by_stack(_, aws):
    aws.client("cloudformation").delete_stack(StackName="s")


def elsewhere_by_group(_, aws):
    aws.client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName="g", ForceDelete=True)


def elsewhere_by_fleet(_, aws):
    aws.client("ec2").delete_fleets(FleetIds=["fleet-12345678-1234-1234-1234-123456789012"], TerminateInstances=True)


def elsewhere_by_node_group(_, aws):
    aws.client("eks").delete_nodegroup(clusterName="c", nodegroupName="n")


@pytest.mark.parametrize("way", [elsewhere_by_stack, elsewhere_by_group, elsewhere_by_fleet, elsewhere_by_node_group])
def test_what_another_service_does_to_machines_is_a_guess(way, site, aws, planning):
    """A read of machines is a guess after a call that starts or ends some in its own way; one before it is not."""
    with guardrails.plan() as planned:
        site.ec2.describe_instances()
        assert planned.plan.guess == ""
        way(site, aws)
        site.ec2.describe_instances()
    assert "ec2:DescribeInstances may show what an earlier call changed" in planned.plan.guess
    assert planned.plan.exit_code in (3, 4)
    # What a REST service's read is called on the wire.
    assert [each for each in changing(aws) if not each.startswith("GET ")] == []


def test_tags_in_lists_of_all_things_are_a_guess(site, aws, planning):
    """DescribeTags and the tagging service show what the plan has tagged; the plan says that it does not know them."""
    for read in (
        site.ec2.describe_tags,
        lambda: aws.client("resourcegroupstaggingapi").get_resources(),
    ):
        with guardrails.plan() as planned:
            site.ec2.describe_instances()
            site.ec2.create_tags(Resources=[site.green.instance_ids[0]], Tags=[{"Key": "Backup", "Value": "1"}])
            assert planned.plan.guess == ""
            read()
        assert "may show what an earlier call changed" in planned.plan.guess


def test_waiting_in_vain_ends_the_plan(site, aws, planning, monkeypatch):
    """A loop or a waiter for what the plan does not know ends soon, with a sentence that says so."""
    slept = []
    monkeypatch.setattr("botocore.waiter.time.sleep", slept.append)
    with guardrails.plan() as planned:
        aws.client("cloudformation").delete_stack(StackName="s")
        for _ in range(20):
            site.ec2.describe_instances()
        with pytest.raises(guardrails.NotSentInPlan, match="the script waits with ec2:DescribeInstances"):
            site.ec2.describe_instances()
        with pytest.raises(WaiterError, match="it ends here"):
            site.ec2.get_waiter("instance_stopped").wait(InstanceIds=list(site.green.instance_ids))
    assert sum(slept) <= 45
    assert planned.plan.exit_code in (3, 4)


def test_reads_of_what_only_the_plan_has(site, aws, planning):
    """A bucket's objects, a balancer by its name, a VPC's main route table and default group are answered."""
    ec2, s3, elb = site.ec2, aws.client("s3"), aws.client("elbv2")
    with guardrails.plan() as planned:
        s3.create_bucket(Bucket="new", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        s3.put_object(Bucket="new", Key="a/b", Body=b"x")
        assert [each["Key"] for each in s3.list_objects_v2(Bucket="new", Prefix="a/")["Contents"]] == ["a/b"]
        aws.resource("s3").Bucket("new").objects.all().delete()
        assert "Contents" not in s3.list_objects_v2(Bucket="new")
        elb.create_load_balancer(Name="web", Subnets=[site.subnet])
        elb.get_waiter("load_balancer_available").wait(Names=["web"])
        vpc = aws.resource("ec2").create_vpc(CidrBlock="10.9.0.0/16")
        wanted = [{"Name": "vpc-id", "Values": [vpc.id]}, {"Name": "association.main", "Values": ["true"]}]
        assert len(ec2.describe_route_tables(Filters=wanted)["RouteTables"]) == 1
        assert [each.group_name for each in vpc.security_groups.all()] == ["default"]
    assert planned.plan.guess == ""
    with guardrails.plan() as planned:
        ecs = aws.client("ecs")
        ecs.create_cluster(clusterName="c")
        ecs.create_service(cluster="c", serviceName="s", taskDefinition="t", desiredCount=0)
        with pytest.raises(WaiterError):
            ecs.get_waiter("services_stable").wait(cluster="c", services=["s"])
    assert "may show what an earlier call changed" in planned.plan.guess
    assert changing(aws) == []


def test_a_plan_has_no_source_lines(site, planning):
    """It says where a call came from, and not what stands there: a password may."""
    with guardrails.plan() as planned:
        site.ec2.create_key_pair(KeyName="literal-in-the-line")
    assert planned.plan.entries[0].line.startswith("test_plan.py:")
    assert "create_key_pair" not in planned.plan.entries[0].line


def test_plans_do_not_nest_and_need_a_guard(site, planning):
    """A plan inside a plan is an error, as is one without a guard; neither leaves anything behind."""
    with guardrails.plan(), pytest.raises(RuntimeError, match="inside each other"), guardrails.plan():
        pass
    assert "GUARDRAILS_PLAN" not in os.environ
    guardrails.uninstall()
    with pytest.raises(guardrails.ConfigError, match="call install"):
        guardrails.plan()


READS = [
    *[("kms", "GenerateDataKey"), ("kms", "Sign")],
    *[("ec2", "DescribeInstances"), ("s3", "GetObject"), ("s3", "HeadObject"), ("sts", "AssumeRole")],
    *[
        ("kms", "Decrypt"),
        ("kms", "GenerateDataKey"),
        ("dynamodb", "Query"),
        ("logs", "FilterLogEvents"),
        ("iam", "SimulatePrincipalPolicy"),
    ],
]
NOT_READS = [
    *[("sqs", "ReceiveMessage"), ("states", "GetActivityTask"), ("logs", "StartQuery"), ("lambda", "Invoke")],
    *[("ec2", "CreateTags"), ("athena", "StartQueryExecution"), ("dynamodb", "ExecuteStatement"), ("ec2", "")],
    *[("license-manager", "CheckInLicense"), ("cognito-identity", "GetOpenIdTokenForDeveloperIdentity")],
    *[("cognito-idp", "GetUserAttributeVerificationCode"), ("cognito-idp", "GetTokensFromRefreshToken")],
    *[("sagemaker", "GetScalingConfigurationRecommendation"), ("apigateway", "PreviewPortal")],
    *[("iot", "GetRegistrationCode"), ("iot", "DescribeEndpoint"), ("importexport", "GetShippingLabel")],
    *[("timestream", "Query"), ("security-ir", "GetCaseAttachmentUploadUrl"), ("swf", "PollForDecisionTask")],
    *[("ec2", "GetThingAndDelete"), ("anything", "Getaway"), ("rds-data", "ExecuteStatement")],
]


def test_what_is_a_read():
    """Only what certainly reads is sent; everything else that AWS has is not."""
    catalogue = Catalogue()
    assert {kind_of(catalogue, *each) for each in READS} == {"read"}
    assert "read" not in {kind_of(catalogue, *each) for each in NOT_READS}
