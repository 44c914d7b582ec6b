"""Two steps are one accident: take the evidence of what is live away, then the machines; neither order gets through.

For each source of liveness: either the first step is denied, or it arrives and the machines are still kept, by
another source or by the rollback window; also by a guard in another process, which shares the memory by its file. For
files and variables the first step is no call of AWS at all. The simulated AWS gives environments no names, so those are
canned. Services, deployments and accelerators are not tried here.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

import guardrails
from tests.resolve.test_beanstalk import ENVIRONMENT, ENVIRONMENTS
from tests.support.balancers import BehindBalancer

MARK, POINTER, NAME = {"Key": "Live", "Value": "true"}, "/live", "www.example.com"
SOURCES = ("eip", "target-group", "elb", "dns", "asg", "beanstalk", "tag", "ssm", "file", "env")
KEPT = {"live-cluster/terminate", "live-cluster/unknown-live", "rollback/window"}
# A guard of its own takes the machines away; it prints the rules that keep them.
SECOND = """
import json, sys, boto3, guardrails
config, ids = json.loads(sys.argv[1]), sys.argv[2:]
guardrails.install(config)
try:
    boto3.client("ec2").terminate_instances(InstanceIds=ids)
except guardrails.CallDenied as error:
    print(json.dumps(sorted({each.rule for each in error.decision.violations})))
