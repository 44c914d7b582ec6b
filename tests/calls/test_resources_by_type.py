"""Resources that Cloud Control and stacks name by type, of services that only a cluster tag speaks for.

Harmful beside innocent, counted at the server. The tagging API's answer is canned: moto lists few services there.
"""

from __future__ import annotations

import json

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from guardrails.aws.cloudformation import arn_services, service_of
from tests.calls.test_parts_of_the_same_name import ARN, NAMES, site, tag  # noqa: F401  (a fixture)
from tests.calls.test_same_act_other_api import delete
from tests.support import rest

pytestmark = pytest.mark.every(3)

# Of the third, nothing has a tag.
IDS = {name: f"{number}f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0" for number, name in enumerate((*NAMES, "other"))}
# Type, identifier, the service in ARNs and what stands there: {n} is the cluster's name, {i} an id.
TYPES = [
    ("AWS::ApiGateway::RestApi", "{n}1", "apigateway", "/restapis/{n}1"),
    ("AWS::ApiGateway::Stage", "{n}1|prod", "apigateway", "/restapis/{n}1/stages/prod"),
    ("AWS::ApiGateway::Stage", "{n}1|prod", "apigateway", "/restapis/{n}1"),
    ("AWS::ApiGatewayV2::Api", "{n}2", "apigateway", "/apis/{n}2"),
    ("AWS::ApiGatewayV2::Stage", "{n}2|$default", "apigateway", "/apis/{n}2/stages/$default"),
    ("AWS::ApiGatewayV2::Route", "{n}2|r1", "apigateway", "/apis/{n}2"),
    ("AWS::WAFv2::WebACL", "{n}|{i}|REGIONAL", "wafv2", "regional/webacl/{n}/{i}"),
    ("AWS::Cassandra::Table", "{n}|orders", "cassandra", "/keyspace/{n}/table/orders"),
    ("AWS::Cassandra::Table", "{n}|orders", "cassandra", "/keyspace/{n}/"),
    ("AWS::Timestream::Table", "{n}|orders", "timestream", "database/{n}/table/orders"),
    ("AWS::Timestream::InfluxDBInstance", "{n}", "timestream-influxdb", "db-instance/{n}"),
    ("AWS::VpcLattice::Service", "arn", "vpc-lattice", "service/svc-{n}"),
    ("AWS::VpcLattice::Listener", "arn/listener/l", "vpc-lattice", "service/svc-{n}"),
    ("AWS::NetworkFirewall::Firewall", "arn", "network-firewall", "firewall/{n}"),
    ("AWS::AmazonMQ::Broker", "b-{i}", "mq", "broker:{n}:b-{i}"),
    ("AWS::EMR::Cluster", "j-{n}", "elasticmapreduce", "cluster/j-{n}"),
    ("AWS::MWAA::Environment", "{n}", "airflow", "environment/{n}"),
    ("AWS::DocDBElastic::Cluster", "arn", "docdb-elastic", "cluster/{i}"),
    ("AWS::OpenSearchServerless::Collection", "{n}", "aoss", "collection/{n}"),
    ("AWS::KinesisAnalyticsV2::Application", "{n}", "kinesisanalytics", "application/{n}"),
    ("AWS::ACMPCA::CertificateAuthority", "arn", "acm-pca", "certificate-authority/{i}"),
    ("AWS::Cognito::UserPool", "{n}", "cognito-idp", "userpool/{n}"),
    ("AWS::ECR::Repository", "{n}/app", "ecr", "repository/{n}/app"),
    ("AWS::Logs::LogGroup", "/{n}/app", "logs", "log-group:/{n}/app:*"),
    ("AWS::SecretsManager::Secret", "arn", "secretsmanager", "secret:{n}/db-abcDEF"),
    ("AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/{n}", "sqs", "{n}"),
    ("AWS::Pinpoint::App", "{n}", "mobiletargeting", "apps/{n}"),
    ("AWS::BrandNew::Thing", "{n}-x", "brand-new-api", "thing/{n}-x"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "identifier", "service", "resource"), TYPES, ids=[row[0] for row in TYPES])
