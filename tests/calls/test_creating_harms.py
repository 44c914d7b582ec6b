"""What is created in other services, and harmless before it was looked at: denied for the live cluster only."""

from __future__ import annotations

import json

import pytest

from tests.support import rest

pytestmark = pytest.mark.every(3)

DENY = json.dumps({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}]})
ALLOW = DENY.replace("Deny", "Allow")
LIVE, OTHER = "blue", "green"


@pytest.fixture
def tagged(aws, places, install):
    """Resources of each cluster that carry its tag."""
    names = {}
    for name in (LIVE, OTHER):
        tags = [{"Key": "Cluster", "Value": name}]
        plain = {"Cluster": name}
        queue = aws.client("sqs").create_queue(QueueName=name, tags=plain)["QueueUrl"]
        topic = aws.client("sns").create_topic(Name=name, Tags=tags)["TopicArn"]
        aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        aws.client("s3").put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
        key = aws.client("dynamodb").create_table(
            TableName=name, KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}], Tags=tags,
        )  # fmt: skip
        secret = aws.client("secretsmanager").create_secret(Name=name, SecretString="x", Tags=tags)["ARN"]
        certificate = aws.client("acm").request_certificate(DomainName=f"{name}.org", Tags=tags)["CertificateArn"]
        names[name] = {"queue": queue, "topic": topic, "secret": secret, "certificate": certificate,
                       "table": key["TableDescription"]["TableArn"], "name": name}  # fmt: skip
    install(live={"eip_addresses": [places[LIVE].public_ip]})
    return names


CALLS = [
    ("sqs", "set_queue_attributes", lambda n, text: {"QueueUrl": n["queue"], "Attributes": {"Policy": text}}),
    ("sns", "set_topic_attributes", lambda n, text: {
        "TopicArn": n["topic"], "AttributeName": "Policy", "AttributeValue": text}),
    ("secretsmanager", "put_resource_policy", lambda n, text: {"SecretId": n["secret"], "ResourcePolicy": text}),
    ("dynamodb", "put_resource_policy", lambda n, text: {"ResourceArn": n["table"], "Policy": text}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "method", "params"), CALLS)
def test_policies_that_deny(service, method, params, tagged, aws):
    """A resource policy with a denial never reaches what the live cluster uses; one that allows arrives."""
    assert rest.attempt(aws, service, method, params(tagged[LIVE], DENY)) >= {"live-cluster/traffic"}
    assert rest.attempt(aws, service, method, params(tagged[LIVE], ALLOW)) is None
    assert rest.attempt(aws, service, method, params(tagged[OTHER], DENY)) is None


