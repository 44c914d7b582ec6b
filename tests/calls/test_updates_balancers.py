"""Updates of load balancers, records and accelerators: only what takes traffic away from the live cluster is denied."""

from __future__ import annotations

import json

import pytest

from tests.calls.test_updates import judge
from tests.support import rest

pytestmark = pytest.mark.every(3)

# Users reach the live cluster by address; the other one has a balancer of its own, which is not in use yet.
ADDRESSES = {"sources": ["eip"]}


@pytest.fixture
def balancer(aws):
    """A load balancer with a listener and a rule, whose target group has blue's machines; half of green has another."""
    elbv2, ec2 = aws.client("elbv2"), aws.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{number}.0/24", AvailabilityZone=zones[number])["Subnet"][
            "SubnetId"
        ]
        for number in range(3)
    ]
    blue = aws.start_cluster("blue", 2, subnet=subnets[0], addresses=1)
    green = aws.start_cluster("green", 2, subnet=subnets[0])
    security = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"] for name in ("one", "two")
    ]
    arn = elbv2.create_load_balancer(Name="web", Subnets=subnets[:2], SecurityGroups=security[:1])["LoadBalancers"][0][
        "LoadBalancerArn"
    ]
    groups = []
    for cluster in (blue, green):
        group = elbv2.create_target_group(Name=cluster.name, Protocol="HTTP", Port=80, VpcId=vpc, HealthCheckPath="/up")
        groups.append(group["TargetGroups"][0]["TargetGroupArn"])
        targets = [{"Id": machine} for machine in cluster.instance_ids]
        elbv2.register_targets(TargetGroupArn=groups[-1], Targets=targets)
    listener = elbv2.create_listener(
        LoadBalancerArn=arn, Protocol="HTTP", Port=80, DefaultActions=[{"Type": "forward", "TargetGroupArn": groups[0]}]
    )["Listeners"][0]["ListenerArn"]
    rule = elbv2.create_rule(
        ListenerArn=listener, Priority=5, Actions=[{"Type": "forward", "TargetGroupArn": groups[0]}],
        Conditions=[{"Field": "path-pattern", "Values": ["/api/*"]}],
    )["Rules"][0]["RuleArn"]  # fmt: skip
    ec2.stop_instances(InstanceIds=[green.instance_ids[1]])
    return arn, listener, rule, groups, subnets, security


def forward(**weights):
    """A forward action with these weights."""
    groups = [{"TargetGroupArn": name, "Weight": weight} for name, weight in weights.items()]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


def test_a_load_balancer_of_the_live_cluster(balancer, aws, install):
    """What is there once more, a subnet or security group in addition, and attributes that leave traffic as it is."""
    arn, listener, rule, (blue, green), subnets, security = balancer
    install(live=ADDRESSES)
    action = [{"Type": "forward", "TargetGroupArn": blue}]
    path = [{"Field": "path-pattern", "Values": ["/api/*"]}]
    attribute = lambda key, value: {"Attributes": [{"Key": key, "Value": value}]}
    only_v6 = {"IpAddressType": "dualstack-without-public-ipv4"}
    for method, name, cases in (
        ("modify_listener", {"ListenerArn": listener},
         ([{"DefaultActions": action, "Port": 80, "Protocol": "HTTP"}, {"DefaultActions": forward(**{blue: 1})},
           {"DefaultActions": forward(**{blue: 7})}],
          [{"DefaultActions": forward(**{green: 1})}, {"DefaultActions": forward(**{blue: 1, green: 1})},
           {"DefaultActions": forward(**{blue: 0})}, {"Port": 81}, {"DefaultActions": action, "Protocol": "HTTPS"}])),
        ("modify_rule", {"RuleArn": rule},
         ([{"Actions": action}, {"Conditions": path, "Actions": action},
           {"Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/api/*"]}}]}],
          [{"Actions": forward(**{green: 1})}, {"Conditions": [{"Field": "path-pattern", "Values": ["/*"]}]},
           {"Actions": [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]}])),
        ("set_rule_priorities", {},
         ([{"RulePriorities": [{"RuleArn": rule, "Priority": 5}]}],
          [{"RulePriorities": [{"RuleArn": rule, "Priority": 6}]}])),
        ("modify_target_group", {"TargetGroupArn": blue},
         ([{"HealthCheckPath": "/up"}, {"HealthCheckProtocol": "HTTP", "HealthCheckEnabled": True}],
          [{"HealthCheckPath": "/other"}, {"HealthCheckPort": "81"}, {"Matcher": {"HttpCode": "418"}}])),
        ("modify_target_group_attributes", {"TargetGroupArn": blue},
         ([attribute("deregistration_delay.timeout_seconds", "30"), attribute("stickiness.enabled", "true")],
          [attribute("load_balancing.cross_zone.enabled", "false"), attribute("proxy_protocol_v2.enabled", "true")])),
        ("modify_load_balancer_attributes", {"LoadBalancerArn": arn},
         ([attribute("deletion_protection.enabled", "true"), attribute("deletion_protection.enabled", "false"),
           attribute("idle_timeout.timeout_seconds", "90")], [])),
        ("set_security_groups", {"LoadBalancerArn": arn},
         ([{"SecurityGroups": security}, {"SecurityGroups": security[:1]}], [{"SecurityGroups": security[1:]}])),
        ("set_subnets", {"LoadBalancerArn": arn},
         ([{"Subnets": subnets}, {"Subnets": [subnets[1], subnets[0]]}], [{"Subnets": subnets[1:]}])),
        ("set_ip_address_type", {"LoadBalancerArn": arn},
         ([{"IpAddressType": "ipv4"}, {"IpAddressType": "dualstack"}], [only_v6])),
    ):  # fmt: skip
        judge(aws, "elbv2", method, name, cases)


