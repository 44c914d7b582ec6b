"""A shop for each source of liveness: blue is live by it, and one step takes that evidence away.

The simulated AWS gives Elastic Beanstalk's environments no names, runs no task of an ECS service, and has neither
blue/green deployments of databases nor accelerators: those descriptions are canned. The pool of tasks, the databases,
machines and load balancers behind them are real.
"""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

import guardrails
from tests.resolve.test_beanstalk import ENVIRONMENT, ENVIRONMENTS
from tests.resolve.test_rds_source import DEPLOYMENT
from tests.support.balancers import BehindBalancer

MARK, POINTER, NAME = {"Key": "Live", "Value": "true"}, "/live", "www.example.com"
# By these, people say what is live in places that are no call of AWS.
PLACES = ("file", "env", "command")
SOURCES = (
    "eip", "target-group", "elb", "dns", "asg", "beanstalk", "ecs", "rds", "accelerator", "tag", "ssm", *PLACES,
)  # fmt: skip
ACCELERATOR = "arn:aws:globalaccelerator::123456789012:accelerator/1"


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
        self.live |= {"command": ["cat", str(folder / "live")]} if source == "command" else {}

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

    def _canned(self, operation, step, afterwards):
        """A step that the simulated AWS does not know: where it arrives, AWS describes something else afterwards."""
        self.aws.answer(operation, 400, "Arrived", "moto does not know it")

        def first():
            try:
                step()
            except guardrails.CallDenied:
                raise
            except ClientError:
                pass
            afterwards()

        self.first = first

    def _beanstalk(self):
        tag = {"Key": "elasticbeanstalk:environment-name", "Value": "shop-blue"}
        self.aws.client("ec2").create_tags(Resources=self.ids, Tags=[tag])
        blue = ENVIRONMENT.format(name="shop-blue", cname="shop", status="Ready")
        beanstalk = self.aws.client("elasticbeanstalk")
        names = {"SourceEnvironmentName": "shop-blue", "DestinationEnvironmentName": "shop-green"}

        def describe(members):
            self.aws.reply("DescribeEnvironments", ENVIRONMENTS.format(members=members))

        describe(blue)
        self._canned(
            "SwapEnvironmentCNAMEs",
            lambda: beanstalk.swap_environment_cnames(**names),
            lambda: describe(blue.replace("shop.eu", "old.eu")),
        )

    def _ecs(self):
        ecs, shop = self.aws.client("ecs"), BehindBalancer(self.aws)
        cluster = ecs.create_cluster(clusterName="shop")["cluster"]["clusterArn"]
        container = {"name": "web", "image": "web", "memory": 64, "cpu": 64}
        ecs.register_task_definition(family="web", containerDefinitions=[container])
        group = shop.group("web", ())
        shop.listener(80, web=1)
        balancers = [{"targetGroupArn": group, "containerName": "web", "containerPort": 80}]
        made = ecs.create_service(cluster="shop", serviceName="web", taskDefinition="web", desiredCount=2)
        for machine in self.ids:
            document = {"instanceId": machine, "region": "eu-west-1", "accountId": "123456789012"}
            host = ecs.register_container_instance(
                cluster="shop", instanceIdentityDocument=json.dumps(document), instanceIdentityDocumentSignature="x"
            )["containerInstance"]["containerInstanceArn"]
            ecs.start_task(cluster="shop", taskDefinition="web", containerInstances=[host], group="service:web")
        known = {"serviceName": "web", "serviceArn": made["service"]["serviceArn"], "clusterArn": cluster}

        def describe(running):
            service = {**known, "runningCount": running, "status": "ACTIVE", "loadBalancers": balancers}
            self.aws.reply("DescribeServices", json.dumps({"services": [service], "failures": []}))

        def stop():
            ecs.update_service(cluster="shop", service="web", desiredCount=0)
            describe(0)

        describe(2)
        self.first = stop

    def _rds(self):
        rds = self.aws.client("rds")
        arns = [
            rds.create_db_instance(
                DBInstanceIdentifier=f"{name}-db", DBInstanceClass="db.t3.small", Engine="postgres",
                AllocatedStorage=20, MasterUsername="admin1", MasterUserPassword="not-a-secret",
                Tags=[{"Key": "Cluster", "Value": name}],
            )["DBInstance"]["DBInstanceArn"]
            for name in ("blue", "green")
        ]  # fmt: skip
        there = DEPLOYMENT.format(source=arns[0], target=arns[1], status="AVAILABLE")
        there = there.replace(
            "<Source>", "<BlueGreenDeploymentIdentifier>bgd-1</BlueGreenDeploymentIdentifier><Source>"
        )
        nothing = there[: there.index("<member>")] + there[there.index("</member>") + len("</member>") :]
        self.aws.reply("DescribeBlueGreenDeployments", there)
        self._canned(
            "DeleteBlueGreenDeployment",
            lambda: rds.delete_blue_green_deployment(BlueGreenDeploymentIdentifier="bgd-1"),
            lambda: self.aws.reply("DescribeBlueGreenDeployments", nothing),
        )

    def _accelerator(self):
        listener = f"{ACCELERATOR}/listener/1"
        arn = f"{listener}/endpoint-group/1"
        accelerator = {"AcceleratorArn": ACCELERATOR, "Name": "edge", "Enabled": True}
        self.aws.reply("ListAccelerators", json.dumps({"Accelerators": [accelerator]}))
        self.aws.reply("ListListeners", json.dumps({"Listeners": [{"ListenerArn": listener}]}))

        def describe(dial):
            endpoints = [{"EndpointId": each, "Weight": 128} for each in self.ids]
            group = {"EndpointGroupArn": arn, "EndpointGroupRegion": "eu-west-1",
                     "TrafficDialPercentage": dial, "EndpointDescriptions": endpoints}  # fmt: skip
            self.aws.reply("ListEndpointGroups", json.dumps({"EndpointGroups": [group]}))
            self.aws.reply("DescribeEndpointGroup", json.dumps({"EndpointGroup": group}))

        describe(100.0)
        edge = self.aws.client("globalaccelerator")
        self._canned(
            "UpdateEndpointGroup",
            lambda: edge.update_endpoint_group(EndpointGroupArn=arn, TrafficDialPercentage=0.0),
            lambda: describe(0.0),
        )

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

    _command = _file
