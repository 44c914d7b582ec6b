"""Services whose own look-ups say whose a resource is: Lightsail, CloudFront, CodeDeploy, Service Catalog.

Their answers are canned: moto has Lightsail, CodeDeploy and Service Catalog not at all, or without these look-ups.
"""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

import pytest
from botocore.exceptions import ClientError

import guardrails
from guardrails.record.entries import Entry
from tests.calls.test_further_services import arn, tag

pytestmark = pytest.mark.every(3)

LIVE, OTHER = "blue", "green"


@pytest.fixture
def site(aws, install, monkeypatch):
    """Blue is live, green is not; both have a machine."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    machines = {name: aws.start_cluster(name, 1, addresses=name == LIVE).instance_ids[0] for name in (LIVE, OTHER)}
    install()
    return machines


def attempt(aws, service, method, params):
    """The rules that denied a call, None where it arrived, whatever moto said to it; look-ups do not count."""
    client = aws.client(service)
    operation = client.meta.method_to_api_mapping[method]

    def arrived():
        names = [
            request.operation for request in aws.requests if request.service == client.meta.service_model.signing_name
        ]
        return sum(
            name.rpartition(".")[2] == operation or name.startswith(("PUT ", "POST ", "DELETE ")) for name in names
        )

    before = arrived()
    try:
        getattr(client, method)(**params)
    except guardrails.CallDenied as error:
        assert arrived() == before, method
        return {violation.rule for violation in error.decision.violations} | {str(error.decision.unavailable)}
    except ClientError:
        pass
    assert arrived() == before + 1, method
    return None


def warned(log):
    """The rules that the last decision of the log names, whatever they did."""
    return {*Entry(json.loads(log.read_text().splitlines()[-1])).rules()}


# -- Lightsail -----------------------------------------------------------------------------------------------------

KINDS = {
    "GetInstance": ("instance", {"name": "web"}),
    "GetStaticIp": ("staticIp", {"name": "front", "attachedTo": "web"}),
    "GetDisk": ("disk", {"name": "d"}),
    "GetLoadBalancer": ("loadBalancer", {"name": "front", "instanceHealthSummary": [{"instanceName": "web"}]}),
    "GetRelationalDatabase": ("relationalDatabase", {"name": "db"}),
    "GetContainerServices": ("containerServices", {"containerServiceName": "s"}),
    "GetDistributions": ("distributions", {"name": "cdn"}),
    "GetBuckets": ("buckets", {"name": "files"}),
}
LIGHTSAIL = [
    ("delete_instance", {"instanceName": "web"}, "terminate"),
    ("stop_instance", {"instanceName": "web"}, "stop"),
    ("reboot_instance", {"instanceName": "web"}, "stop"),
    ("close_instance_public_ports", {"instanceName": "web", "portInfo": {"fromPort": 443}}, "traffic"),
    ("put_instance_public_ports", {"instanceName": "web", "portInfos": [{"fromPort": 22}]}, "traffic"),
    ("detach_static_ip", {"staticIpName": "front"}, "traffic"),
    ("release_static_ip", {"staticIpName": "front"}, "traffic"),
    ("attach_static_ip", {"staticIpName": "front", "instanceName": "else"}, "traffic"),
    ("delete_load_balancer", {"loadBalancerName": "front"}, "traffic"),
    ("delete_load_balancer_tls_certificate", {"loadBalancerName": "front", "certificateName": "c"}, "traffic"),
    ("detach_instances_from_load_balancer", {"loadBalancerName": "front", "instanceNames": ["web"]}, "traffic"),
    ("delete_disk", {"diskName": "d"}, "storage"),
    ("detach_disk", {"diskName": "d"}, "storage"),
    ("delete_relational_database", {"relationalDatabaseName": "db"}, "storage"),
    ("stop_relational_database", {"relationalDatabaseName": "db"}, "stop"),
    ("reboot_relational_database", {"relationalDatabaseName": "db"}, "stop"),
    ("delete_container_service", {"serviceName": "s"}, "terminate"),
    ("update_container_service", {"serviceName": "s", "isDisabled": True}, "stop"),
    ("delete_distribution", {"distributionName": "cdn"}, "traffic"),
    ("update_distribution", {"distributionName": "cdn", "isEnabled": False}, "traffic"),
    ("delete_bucket", {"bucketName": "files"}, "storage"),
]


def lightsail(aws, cluster: str | None, *, attached_only: bool = False) -> None:
    """Everything of Lightsail has this cluster's tag; or only the instance that the rest hangs on."""
    for operation, (member, more) in KINDS.items():
        own = [{"key": "Cluster", "value": cluster}] if cluster else []
        item = {"tags": [] if attached_only and operation != "GetInstance" else own, **more}
        aws.reply(operation, json.dumps({member: [item] if member.endswith("s") else item}))