def test_requests_move_inside_the_live_cluster(balancer, aws, install):
    """Healthy groups of the live cluster hand its requests to each other; unhealthy, empty and other ones get none."""
    _, listener, rule, (blue, green), _, _ = balancer
    elbv2 = aws.client("elbv2")
    vpc = elbv2.describe_target_groups(TargetGroupArns=[blue])["TargetGroups"][0]["VpcId"]
    machines = [
        each["Target"] for each in elbv2.describe_target_health(TargetGroupArn=blue)["TargetHealthDescriptions"]
    ]
    second, empty, ill = (
        elbv2.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
        for name in ("second", "empty", "ill")
    )
    stopped = aws.start_cluster("blue", 1).instance_ids[0]
    for port, group, members in ((8080, second, machines), (8081, ill, [*machines, {"Id": stopped}])):
        elbv2.register_targets(TargetGroupArn=group, Targets=[{**each, "Port": port} for each in members])
        # A group that is on no balancer is not checked.
        paths = [{"Field": "path-pattern", "Values": [f"/{port}"]}]
        elbv2.create_rule(ListenerArn=listener, Priority=port, Conditions=paths, Actions=forward(**{group: 1}))
    aws.client("ec2").stop_instances(InstanceIds=[stopped])
    install(live=ADDRESSES)
    path = [{"Field": "path-pattern", "Values": ["/api/*"]}]
    refuse = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}]
    hurt = [forward(**{green: 1}), forward(**{empty: 1}), forward(**{second: 1, green: 1}), forward(**{ill: 1}), refuse]
    for method, name, member in (
        ("modify_rule", {"RuleArn": rule}, "Actions"),
        ("modify_listener", {"ListenerArn": listener}, "DefaultActions"),
    ):
        judge(aws, "elbv2", method, name, ([], [{member: actions} for actions in hurt]))
        judge(aws, "elbv2", method, name, ([{member: forward(**{second: 1})}, {member: forward(**{blue: 1})},
                                            {member: forward(**{second: 1, blue: 1})}], []))  # fmt: skip
    only_these = [{"Conditions": path, "Actions": forward(**{second: 1})}]
    judge(aws, "elbv2", "modify_rule", {"RuleArn": rule}, (only_these, []))
    elsewhere = [{"Conditions": [{"Field": "path-pattern", "Values": ["/*"]}], "Actions": forward(**{second: 1})}]
    judge(aws, "elbv2", "modify_rule", {"RuleArn": rule}, ([], elsewhere))


def test_certificates_of_a_listener(balancer, aws, install):
    """A certificate that Amazon has issued may be added, and one that is there; an imported one may be anyone's."""
    listener = balancer[1]
    elbv2, acm = aws.client("elbv2"), aws.client("acm")
    arns = [acm.request_certificate(DomainName=f"{name}.example.org")["CertificateArn"] for name in ("issued", "there")]
    elbv2.add_listener_certificates(ListenerArn=listener, Certificates=[{"CertificateArn": arns[1]}])
    install(live=ADDRESSES)
    certificate = {"Type": "AMAZON_ISSUED", "Status": "ISSUED"}
    for shown, cases in (
        (certificate, ([arns[0], arns[1]], [])),
        ({**certificate, "Type": "IMPORTED"}, ([arns[1]], ["arn:aws:acm:eu-west-1:123456789012:certificate/2"])),
        ({**certificate, "Status": "PENDING_VALIDATION"}, ([], ["arn:aws:acm:eu-west-1:123456789012:certificate/3"])),
    ):
        # moto's certificates are issued some seconds later.
        aws.reply("DescribeCertificate", json.dumps({"Certificate": shown}))
        arrive, denied = ([{"Certificates": [{"CertificateArn": arn}]} for arn in side] for side in cases)
        judge(aws, "elbv2", "add_listener_certificates", {"ListenerArn": listener}, (arrive, denied))


