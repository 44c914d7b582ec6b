"""What no one uses any more, keeps longer or goes on as before arrives; the same call that takes something does not."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

import guardrails
from tests.calls.test_same_names import tagged
from tests.calls.test_updates import judge
from tests.support import rest

ACCOUNT = "eu-west-1:123456789012"
API = f"arn:aws:lambda:{ACCOUNT}:function:api"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "lambda:InvokeFunction"}]}


MAPPINGS = "GET /2015-03-31/event-source-mappings"
# Of the function by its name, and by its ARN.
ALIASES, PROVISIONED, PERMISSIONS = (
    [f"GET {version}/functions/{name}/{end}" for name in ("api", API)]
    for version, end in (
        ("/2015-03-31", "aliases"), ("/2019-09-30", "provisioned-concurrency"), ("/2015-03-31", "policy"),
    )
)  # fmt: skip


def unused(aws):
    """A function that is blue's, whose version 3 is in the alias `live`; nothing uses another one."""
    tagged(aws, blue="lambda:function:api")
    aliases = [{"Name": "live", "FunctionVersion": "3", "RoutingConfig": {"AdditionalVersionWeights": {"4": 0.1}}}]
    aws.reply(MAPPINGS, json.dumps({"EventSourceMappings": []}))
    for named in zip(ALIASES, PROVISIONED, PERMISSIONS, strict=True):
        aws.reply(named[0], json.dumps({"Aliases": aliases}))
        aws.reply(named[1], json.dumps({"ProvisionedConcurrencyConfigs": []}))
        aws.answer(named[2], 404, "ResourceNotFoundException", "No policy is associated with the given resource.")


VERSIONS = ({"FunctionName": "api", "Qualifier": "1"}, {"FunctionName": "api:1"}, {"FunctionName": f"{API}:1"})
WHOLE = ({"FunctionName": "api"}, {"FunctionName": API}, {"FunctionName": "api:live"},
         {"FunctionName": "api:2", "Qualifier": "1"})  # fmt: skip
IN_USE = ({"FunctionName": "api", "Qualifier": "3"}, {"FunctionName": "api:3"}, {"FunctionName": "api:4"})


def test_a_version_that_nothing_uses(site, aws, install):
    """It may be deleted, however it is named; the function, and a version that an alias sends calls to, may not."""
    unused(aws)
    install()
    judge(aws, "lambda", "delete_function", {}, (VERSIONS, (*WHOLE, *IN_USE)))


@pytest.mark.parametrize(
    ("look_up", "answer"),
    [
        (MAPPINGS, {"EventSourceMappings": [{"UUID": "u", "FunctionArn": f"{API}:1"}]}),
        (PROVISIONED[0], {"ProvisionedConcurrencyConfigs": [{"FunctionArn": f"{API}:1"}]}),
        (PERMISSIONS[0], {"Policy": json.dumps(POLICY)}),
        (ALIASES[0], None),
        (MAPPINGS, None),
        (PROVISIONED[0], None),
        (PERMISSIONS[0], None),
    ],
)
def test_a_version_that_something_may_use(look_up, answer, site, aws, install):
    """An event source, reserved machines or a permission uses it, or a look-up fails: it stays, and why is said."""
    unused(aws)
    if answer is None:
        aws.answer(look_up, 403, "AccessDeniedException", "not permitted")
    else:
        aws.reply(look_up, json.dumps(answer))
    install()
    with pytest.raises(guardrails.CallDenied) as caught:
        aws.client("lambda").delete_function(FunctionName="api", Qualifier="1")
    (violation,) = caught.value.decision.violations
    assert violation.rule == "live-cluster/traffic"
    assert "only this version is deleted; an alias, an event source, a permission" in violation.message
    assert not any(each.operation.startswith("DELETE") for each in aws.requests)