def test_what_is_tagged(kind, identifier, service, resource, site, aws):  # noqa: F811
    """By Cloud Control and in a stack, what the live cluster's tag is on stays; green's and what has none may go."""
    filled = {name: resource.format(n=name, i=each) for name, each in IDS.items()}
    tag(aws, site, service, {filled[name]: name for name in NAMES})
    for name, own in IDS.items():
        named = identifier.format(n=name, i=own).replace("arn", ARN.format(service, filled[name]))
        params = {"TypeName": kind, "Identifier": named}
        denied = rest.attempt(aws, "cloudcontrol", "delete_resource", params)
        assert (denied is None) == (name != "blue"), denied
        stack = delete(aws, f"of-{name}", (kind, named), ("AWS::SNS::Topic", ARN.format("sns", "t")))
        assert (stack is None) == (name != "blue"), stack


def test_identifiers_as_objects(site, aws):  # noqa: F811
    """An identifier of several parts may be a JSON object."""
    tag(aws, site, "apigateway", {f"/restapis/{name}/stages/prod": name for name in NAMES})
    for name in NAMES:
        document = json.dumps({"RestApiId": name, "StageName": "prod"})
        params = {"TypeName": "AWS::ApiGateway::Stage", "Identifier": document}
        denied = rest.attempt(aws, "cloudcontrol", "delete_resource", params)
        assert (denied is None) == (name == "green"), denied


def test_the_same_name_in_two_stacks(site, aws):  # noqa: F811
    """A stack shows a stage by its name alone: the one in it has AWS's own tag of the stack."""
    stages = {ARN.format("apigateway", f"/restapis/{name}1/stages/prod"): name for name in NAMES}
    machines = {ARN.format("ec2", f"instance/{site[name].machine}"): name for name in NAMES}
    mapping = [
        {
            "ResourceARN": arn,
            "Tags": [
                {"Key": "Cluster", "Value": name},
                *([{"Key": "aws:cloudformation:stack-name", "Value": f"of-{name}"}] if arn in stages else []),
            ],
        }
        for arn, name in {**stages, **machines}.items()
    ]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": mapping}))
    for name in NAMES:
        denied = delete(aws, f"of-{name}", ("AWS::ApiGateway::Stage", "prod"))
        assert (denied is None) == (name == "green"), denied
    assert delete(aws, "third", ("AWS::ApiGateway::Stage", "prod"))


def test_the_same_name_in_another_service(site, aws):  # noqa: F811
    """An untagged topic with the name of the live cluster's queue is no part of the cluster."""
    tag(aws, site, "sqs", {"orders": "blue"})
    for kind, name in (("AWS::SNS::Topic", ARN.format("sns", "orders")), ("AWS::EMR::Cluster", "orders")):
        assert delete(aws, "topics", (kind, name)) is None
    queue = ("AWS::SQS::Queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
    assert delete(aws, "queues", queue)


def test_arns_that_hide_the_names(site, aws):  # noqa: F811
    """Where the live cluster has some of a type whose ARNs end with an id, what a name means is unknown."""
    kind = "AWS::RedshiftServerless::Workgroup"
    tag(aws, site, "redshift-serverless", {f"workgroup/{IDS['blue']}": "blue"})
    assert delete(aws, "shop", (kind, "reports"))
    assert rest.attempt(aws, "cloudcontrol", "delete_resource", {"TypeName": kind, "Identifier": "reports"})
    assert delete(aws, "others", ("AWS::RedshiftServerless::Namespace", "reports")) is None
    tag(aws, site, "redshift-serverless", {f"workgroup/{IDS['green']}": "green"})
    assert delete(aws, "shop", (kind, "reports")) is None


# Services without a resource that has an ARN, or that AWS documents only since.
WITHOUT = {"AWSExternalAnthropic", "AccountAccess", "AgentRegistry", "CDK", "GammaDilithium", "IoTSecureTunneling",
           "IoTThingsGraph", "NetworkSecurityManager", "SSMGuiConnect", "Serverless", "SupportApp", "SupportAuthZ",
           "UXC"}  # fmt: skip


def test_every_service_of_cloudformation_has_arns():
    """For each service with a type, the table says which services its ARNs name; others are matched by any."""
    kinds = {kind for kind in PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1") if kind.startswith("AWS::")}
    assert {service_of(kind).removeprefix("AWS::") for kind in kinds if not arn_services(kind)} <= WITHOUT
    assert arn_services("AWS::BrandNew::Thing") == frozenset()