def test_deletion_protection_goes_off(balancer, aws, install):
    """Where it is on, switching it off is denied; beside other attributes, too."""
    arn = balancer[0]
    on = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    aws.client("elbv2").modify_load_balancer_attributes(LoadBalancerArn=arn, Attributes=on)
    install(live=ADDRESSES)
    off = [{"Key": "deletion_protection.enabled", "Value": "false"}]
    idle = [{"Key": "idle_timeout.timeout_seconds", "Value": "9"}]
    judge(aws, "elbv2", "modify_load_balancer_attributes", {"LoadBalancerArn": arn}, (
        [{"Attributes": on}], [{"Attributes": off}, {"Attributes": [*idle, *off]}],
    ))  # fmt: skip


def test_a_classic_load_balancer(aws, install):
    """The same health check, security groups and attributes arrive; another check does not."""
    elb = aws.client("elb")
    blue = aws.start_cluster("blue", 2, addresses=1)
    listeners = [{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}]
    elb.create_load_balancer(LoadBalancerName="old", Listeners=listeners, AvailabilityZones=["eu-west-1a"])
    machines = [{"InstanceId": machine} for machine in blue.instance_ids]
    elb.register_instances_with_load_balancer(LoadBalancerName="old", Instances=machines)
    check = {"Target": "HTTP:80/up", "Interval": 5, "Timeout": 3, "UnhealthyThreshold": 2, "HealthyThreshold": 2}
    elb.configure_health_check(LoadBalancerName="old", HealthCheck=check)
    install(live=ADDRESSES)
    name = {"LoadBalancerName": "old"}
    judge(aws, "elb", "configure_health_check", name, (
        [{"HealthCheck": check}], [{"HealthCheck": {**check, "Target": "HTTP:80/other"}}]))  # fmt: skip
    judge(aws, "elb", "modify_load_balancer_attributes", name, (
        [{"LoadBalancerAttributes": {"CrossZoneLoadBalancing": {"Enabled": True}}},
         {"LoadBalancerAttributes": {"ConnectionDraining": {"Enabled": True, "Timeout": 300}}}],
        [{"LoadBalancerAttributes": {"ConnectionSettings": {"IdleTimeout": 1}}}]))  # fmt: skip


ENDPOINTS = [{"EndpointId": "eipalloc-1", "Weight": 128}, {"EndpointId": "eipalloc-2", "Weight": 0}]
GROUP = "arn:aws:globalaccelerator::123456789012:accelerator/1/listener/2/endpoint-group/3"


def test_an_endpoint_group(aws, install):
    """The same weights and a higher dial arrive; less traffic, and other weights, do not. moto has no accelerators."""
    ec2 = aws.client("ec2")
    blue = aws.start_cluster("blue", 2, addresses=1)
    (address,) = ec2.describe_addresses()["Addresses"]
    endpoints = [{**ENDPOINTS[0], "EndpointId": address["AllocationId"]}, ENDPOINTS[1]]
    present = {"EndpointGroupArn": GROUP, "TrafficDialPercentage": 50.0, "EndpointDescriptions": endpoints}
    aws.reply("DescribeEndpointGroup", json.dumps({"EndpointGroup": {**present, "HealthCheckPath": "/up"}}))
    install(live={**ADDRESSES, "eip_addresses": [blue.public_ips[0]]})
    other = [endpoints[0], {**endpoints[1], "Weight": 255}]
    default = [{"EndpointId": endpoints[0]["EndpointId"]}, endpoints[1]]
    judge(aws, "globalaccelerator", "update_endpoint_group", {"EndpointGroupArn": GROUP}, (
        [{"EndpointConfigurations": endpoints}, {"EndpointConfigurations": default}, {"TrafficDialPercentage": 50},
         {"TrafficDialPercentage": 100, "HealthCheckPath": "/up", "EndpointConfigurations": endpoints[::-1]}],
        [{"EndpointConfigurations": other}, {"EndpointConfigurations": endpoints[1:]}, {"TrafficDialPercentage": 49},
         {"TrafficDialPercentage": 0}, {"HealthCheckPath": "/other"}],
    ))  # fmt: skip


def record(action, name, values, ttl=300, **more):
    """A change of one record of type A."""
    values = [{"Value": value} for value in values]
    return {
        "Action": action,
        "ResourceRecordSet": {"Name": name, "Type": "A", "TTL": ttl, "ResourceRecords": values, **more},
    }


