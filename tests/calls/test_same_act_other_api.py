"""Cloud Control and CloudFormation do what the services' own calls do, and are judged like them: on every type."""

from __future__ import annotations

import json

import pytest
from attrs import frozen

from tests.calls.test_unknown_holders import attempt
from tests.support.places import Parts, both

pytestmark = pytest.mark.every(3)

REGION = "eu-west-1:123456789012"
HEAD = '<{0}Response xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><{0}Result>'


@frozen
class Side:
    """What belongs to one cluster: its network and machines, and what stands in front of them and behind them."""

    name: str
    parts: Parts
    vpc: str
    balancer: str
    listener: str
    rule: str
    group: str
    zone: str

    @property
    def host(self):
        return f"www.{self.name}.example"


def front(aws, name, parts):
    """A load balancer, with a listener and a rule, and a DNS record, for the machine of a cluster."""
    ec2, elb, dns = aws.client("ec2"), aws.client("elbv2"), aws.client("route53")
    vpc = ec2.describe_subnets(SubnetIds=[parts.subnet])["Subnets"][0]["VpcId"]
    other = next(
        subnet["SubnetId"]
        for subnet in ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Subnets"]
        if subnet["SubnetId"] != parts.subnet
    )
    balancer = elb.create_load_balancer(Name=name, Subnets=[parts.subnet, other])["LoadBalancers"][0]["LoadBalancerArn"]
    group = elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
    elb.register_targets(TargetGroupArn=group, Targets=[{"Id": parts.machine}])
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    listener = elb.create_listener(LoadBalancerArn=balancer, Protocol="HTTP", Port=80, DefaultActions=forward)
    arn = listener["Listeners"][0]["ListenerArn"]
    paths = [{"Field": "path-pattern", "Values": ["/a"]}]
    rule = elb.create_rule(ListenerArn=arn, Priority=5, Conditions=paths, Actions=forward)["Rules"][0]["RuleArn"]
    zone = dns.create_hosted_zone(Name=f"{name}.example", CallerReference=name)["HostedZone"]["Id"].rpartition("/")[2]
    record = {"Name": f"www.{name}.example", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": parts.public_ip}]}
    dns.change_resource_record_sets(
        HostedZoneId=zone, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
    )
    return Side(name, parts, vpc, balancer, arn, rule, group, zone)


def fronts(aws):
    """Both clusters, with what stands in front of them, by their names."""
    return {name: front(aws, name, parts) for name, parts in both(aws).items()}


# By the tag alone: the name of each within its service, and its ARN.
TAGGED = {
    "AWS::RDS::DBInstance": "rds:{region}:db:{name}-db",
    "AWS::RDS::DBCluster": "rds:{region}:cluster:{name}-aurora",
    "AWS::DocDB::DBCluster": "rds:{region}:cluster:{name}-docs",
    "AWS::DynamoDB::Table": "dynamodb:{region}:table/{name}-users",
    "AWS::S3::Bucket": "s3:::{name}-photos",
    "AWS::EFS::FileSystem": "elasticfilesystem:{region}:file-system/fs-{name}",
    "AWS::ElastiCache::ReplicationGroup": "elasticache:{region}:replicationgroup:{name}-cache",
    "AWS::ECS::Cluster": "ecs:{region}:cluster/{name}-tasks",
    "AWS::Lambda::Function": "lambda:{region}:function:{name}-hook",
    "AWS::StepFunctions::StateMachine": "states:{region}:stateMachine:{name}-flow",
}


def databases(kind, names):
    """The answer of DescribeDBInstances or DescribeDBClusters: names by cluster, None without the tag."""
    tag = "<TagList><Tag><Key>Cluster</Key><Value>{}</Value></Tag></TagList>"
    members = "".join(
        f"<{kind}><{kind}Identifier>{name}</{kind}Identifier>{tag.format(cluster) if cluster else ''}</{kind}>"
        for name, cluster in names.items()
    )
    inside = f"<Describe{kind}sResult><{kind}s>{members}</{kind}s></Describe{kind}sResult>"
    return f"<Describe{kind}sResponse>{inside}</Describe{kind}sResponse>"


@pytest.fixture
def sides(aws, worlds, install):
    """Blue, which is live, and green, which is not; each with everything that its cluster's tag is on."""
    made = worlds.once("sides", lambda: fronts(aws))
    marked = [
        {"ResourceARN": f"arn:aws:{arn.format(region=REGION, name=name)}", "Tags": [{"Key": "Cluster", "Value": name}]}
        for name in made
        for arn in TAGGED.values()
    ]
    # moto's tagging API knows few services, and its DocumentDB is RDS's.
    aws.reply(
        "DescribeDBInstances", databases("DBInstance", {"nobodys": None, **{f"{each}-db": each for each in made}})
    )
    clusters = {f"{each}-{kind}": each for each in made for kind in ("aurora", "docs")}
    aws.reply("DescribeDBClusters", databases("DBCluster", clusters))
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": marked}))
    install(live={"sources": ["eip"], "eip_addresses": [made["blue"].parts.public_ip]})
    aws.clear()
    return made


def last(arn):
    return arn.replace("/", ":").rpartition(":")[2]


# Each type: its primary identifier, and what a stack shows.
NAMED = [
    ("AWS::EC2::EIP", lambda s: (f"{s.parts.public_ip}|{s.parts.allocation}", s.parts.public_ip)),
    ("AWS::EC2::EIPAssociation", lambda s: (s.parts.association, s.parts.association)),
    ("AWS::EC2::Instance", lambda s: (s.parts.machine, s.parts.machine)),
    ("AWS::EC2::Volume", lambda s: (s.parts.volume, s.parts.volume)),
    ("AWS::EC2::VolumeAttachment", lambda s: (f"{s.parts.volume}|{s.parts.machine}",) * 2),
    ("AWS::EC2::NetworkInterface", lambda s: (s.parts.eni, s.parts.eni)),
    ("AWS::EC2::NetworkInterfaceAttachment", lambda s: (s.parts.attachment, s.parts.attachment)),
    ("AWS::EC2::Route", lambda s: (f"{s.parts.route_table}|0.0.0.0/0", f"{s.parts.route_table}~0.0.0.0/0")),
    ("AWS::EC2::RouteTable", lambda s: (s.parts.main_table, s.parts.main_table)),
    ("AWS::EC2::SubnetRouteTableAssociation", lambda s: (s.parts.route_association, s.parts.route_association)),
    ("AWS::EC2::SubnetNetworkAclAssociation", lambda s: (s.parts.acl_association, s.parts.acl_association)),
    ("AWS::EC2::NetworkAcl", lambda s: (s.parts.acl, s.parts.acl)),
    ("AWS::EC2::Subnet", lambda s: (s.parts.subnet, s.parts.subnet)),
    ("AWS::EC2::VPC", lambda s: (s.vpc, s.vpc)),
    ("AWS::EC2::VPCGatewayAttachment", lambda s: (f"IGW|{s.vpc}", f"IGW|{s.vpc}")),
    ("AWS::EC2::NatGateway", lambda s: (s.parts.nat, s.parts.nat)),
    ("AWS::AutoScaling::AutoScalingGroup", lambda s: (s.parts.asg, s.parts.asg)),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", lambda s: (s.balancer, s.balancer)),
    ("AWS::ElasticLoadBalancingV2::Listener", lambda s: (s.listener, s.listener)),
    ("AWS::ElasticLoadBalancingV2::ListenerRule", lambda s: (s.rule, s.rule)),
    ("AWS::ElasticLoadBalancingV2::TargetGroup", lambda s: (s.group, s.group)),
    ("AWS::Route53::HostedZone", lambda s: (s.zone, s.zone)),
    ("AWS::Route53::RecordSet", lambda s: (f"{s.host}|{s.zone}|A|", s.host)),
    *((kind, lambda s, arn=arn: (last(arn.format(region=REGION, name=s.name)),) * 2) for kind, arn in TAGGED.items()),
]  # fmt: skip


def listing(*resources, status="CREATE_COMPLETE"):
    """ListStackResources' answer for (type, physical id); moto's stacks hold few types, and other ids than AWS's."""
    members = "".join(
        f"<member><ResourceType>{kind}</ResourceType><LogicalResourceId>R{number}</LogicalResourceId>"
        f"<PhysicalResourceId>{name}</PhysicalResourceId><ResourceStatus>{status}</ResourceStatus></member>"
        for number, (kind, name) in enumerate(resources)
    )
    inside = f"<StackResourceSummaries>{members}</StackResourceSummaries>"
    return f"{HEAD.format('ListStackResources')}{inside}</ListStackResourcesResult></ListStackResourcesResponse>"


def delete(aws, stack, *resources):
    """The rules that deny deleting a stack of these resources, None where the call arrives."""
    aws.reply("ListStackResources", listing(*resources))
    return attempt(aws, "cloudformation", "delete_stack", {"StackName": stack})


def test_cloud_control_on_every_type(sides, aws):
    """Deleting and changing what the live cluster has is denied by what is known of it; what green has may go."""
    change = json.dumps([{"op": "replace", "path": "/Description", "value": "x"}])
    for kind, names in NAMED:
        for method, more in (("delete_resource", {}), ("update_resource", {"PatchDocument": change})):
            named = {name: {"TypeName": kind, "Identifier": names(side)[0], **more} for name, side in sides.items()}
            rules = attempt(aws, "cloudcontrol", method, named["blue"])
            assert rules, (kind, method)
            assert not rules & {"live-cluster/unresolved", "live-cluster/unknown-live"}, (kind, method, rules)
            assert attempt(aws, "cloudcontrol", method, named["green"]) is None, (kind, method)


def test_an_identifier_as_an_object(sides, aws):
    """An identifier of several parts may be a JSON object."""
    for name, arrives in (("blue", False), ("green", True)):
        parts = sides[name].parts
        identifier = json.dumps({"AllocationId": parts.allocation, "PublicIp": parts.public_ip})
        denied = attempt(
            aws, "cloudcontrol", "delete_resource", {"TypeName": "AWS::EC2::EIP", "Identifier": identifier}
        )
        assert (denied is None) is arrives


def test_stacks_of_every_type(sides, aws):
    """A stack of one live resource, alone or beside a machine of green, is denied; green's is not, with all of it."""
    green = ("AWS::EC2::Instance", sides["green"].parts.machine)
    for number, (kind, names) in enumerate(NAMED):
        name = names(sides["blue"])[1]
        assert delete(aws, f"a{number}", (kind, name)) == {"live-cluster/terminate", "None"}, kind
        assert delete(aws, f"b{number}", green, (kind, name)) == {"live-cluster/terminate", "None"}, kind
        assert delete(aws, f"c{number}", (kind, names(sides["green"])[1])) is None, kind
    assert delete(aws, "all", *((kind, names(sides["green"])[1]) for kind, names in NAMED)) is None


CREATED = [
    ("AWS::EC2::EIP", lambda s: {"InstanceId": s.parts.machine}),
    ("AWS::EC2::EIPAssociation", lambda s: {"EIP": s.parts.public_ip, "NetworkInterfaceId": "eni-0123456789abcdef0"}),
    ("AWS::EC2::Route", lambda s: {"RouteTableId": s.parts.route_table, "DestinationCidrBlock": "0.0.0.0/0"}),
    ("AWS::EC2::SubnetRouteTableAssociation", lambda s: {
        "SubnetId": s.parts.subnet, "RouteTableId": s.parts.main_table}),
    ("AWS::EC2::SubnetNetworkAclAssociation", lambda s: {"SubnetId": s.parts.subnet, "NetworkAclId": "acl-1"}),
    ("AWS::EC2::NetworkAclEntry", lambda s: {"NetworkAclId": s.parts.acl, "RuleNumber": 1}),
    ("AWS::EC2::NetworkInterfaceAttachment", lambda s: {
        "NetworkInterfaceId": s.parts.eni, "InstanceId": s.parts.machine}),
    ("AWS::EC2::VPCDHCPOptionsAssociation", lambda s: {"VpcId": s.vpc, "DhcpOptionsId": "dopt-0123456789abcdef0"}),
    ("AWS::S3::BucketPolicy", lambda s: {"Bucket": f"{s.name}-photos", "PolicyDocument": {}}),
]  # fmt: skip


def test_what_is_created_may_take_something(sides, aws):
    """A desired state that takes the live cluster's address, routes or interface is denied; green's arrives."""
    for kind, state in CREATED:
        for name, side in sides.items():
            params = {"TypeName": kind, "DesiredState": json.dumps(state(side))}
            rules = attempt(aws, "cloudcontrol", "create_resource", params)
            assert (rules is None) is (name == "green"), (kind, name, rules)


def test_what_is_created_beside_it(sides, aws):
    """What names nothing of the live cluster is created without a look-up, whatever else it holds."""
    for kind, state in (("AWS::EC2::EIP", {}), ("AWS::S3::Bucket", {"BucketName": "b"}), ("AWS::SNS::Topic", {})):
        aws.clear()
        made = attempt(aws, "cloudcontrol", "create_resource", {"TypeName": kind, "DesiredState": json.dumps(state)})
        assert (made, len(aws.requests)) == (None, 1), kind


def test_a_document_that_cannot_be_read(sides, aws):
    """What is not JSON may name anything: it is denied where the type matters."""
    params = {"TypeName": "AWS::EC2::EIPAssociation", "DesiredState": "{"}
    assert "not JSON" in str(attempt(aws, "cloudcontrol", "create_resource", params))
    params = {"TypeName": "AWS::EC2::Volume", "Identifier": sides["green"].parts.volume, "PatchDocument": "{}"}
    assert "not a list" in str(attempt(aws, "cloudcontrol", "update_resource", params))


def patch(aws, side, *steps, kind="AWS::EC2::Instance", identifier=None):
    document = json.dumps([dict(zip(("op", "path", "value"), step, strict=False)) for step in steps])
    params = {"TypeName": kind, "Identifier": identifier or side.parts.machine, "PatchDocument": document}
    return attempt(aws, "cloudcontrol", "update_resource", params)


def test_patches_of_tags(sides, aws):
    """A patch that adds another tag arrives; one that may touch the cluster's tag is denied on the live cluster."""
    owner, cluster = {"Key": "Owner", "Value": "x"}, {"Key": "Cluster", "Value": "green"}
    assert patch(aws, sides["blue"], ("add", "/Tags/-", owner)) is None
    assert patch(aws, sides["blue"], ("replace", "/Tags", [owner, {**cluster, "Value": "blue"}])) is None
    for steps in ([("add", "/Tags/-", cluster)], [("remove", "/Tags/0")], [("replace", "/Tags", [owner])]):
        assert "protection/retag" in patch(aws, sides["blue"], *steps), steps
        assert patch(aws, sides["green"], *steps) is None, steps


def test_patches_that_name_something_live(sides, aws):
    """Pointing green's address at a live machine is denied; weakening protection is, too; green's own arrives."""
    address = {"kind": "AWS::EC2::EIP", "identifier": sides["green"].parts.public_ip}
    for name, arrives in (("blue", False), ("green", True)):
        machine = sides[name].parts.machine
        step = ("replace", "/InstanceId", machine)
        assert (patch(aws, sides["green"], step, **address) is None) is arrives
    rules = patch(aws, sides["blue"], ("replace", "/DisableApiTermination", False))
    assert rules >= {"live-cluster/replace", "protection/switch-off"}


def test_types_that_are_unknown(sides, aws):
    """A type that AWS adds tomorrow is judged by what its identifier names; of another service, by its tag alone."""
    for name, arrives in (("blue", False), ("green", True)):
        params = {"TypeName": "AWS::EC2::Brandnew", "Identifier": f"x|{sides[name].parts.machine}"}
        assert (attempt(aws, "cloudcontrol", "delete_resource", params) is None) is arrives
        stack = delete(aws, f"new-{name}", ("AWS::EC2::Brandnew", f"x|{sides[name].parts.machine}"))
        assert (stack is None) is arrives
    assert attempt(aws, "cloudcontrol", "delete_resource", {"TypeName": "AWS::SNS::Topic", "Identifier": "t"}) is None