@pytest.mark.cases(20)
@pytest.mark.parametrize(("cluster", "arrives"), [(LIVE, False), (OTHER, True), (None, True)])
@pytest.mark.parametrize(("method", "params", "effect"), LIGHTSAIL, ids=[row[0] for row in LIGHTSAIL])
def test_lightsail(method, params, effect, cluster, arrives, site, aws):
    """What carries the live cluster's tag in Lightsail stays; the other's, and what has no tag, is free."""
    lightsail(aws, cluster)
    denied = attempt(aws, "lightsail", method, params)
    assert denied == (None if arrives else {f"live-cluster/{effect}", "None"})


@pytest.mark.parametrize(("cluster", "arrives"), [(LIVE, False), (OTHER, True)])
@pytest.mark.parametrize(("method", "params", "effect"), [LIGHTSAIL[5], LIGHTSAIL[6], LIGHTSAIL[8]])
def test_what_hangs_on_a_live_lightsail_instance(method, params, effect, cluster, arrives, site, aws):
    """An address or balancer without a tag belongs to the instances behind it."""
    lightsail(aws, cluster, attached_only=True)
    denied = attempt(aws, "lightsail", method, params)
    assert denied == (None if arrives else {f"live-cluster/{effect}", "None"})


def test_lightsail_that_cannot_be_looked_up(site, aws):
    """A look-up that is refused or finds nothing denies."""
    aws.answer("GetInstance", 400, "AccessDeniedException", "no")
    (denied,) = attempt(aws, "lightsail", "delete_instance", {"instanceName": "web"})
    assert "allow the IAM action lightsail:GetInstance" in denied
    aws.answer("GetInstance", 404, "NotFoundException", "none")
    assert attempt(aws, "lightsail", "delete_instance", {"instanceName": "web"}) >= {"live-cluster/unresolved"}


def test_ports_that_stay_open(site, aws):
    """Ports that only add to those of the live instance arrive."""
    lightsail(aws, LIVE)
    port = {"fromPort": 443, "toPort": 443, "protocol": "tcp"}
    aws.reply("GetInstancePortStates", json.dumps({"portStates": [{**port, "state": "open"}]}))
    more = [port, {"fromPort": 80, "toPort": 80, "protocol": "tcp"}]
    put = {"instanceName": "web", "portInfos": more}
    assert attempt(aws, "lightsail", "put_instance_public_ports", put) is None
    put = {"instanceName": "web", "portInfos": more[1:]}
    assert attempt(aws, "lightsail", "put_instance_public_ports", put) >= {"live-cluster/traffic"}


# -- CloudFront ----------------------------------------------------------------------------------------------------


def config(*origins, enabled=True, aliases=(), comment=""):
    """A distribution's configuration, as far as the calls here need it."""
    items = [{"Id": name, "DomainName": name} for name in origins]
    return {
        "CallerReference": "x", "Comment": comment, "Enabled": enabled,
        "Aliases": {"Quantity": len(aliases), "Items": [*aliases]},
        "Origins": {"Quantity": len(items), "Items": items},
        "DefaultCacheBehavior": {"TargetOriginId": origins[0], "ViewerProtocolPolicy": "allow-all"},
    }  # fmt: skip