WEIGHTED = {"SetIdentifier": "blue", "Weight": 10}
NAME, OTHER, ELSEWHERE = "www.example.org", "green.example.org", "192.0.2.1"
CHECK = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("there", "change", "arrives"),
    [
        ({}, lambda one, _: [record("UPSERT", NAME, [one])], True),
        ({}, lambda one, _: [record("UPSERT", NAME.upper() + ".", [one], ttl=60)], True),
        ({}, lambda one, two: [record("UPSERT", NAME, [two, one])], True),
        ({}, lambda one, _: [record("UPSERT", NAME, [one]), record("UPSERT", OTHER, [ELSEWHERE])], True),
        (WEIGHTED, lambda one, _: [record("UPSERT", NAME, [one], **WEIGHTED)], True),
        (WEIGHTED, lambda one, _: [record("UPSERT", NAME, [one], **{**WEIGHTED, "Weight": 20})], True),
        ({}, lambda _, two: [record("UPSERT", NAME, [two])], False),
        ({}, lambda *_: [record("UPSERT", NAME, [ELSEWHERE])], False),
        ({}, lambda one, _: [record("DELETE", NAME, [one])], False),
        ({}, lambda _, two: [record("UPSERT", OTHER, ["192.0.2.9"]), record("UPSERT", NAME, [two])], False),
        # A batch is carried out whole or not at all: what it leaves counts.
        ({}, lambda one, _: [record("DELETE", NAME, [one]), record("UPSERT", NAME, [one])], True),
        ({}, lambda one, two: [record("DELETE", NAME, [one]), record("UPSERT", NAME, [two])], False),
        ({}, lambda one, _: [record("UPSERT", NAME, [one], HealthCheckId=CHECK)], False),
        (WEIGHTED, lambda one, _: [record("UPSERT", NAME, [one], **{**WEIGHTED, "Weight": 0})], False),
        (WEIGHTED, lambda _, two: [record("UPSERT", NAME, [two], **WEIGHTED)], False),
    ],
)
def test_records(there, change, arrives, aws, install):
    """Another TTL, a value or weight in addition, and the record as it is arrive; less, and a deletion, do not."""
    route53 = aws.client("route53")
    one, two = aws.start_cluster("blue", 2, addresses=2).public_ips
    aws.start_cluster("green", 1)
    zone = route53.create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"]
    batch = [record("UPSERT", NAME, [one], **there), record("UPSERT", OTHER, ["192.0.2.9"])]
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": batch})
    install(live=ADDRESSES)
    params = {"HostedZoneId": zone, "ChangeBatch": {"Changes": change(one, two)}}
    denied = rest.attempt(aws, "route53", "change_resource_record_sets", params)
    assert (denied is None) is arrives, denied


def attribute(key, value):
    """One attribute of a load balancer."""
    return {"Attributes": [{"Key": key, "Value": value}]}


@pytest.mark.cases(12)
@pytest.mark.parametrize(
    ("method", "change", "arrives"),
    [
        ("balancer", attribute("idle_timeout.timeout_seconds", "1"), False),
        ("balancer", attribute("load_balancing.cross_zone.enabled", "false"), False),
        ("balancer", attribute("routing.http.desync_mitigation_mode", "strictest"), False),
        ("balancer", attribute("routing.http.drop_invalid_header_fields.enabled", "true"), False),
        ("group", {"HealthCheckTimeoutSeconds": 2}, False),
        ("group", {"HealthCheckIntervalSeconds": 300}, False),
        ("group", {"HealthyThresholdCount": 10}, False),
        ("group", {"UnhealthyThresholdCount": 2}, False),
        ("balancer", attribute("idle_timeout.timeout_seconds", "60"), True),
        ("balancer", attribute("idle_timeout.timeout_seconds", "600"), True),
        ("balancer", attribute("load_balancing.cross_zone.enabled", "true"), True),
        ("balancer", attribute("access_logs.s3.enabled", "true"), True),
        ("group", {"HealthCheckTimeoutSeconds": 5, "HealthCheckIntervalSeconds": 30, "HealthyThresholdCount": 5}, True),
        ("group", {"HealthCheckTimeoutSeconds": 9, "UnhealthyThresholdCount": 8}, True),
    ],
)
def test_a_load_balancer(method, change, arrives, balancer, aws, install):
    """Attributes and health checks that refuse, wait less or take machines out are denied; repeats and growth pass."""
    client = aws.client("elbv2")
    crossing = attribute("load_balancing.cross_zone.enabled", "true")
    client.modify_load_balancer_attributes(LoadBalancerArn=balancer[0], **crossing)
    client.modify_target_group(TargetGroupArn=balancer[3][0], UnhealthyThresholdCount=4)
    install(live=ADDRESSES)
    method, name = {
        "balancer": ("modify_load_balancer_attributes", {"LoadBalancerArn": balancer[0]}),
        "group": ("modify_target_group", {"TargetGroupArn": balancer[3][0]}),
    }[method]
    judge(aws, "elbv2", method, name, ([change], []) if arrives else ([], [change]))