def test_rules_that_delete_objects_later(site, aws, install):
    """30 days instead of 7, and moving to a class that is read at once, arrive; sooner and an archive do not."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="blue", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_bucket_tagging(Bucket="blue", Tagging={"TagSet": [{"Key": "Cluster", "Value": "blue"}]})

    def rule(days=7, prefix="logs/", **more):
        return {"ID": "r", "Status": "Enabled", "Filter": {"Prefix": prefix}, "Expiration": {"Days": days}, **more}

    def configured(*rules):
        return {"LifecycleConfiguration": {"Rules": [*rules]}}

    def moved(days, storage):
        return rule(Transitions=[{"Days": days, "StorageClass": storage}])

    old = {"NoncurrentDays": 30}
    other = rule(365, "data/", ID="s", NoncurrentVersionExpiration=old)
    s3.put_bucket_lifecycle_configuration(Bucket="blue", **configured(moved(5, "GLACIER"), other))
    install()
    aws.answer("PUT /blue", 400, "Arrived", "it arrived")
    judge(aws, "s3", "put_bucket_lifecycle_configuration", {"Bucket": "blue"}, (
        [configured(rule(30)), configured(rule()), configured(other, rule(8)), configured(moved(3, "STANDARD_IA")),
         configured(moved(5, "GLACIER")), configured(moved(6, "GLACIER")),
         configured(rule(365, "data/", NoncurrentVersionExpiration={**old, "NoncurrentDays": 60})),
         configured({"ID": "m", "Status": "Enabled", "Filter": {}, "Expiration": {"ExpiredObjectDeleteMarker": True}}),
         configured({**rule(1), "Status": "Disabled"})],
        [configured(rule(6)), configured(rule(30, "")), configured(rule(30, "log")), configured(moved(4, "GLACIER")),
         configured(moved(5, "DEEP_ARCHIVE")), configured(rule(30), rule(1, "x/")),
         configured(rule(365, "data/", NoncurrentVersionExpiration={"NoncurrentDays": 29})),
         configured(rule(30, NoncurrentVersionExpiration=old))],
    ))  # fmt: skip
    with pytest.raises(guardrails.CallDenied) as caught:
        s3.put_bucket_lifecycle_configuration(Bucket="blue", **configured(moved(5, "DEEP_ARCHIVE")))
    assert "objects must be restored" in str(caught.value)
    assert "objects are deleted later" not in str(caught.value)


def test_a_certificate_that_waits_for_a_restart(site, aws, install):
    """Another authority for the next restart arrives; with the restart, which is the default, it does not."""
    aws.client("rds").create_db_instance(
        DBInstanceIdentifier="blue-db", Engine="mysql", MasterUsername="root", MasterUserPassword="secret-1",
        AllocatedStorage=20, DBInstanceClass="db.t3.small", Tags=[{"Key": "Cluster", "Value": "blue"}],
    )  # fmt: skip
    install()
    new = {"CACertificateIdentifier": "rds-ca-rsa2048-g1"}
    judge(aws, "rds", "modify_db_instance", {"DBInstanceIdentifier": "blue-db"}, (
        [{**new, "CertificateRotationRestart": False}],
        [new, {**new, "CertificateRotationRestart": True},
         {**new, "CertificateRotationRestart": False, "ApplyImmediately": True, "DBInstanceClass": "db.t3.large"}],
    ))  # fmt: skip


@pytest.mark.parametrize("name", ["vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver", "isovalent_cilium"])
def test_add_ons(name, site, aws, install):
    """Those of the network are said to be; others are not, and updates of AWS's own arrive with a warning."""
    role, network = "arn:aws:iam::123456789012:role/eks", {"subnetIds": [site.subnet, aws.create_subnet("10.0.9.0/24")]}
    aws.client("eks").create_cluster(name="prod", roleArn=role, resourcesVpcConfig=network, tags={"Cluster": "blue"})
    guard = install()
    eks, call = aws.client("eks"), {"clusterName": "prod", "addonName": name}
    assert rest.attempt(aws, "eks", "delete_addon", {**call, "preserve": True}) is None
    connects = name in ("vpc-cni", "kube-proxy", "coredns")
    rules = {"network/other"} if connects else {"live-cluster/stop"}
    decision = guard.check(eks, "delete_addon", **call)
    assert {each.rule for each in decision.violations} == rules
    assert not connects or "lose their network" in decision.violations[0].message
    assert connects or "disks or credentials" in decision.violations[0].message
    own = name == "aws-ebs-csi-driver"
    assert (rest.attempt(aws, "eks", "update_addon", {**call, "addonVersion": "v2"}) is None) is own
    updated = guard.check(eks, "update_addon", **call, addonVersion="v2")
    assert {each.rule for each in updated.violations} == ({"live-cluster/indirect"} if own else rules)


def test_a_command_on_a_machine_that_is_gone(site, aws, install):
    """It can run nowhere, and AWS refuses it; beside a live machine it needs confirmation for that one."""
    gone = site.green.instance_ids[0]
    site.ec2.terminate_instances(InstanceIds=[gone])
    install()
    ssm, document = aws.client("ssm"), {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["uptime"]}}
    aws.answer("SendCommand", 400, "InvalidInstanceId", "not in a valid state")
    with pytest.raises(ClientError, match="not in a valid state"):
        ssm.send_command(InstanceIds=[gone], **document)
    with pytest.raises(guardrails.CallDenied, match="cannot inspect on i-"):
        ssm.send_command(InstanceIds=[gone, site.blue.instance_ids[0]], **document)
    assert aws.count("SendCommand") == 1