def distributions(aws, **origins):
    """A distribution for each name, with the alias ``www.NAME.org``."""
    items = "".join(
        f"""<DistributionSummary><Id>{name}</Id><ARN>arn:aws:cloudfront::123456789012:distribution/{name}</ARN>
        <Enabled>true</Enabled><Aliases><Quantity>1</Quantity><Items><CNAME>www.{name}.org</CNAME></Items></Aliases>
        <Origins><Quantity>1</Quantity><Items><Origin><Id>{origin}</Id><DomainName>{origin}</DomainName></Origin></Items>
        </Origins></DistributionSummary>"""
        for name, origin in origins.items()
    )
    aws.reply("GET /2020-05-31/distribution", f"<DistributionList><Items>{items}</Items></DistributionList>")


def now(aws, name, origin):
    """What GetDistributionConfig says about a distribution."""
    document = f"""<DistributionConfig><Enabled>true</Enabled>
        <Aliases><Quantity>1</Quantity><Items><CNAME>www.{name}.org</CNAME></Items></Aliases>
        <Origins><Quantity>1</Quantity><Items><Origin><Id>{origin}</Id><DomainName>{origin}</DomainName></Origin></Items>
        </Origins><DefaultCacheBehavior><TargetOriginId>{origin}</TargetOriginId></DefaultCacheBehavior>
        </DistributionConfig>"""
    aws.reply(f"GET /2020-05-31/distribution/{name}/config", document)


@pytest.fixture
def cdn(aws, site):
    """A distribution in front of each cluster's machine, and one in front of a bucket."""
    seen = aws.client("ec2").describe_instances(InstanceIds=[*site.values()])
    machines = {each["InstanceId"]: each for row in seen["Reservations"] for each in row["Instances"]}
    origins = {name: machines[machine]["PublicDnsName"] for name, machine in site.items()}
    origins["bucket"] = "files.s3.eu-west-1.amazonaws.com"
    distributions(aws, **origins)
    for name, origin in origins.items():
        now(aws, name, origin)
    return origins


def test_distributions(cdn, aws):
    """The distribution in front of live machines is not deleted, disabled or pointed elsewhere; others may be."""
    for name, origin in cdn.items():
        live = {"live-cluster/traffic", "None"} if name == LIVE else None
        changes = [config(origin, enabled=False, aliases=[f"www.{name}.org"]), config(origin),
                   config("elsewhere.example.org", aliases=[f"www.{name}.org"])]  # fmt: skip
        for changed in changes:
            update = {"Id": name, "DistributionConfig": changed}
            assert attempt(aws, "cloudfront", "update_distribution", update) == live, (name, changed)
        same = config(origin, aliases=[f"www.{name}.org", "more.example.org"], comment="new")
        update = {"Id": name, "DistributionConfig": same}
        assert attempt(aws, "cloudfront", "update_distribution", update) is None, name
        for method in ("delete_distribution", "update_distribution_with_staging_config"):
            assert attempt(aws, "cloudfront", method, {"Id": name}) == live, name


def test_an_origin_outside(aws, site):
    """Where an origin outside AWS leads is unknown: only the distribution's own tag can say whose it is."""
    names = ("untagged", LIVE, OTHER)
    distributions(aws, **dict.fromkeys(names, "origin.example.org"))
    rows = [
        {"ResourceARN": f"arn:aws:cloudfront::123456789012:distribution/{name}",
         "Tags": [{"Key": "Cluster", "Value": name}]} for name in names[1:]
    ]  # fmt: skip
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": rows}))
    rules = ({"indirect/untraced", "None"}, {"live-cluster/traffic", "None"}, None)
    for name, denied in zip(names, rules, strict=True):
        for method in ("delete_distribution", "update_distribution_with_staging_config"):
            assert attempt(aws, "cloudfront", method, {"Id": name}) == denied, name


def test_aliases(cdn, aws):
    """A name is not taken from the distribution in front of live machines; from others, or from none, it may be."""
    for name in (*cdn, "unused"):
        take = {"Alias": f"www.{name}.org", "TargetDistributionId": "else"}
        denied = attempt(aws, "cloudfront", "associate_alias", take)
        assert denied == ({"live-cluster/traffic", "None"} if name == LIVE else None), name
        move = {"Domain": f"www.{name}.org", "TargetResource": {"DistributionId": "else"}}
        assert attempt(aws, "cloudfront", "update_domain_association", move) == denied, name