SHORTENS = [
    ("sqs", "set_queue_attributes", lambda n: {"QueueUrl": n["queue"], "Attributes": {"MessageRetentionPeriod": "60"}}),
    ("dynamodb", "update_time_to_live", lambda n: {
        "TableName": n["name"], "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "a"}}),
    ("s3", "put_bucket_lifecycle_configuration", lambda n: {"Bucket": n["name"], "LifecycleConfiguration": {"Rules": [{
        "ID": "r", "Status": "Enabled", "Prefix": "", "Transitions": [{"Days": 1, "StorageClass": "DEEP_ARCHIVE"}]}]}}),
    ("s3", "put_bucket_intelligent_tiering_configuration", lambda n: {"Bucket": n["name"], "Id": "t",
        "IntelligentTieringConfiguration": {"Id": "t", "Status": "Enabled", "Tierings": [
            {"Days": 90, "AccessTier": "ARCHIVE_ACCESS"}]}}),
]  # fmt: skip


@pytest.mark.parametrize(("service", "method", "params"), SHORTENS)
def test_what_shortens_a_life(service, method, params, tagged, aws):
    """Messages, images, items and objects of the live cluster do not expire or move to an archive."""
    assert rest.attempt(aws, service, method, params(tagged[LIVE])) >= {"live-cluster/storage"}
    assert rest.attempt(aws, service, method, params(tagged[OTHER])) is None


def test_what_does_not_shorten_it(tagged, aws):
    """Switching expiry off, and storage that is only cheaper, arrive."""
    off = {"Enabled": False, "AttributeName": "a"}
    live = {"TableName": LIVE, "TimeToLiveSpecification": off}
    assert rest.attempt(aws, "dynamodb", "update_time_to_live", live) is None
    rule = {"ID": "r", "Status": "Enabled", "Prefix": "", "Transitions": [{"Days": 30, "StorageClass": "STANDARD_IA"}]}
    rules = {"Bucket": LIVE, "LifecycleConfiguration": {"Rules": [rule]}}
    assert rest.attempt(aws, "s3", "put_bucket_lifecycle_configuration", rules) is None


def test_certificates_are_replaced_for_other_clusters_only(tagged, aws):
    """ImportCertificate over the live balancer's certificate is denied; a new one, and green's, may be imported."""
    pem = {"Certificate": b"x", "PrivateKey": b"y"}
    live, other = ({"CertificateArn": tagged[name]["certificate"], **pem} for name in (LIVE, OTHER))
    assert rest.attempt(aws, "acm", "import_certificate", live) >= {"live-cluster/traffic"}
    assert rest.attempt(aws, "acm", "import_certificate", other) is None
    assert rest.attempt(aws, "acm", "import_certificate", pem) is None


def vpc_of(aws, place):
    return aws.client("ec2").describe_subnets(SubnetIds=[place.subnet])["Subnets"][0]["VpcId"]


@pytest.mark.parametrize(
    ("service", "method", "params"),
    [
        ("route53resolver", "associate_resolver_rule", lambda vpc: {"ResolverRuleId": "rslvr-rr-1", "VPCId": vpc}),
        ("route53resolver", "associate_firewall_rule_group", lambda vpc: {
            "FirewallRuleGroupId": "g", "VpcId": vpc, "Priority": 101, "Name": "n"}),
        ("route53profiles", "associate_profile", lambda vpc: {"ProfileId": "p", "ResourceId": vpc, "Name": "n"}),
    ],
)  # fmt: skip
def test_names_in_a_network(service, method, params, places, aws, install):
    """Resolver rules, firewall rules and profiles decide what names mean in a VPC: not in the live one."""
    install(live={"eip_addresses": [places[LIVE].public_ip]})
    assert rest.attempt(aws, service, method, params(vpc_of(aws, places[LIVE]))) >= {"network/other"}
    assert rest.attempt(aws, service, method, params(vpc_of(aws, places[OTHER]))) is None


TEMPLATE = {"id": "EXT1", "targets": {}, "actions": {}}


@pytest.mark.parametrize("by", ["arn", "tag"])
def test_experiments(by, places, aws, install):
    """An experiment whose template means live machines, by id or by tag, is denied. moto has no such templates."""
    install(live={"eip_addresses": [places[LIVE].public_ip]})
    for name in (LIVE, OTHER):
        arn = f"arn:aws:ec2:eu-west-1:123456789012:instance/{places[name].machine}"
        selected = {"resourceArns": [arn]} if by == "arn" else {"resourceTags": {"Cluster": name}}
        document = {"experimentTemplate": {**TEMPLATE, "targets": {"machines": selected}}}
        aws.reply(f"GET /experimentTemplates/{name}", json.dumps(document))
        denied = rest.attempt(aws, "fis", "start_experiment", {"experimentTemplateId": name})
        assert (denied or set()) >= ({"live-cluster/stop"} if name == LIVE else set())
        assert (denied is None) is (name == OTHER)


@pytest.mark.parametrize(
    ("target", "policy", "arrives"),
    [
        ("123456789012", "p-12345678", False),
        ("ou-abcd-12345678", "p-12345678", False),
        ("r-abcd", "p-12345678", False),
        ("123456789012", "p-FullAWSAccess", True),
        ("210987654321", "p-12345678", True),
    ],
)
def test_policies_of_an_organization(target, policy, arrives, places, aws, install):
    """A policy for the live cluster's account, or for what may hold it, is denied; for another account it arrives."""
    install(live={"eip_addresses": [places[LIVE].public_ip]})
    denied = rest.attempt(aws, "organizations", "attach_policy", {"PolicyId": policy, "TargetId": target})
    assert (denied is None) is arrives, denied


def test_ungoverned_operations_of_these_services(aws, install):
    """What does not take anything costs no look-up and arrives at once."""
    url = aws.client("sqs").create_queue(QueueName="q")["QueueUrl"]
    install()
    aws.clear()
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    visible = {"SampledRequestsEnabled": False, "CloudWatchMetricsEnabled": False, "MetricName": "m"}
    aws.client("wafv2").create_web_acl(
        Name="x", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible
    )
    assert [request.service for request in aws.requests] == ["sqs", "wafv2"]


def test_resources_that_moto_does_not_list(places, aws, install):
    """Images of the live cluster do not expire, and its name finds no machines of a smaller cluster: by their tag."""
    arns = ("arn:aws:ecr:eu-west-1:123456789012:repository/{}", "arn:aws:servicediscovery:eu-west-1:1:service/srv-{}")
    rows = [
        {"ResourceARN": arn.format(name), "Tags": [{"Key": "Cluster", "Value": name}]}
        for name in (LIVE, OTHER)
        for arn in arns
    ]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": rows}))
    machines = {name: aws.machines(name)[-1] for name in (LIVE, OTHER)}
    aws.client("ec2").terminate_instances(InstanceIds=[places[OTHER].machine])
    install(live={"eip_addresses": [places[LIVE].public_ip]})
    policy = json.dumps(
        {"rules": [{"selection": {"countType": "imageCountMoreThan", "countNumber": 1}}], "x": "x" * 60}
    )

    def expire(name):
        params = {"repositoryName": name, "lifecyclePolicyText": policy}
        return rest.attempt(aws, "ecr", "put_lifecycle_policy", params)

    def deny(name, text):
        params = {"repositoryName": name, "policyText": text}
        return rest.attempt(aws, "ecr", "set_repository_policy", params)

    def register(name, machine):
        attributes = {"AWS_EC2_INSTANCE_ID": machines[machine]}
        params = {"ServiceId": f"srv-{name}", "InstanceId": "one", "Attributes": attributes}
        return rest.attempt(aws, "servicediscovery", "register_instance", params)

    assert expire(LIVE) >= {"live-cluster/storage"}
    assert expire(OTHER) is None
    aws.answer("GetRepositoryPolicy", 400, "RepositoryPolicyNotFoundException", "none")
    assert deny(LIVE, DENY) >= {"live-cluster/traffic"}
    assert deny(LIVE, ALLOW) is None
    assert register(LIVE, OTHER) >= {"live-cluster/admit"}
    assert register(LIVE, LIVE) is None
    assert register(OTHER, LIVE) is None