"""


class Shop:
    """Blue is live by the source; `first` takes that evidence away and puts nothing in its place."""

    def __init__(self, aws, source, folder, monkeypatch) -> None:
        self.aws, self.source, self.folder, self.patch = aws, source, folder, monkeypatch
        self.blue = aws.start_cluster("blue", 2, addresses=2 if source == "eip" else 0)
        self.ids = list(self.blue.instance_ids)
        aws.start_cluster("green", 1)
        getattr(self, "_" + source.replace("-", "_"))()
        self.live = {"sources": [source], "tag": {"key": "Live", "value": "true"}, "ssm_parameter": POINTER}
        self.live |= {"cnames": ["shop"]} if source == "beanstalk" else {}
        self.live |= {"records": [NAME], "file": str(folder / "live"), "env": "LIVE_CLUSTER"}

    def _eip(self):
        ec2 = self.aws.client("ec2")
        self.first = lambda: [ec2.disassociate_address(PublicIp=each) for each in self.blue.public_ips]

    def _target_group(self):
        shop = BehindBalancer(self.aws)
        group = shop.group("web", self.ids)
        shop.listener(80, web=1)
        targets = [{"Id": each} for each in self.ids]
        self.first = lambda: shop.elbv2.deregister_targets(TargetGroupArn=group, Targets=targets)

    def _elb(self):
        elb, name = self.aws.client("elb"), {"LoadBalancerName": "web"}
        listener = {"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}
        elb.create_load_balancer(**name, Listeners=[listener], AvailabilityZones=["eu-west-1a"])
        machines = [{"InstanceId": each} for each in self.ids]
        elb.register_instances_with_load_balancer(**name, Instances=machines)
        self.first = lambda: elb.deregister_instances_from_load_balancer(**name, Instances=machines)

    def _dns(self):
        route53 = self.aws.client("route53")
        zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
        shown = self.aws.client("ec2").describe_instances(InstanceIds=self.ids)["Reservations"]
        values = [{"Value": each["PrivateIpAddress"]} for group in shown for each in group["Instances"]]
        record = {"Name": NAME, "Type": "A", "TTL": 60, "ResourceRecords": values}

        def change(action):
            batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)

        change("CREATE")
        self.first = lambda: change("DELETE")

    def _asg(self):
        autoscaling, name = self.aws.client("autoscaling"), {"AutoScalingGroupName": "blue"}
        shop = BehindBalancer(self.aws)
        group = shop.group("web", [])
        shop.listener(80, web=1)
        autoscaling.create_launch_configuration(LaunchConfigurationName="c", ImageId="ami-1", InstanceType="t3.nano")
        autoscaling.create_auto_scaling_group(
            **name, LaunchConfigurationName="c", MinSize=0, MaxSize=9, AvailabilityZones=["eu-west-1a"],
            Tags=[{"Key": "Cluster", "Value": "blue", "PropagateAtLaunch": True}], TargetGroupARNs=[group],
        )  # fmt: skip
        autoscaling.attach_instances(**name, InstanceIds=self.ids)
        self.first = lambda: autoscaling.detach_load_balancer_target_groups(**name, TargetGroupARNs=[group])

    def _beanstalk(self):
        tag = {"Key": "elasticbeanstalk:environment-name", "Value": "shop-blue"}
        self.aws.client("ec2").create_tags(Resources=self.ids, Tags=[tag])
        blue = ENVIRONMENT.format(name="shop-blue", cname="shop", status="Ready")
        self.aws.reply("DescribeEnvironments", ENVIRONMENTS.format(members=blue))
        self.aws.answer("SwapEnvironmentCNAMEs", 400, "Arrived", "moto does not know it")
        beanstalk = self.aws.client("elasticbeanstalk")

        def swap():
            names = {"SourceEnvironmentName": "shop-blue", "DestinationEnvironmentName": "shop-green"}
            try:
                beanstalk.swap_environment_cnames(**names)
            except guardrails.CallDenied:
                raise
            except ClientError:
                pass
            self.aws.reply("DescribeEnvironments", ENVIRONMENTS.format(members=blue.replace("shop.eu", "old.eu")))

        self.first = swap

    def _tag(self):
        ec2 = self.aws.client("ec2")
        ec2.create_tags(Resources=self.ids, Tags=[MARK])
        self.first = lambda: ec2.delete_tags(Resources=self.ids, Tags=[MARK])

    def _ssm(self):
        ssm = self.aws.client("ssm")
        ssm.put_parameter(Name=POINTER, Value="blue", Type="String")
        self.first = lambda: ssm.delete_parameter(Name=POINTER)

    def _file(self):
        (self.folder / "live").write_text("blue")
        self.first = lambda: (self.folder / "live").write_text("green")

    def _env(self):
        self.patch.setenv("LIVE_CLUSTER", "blue")
        self.first = lambda: self.patch.setenv("LIVE_CLUSTER", "green")

    def second(self):
        """The rules that keep the machines; empty where they go."""
        before = self.aws.count("TerminateInstances")
        try:
            self.aws.client("ec2").terminate_instances(InstanceIds=self.ids)
        except guardrails.CallDenied as error:
            assert self.aws.count("TerminateInstances") == before
            return {each.rule for each in error.decision.violations}
        return set()


def arrives(step) -> bool:
    """Whether the guard lets a step through."""
    try:
        step()
    except guardrails.CallDenied:
        return False
    return True


@pytest.mark.parametrize("source", SOURCES)
def test_first_the_evidence(source, aws, install, tmp_path, monkeypatch):
    """The evidence stays, or the machines are kept without it; the machines first are kept by the evidence."""
    shop = Shop(aws, source, tmp_path, monkeypatch)
    install(live=shop.live)
    assert "live-cluster/terminate" in shop.second()
    # Of the places where people write, a program may change those that are no call of AWS.
    assert arrives(shop.first) == (source in ("file", "env"))
    assert shop.second() & KEPT
    assert aws.count("TerminateInstances") == 0


@pytest.mark.parametrize("source", SOURCES)
def test_the_evidence_was_taken_elsewhere(source, aws, install, tmp_path, monkeypatch):
    """A guard saw blue live; then the evidence goes without a guard, and the machines are kept by the window."""
    shop = Shop(aws, source, tmp_path, monkeypatch)
    install(live=shop.live)
    assert "live-cluster/terminate" in shop.second()
    guardrails.uninstall()
    shop.first()
    install(live=shop.live)
    assert shop.second() & KEPT
    assert aws.count("TerminateInstances") == 0


def test_across_processes(aws, install, tmp_path, monkeypatch):
    """One process sees blue live and its mark taken away; another one, with the same memory, keeps the machines."""
    shop = Shop(aws, "tag", tmp_path, monkeypatch)
    green = [*aws.machines("green")]
    state = {"path": str(tmp_path / "shared.db")}
    install(live=shop.live, state=state)
    assert "live-cluster/terminate" in shop.second()
    guardrails.uninstall()
    shop.first()
    aws.client("ec2").create_tags(Resources=green, Tags=[MARK])
    config = {"live": shop.live, "state": state, "log": {"enabled": False}, "lookup_timeout_s": 60}
    command = [sys.executable, "-c", SECOND, json.dumps(config), *shop.ids]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["rollback/window"]
    assert aws.count("TerminateInstances") == 0