# -- CodeDeploy ----------------------------------------------------------------------------------------------------

DEPLOYS = [
    ("create_deployment", {"applicationName": "app", "deploymentGroupName": "group"}, "opaque/command"),
    ("update_deployment_group", {"applicationName": "app", "currentDeploymentGroupName": "group"}, None),
    ("delete_deployment_group", {"applicationName": "app", "deploymentGroupName": "group"}, None),
    ("stop_deployment", {"deploymentId": "d-1"}, None),
]


def deploys_to(aws, group: dict[str, object]) -> None:
    aws.reply("GetDeploymentGroup", json.dumps({"deploymentGroupInfo": {"deploymentGroupName": "group", **group}}))
    named = {"deploymentId": "d-1", "applicationName": "app", "deploymentGroupName": "group"}
    aws.reply("GetDeployment", json.dumps({"deploymentInfo": named}))


def by_tag(name):
    return {"ec2TagFilters": [{"Key": "Cluster", "Value": name, "Type": "KEY_AND_VALUE"}]}


def by_tag_set(name):
    return {"ec2TagSet": {"ec2TagSetList": [[{"Key": "Cluster", "Type": "KEY_ONLY"}], [{"Value": name,
            "Type": "VALUE_ONLY"}]]}}  # fmt: skip


@pytest.mark.parametrize("name", [LIVE, OTHER])
@pytest.mark.parametrize("means", [by_tag, by_tag_set])
@pytest.mark.parametrize(("method", "params", "rule"), DEPLOYS, ids=[row[0] for row in DEPLOYS])
def test_deployments(method, params, rule, means, name, site, aws, log):
    """A deployment to live machines needs confirmation, a change of its group is warned of; green's are free."""
    deploys_to(aws, means(name))
    denied = attempt(aws, "codedeploy", method, params)
    assert denied == ({rule, "None"} if rule and name == LIVE else None)
    assert warned(log) == ({rule or "live-cluster/indirect"} if name == LIVE else set())


@pytest.mark.parametrize("name", [LIVE, OTHER])
def test_a_deployment_to_a_group_of_machines(name, site, aws):
    """A deployment group that means an Auto Scaling group carries the cluster of its machines."""
    auto = aws.client("autoscaling")
    auto.create_launch_configuration(LaunchConfigurationName="lc", ImageId="ami-12345678", InstanceType="t3.small")
    auto.create_auto_scaling_group(
        AutoScalingGroupName=name, LaunchConfigurationName="lc", MinSize=1, MaxSize=1, DesiredCapacity=1,
        AvailabilityZones=["eu-west-1a"],
        Tags=[{"Key": "Cluster", "Value": name, "PropagateAtLaunch": True, "ResourceId": name,
               "ResourceType": "auto-scaling-group"}],
    )  # fmt: skip
    deploys_to(aws, {"autoScalingGroups": [{"name": name}]})
    denied = attempt(aws, "codedeploy", "create_deployment", DEPLOYS[0][1])
    assert denied == ({"opaque/command", "None"} if name == LIVE else None), name


# -- Service Catalog ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [LIVE, OTHER])
@pytest.mark.parametrize("by", [{"ProvisionedProductId": "pp-1"}, {"ProvisionedProductName": "shop"}])
@pytest.mark.parametrize(
    ("method", "more"), [("terminate_provisioned_product", {}), ("update_provisioned_product", {})]
)
def test_products(method, more, by, name, site, aws):
    """A provisioned product is the stack behind it: the one with live machines stays."""
    stack = arn("cloudformation", f"stack/SC-{name}/1")
    found = {"Id": "pp-1", "Name": "shop", "PhysicalId": stack, "Type": "CFN_STACK"}
    aws.reply("SearchProvisionedProducts", json.dumps({"ProvisionedProducts": [found]}))
    member = f"""<member><LogicalResourceId>web</LogicalResourceId><ResourceType>AWS::EC2::Instance</ResourceType>
        <PhysicalResourceId>{escape(site[name])}</PhysicalResourceId>
        <ResourceStatus>CREATE_COMPLETE</ResourceStatus></member>"""
    aws.reply("ListStackResources", f"""<ListStackResourcesResponse><ListStackResourcesResult>
        <StackResourceSummaries>{member}</StackResourceSummaries></ListStackResourcesResult>
        </ListStackResourcesResponse>""")  # fmt: skip
    denied = attempt(aws, "servicecatalog", method, {**by, **more})
    assert (denied is None) is (name == OTHER), denied


def test_a_product_whose_resources_are_kept(site, aws):
    """A product that is ended without its resources hurts nothing, and takes no look-up."""
    aws.clear()
    params = {"ProvisionedProductId": "pp-1", "RetainPhysicalResources": True}
    assert attempt(aws, "servicecatalog", "terminate_provisioned_product", params) is None
    assert len(aws.requests) == 1


# -- by tag, with more than the tag ------------------------------------------------------------------------------------


def test_executions(site, aws):
    """An execution whose input names live machines needs confirmation; one that names none takes no look-up."""
    machine = arn("states", "stateMachine:maintain")
    start = {"stateMachineArn": machine}
    for name in (LIVE, OTHER):
        own = {**start, "input": json.dumps({"machines": [site[name]]})}
        denied = attempt(aws, "stepfunctions", "start_execution", own)
        assert denied == ({"opaque/command", "None"} if name == LIVE else None), name
    aws.clear()
    assert attempt(aws, "stepfunctions", "start_execution", {**start, "input": '{"order": 7}'}) is None
    assert len(aws.requests) == 1


WARNED = [
    ("codepipeline", "start_pipeline_execution", arn("codepipeline", "{0}"), {"name": "{0}"}),
    ("backup", "start_restore_job", arn("elasticfilesystem", "file-system/fs-{0}"), {
        "RecoveryPointArn": arn("backup", "recovery-point:x"), "ResourceType": "EFS",
        "Metadata": {"file-system-id": "fs-{0}", "newFileSystem": "false"}}),
    ("autoscaling-plans", "update_scaling_plan", "", {
        "ScalingPlanName": "p", "ScalingPlanVersion": 1,
        "ApplicationSource": {"TagFilters": [{"Key": "Cluster", "Values": ["{0}"]}]}}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "method", "whole", "params"), WARNED, ids=[row[1] for row in WARNED])
def test_warned_of(service, method, whole, params, site, aws, log):
    """What sets up later changes to the live cluster is warned of and arrives; the other's passes without a word."""
    names = {LIVE: "blue", OTHER: "green"}
    tag(aws, **({name: whole.replace("{0}", name) for name in names} if whole else {}))
    for name in names:
        own = json.loads(json.dumps(params).replace("{0}", name))
        assert attempt(aws, service, method, own) is None
        assert warned(log) == ({"live-cluster/indirect"} if name == LIVE else set())


def test_brokers_that_are_added(site, aws):
    """A live Kafka cluster may grow and not shrink."""
    cluster = arn("kafka", "cluster/c/u-1")
    tag(aws, blue=cluster)
    aws.reply("GET /v1/clusters/" + cluster, json.dumps({"clusterInfo": {"numberOfBrokerNodes": 3}}))

    def resize(size):
        params = {"ClusterArn": cluster, "CurrentVersion": "v", "TargetNumberOfBrokerNodes": size}
        return attempt(aws, "kafka", "update_broker_count", params)

    assert resize(2) == {"live-cluster/scale-in", "None"}
    assert resize(6) is None


@pytest.mark.parametrize(("service", "method"), [("docdb", "delete_db_cluster"), ("neptune", "delete_db_cluster")])
def test_databases_with_the_api_of_rds(service, method, site, aws):
    """DocumentDB and Neptune sign their requests as RDS, and are judged as such."""
    for name in (LIVE, OTHER):
        aws.client("rds").create_db_cluster(
            DBClusterIdentifier=name, Engine="aurora-mysql", MasterUsername="x", MasterUserPassword="12345678",
            Tags=[{"Key": "Cluster", "Value": name}],
        )  # fmt: skip
        denied = attempt(aws, service, method, {"DBClusterIdentifier": name, "SkipFinalSnapshot": True})
        assert (denied or set()) >= ({"live-cluster/storage"} if name == LIVE else set())
        assert (denied is None) is (name == OTHER)
