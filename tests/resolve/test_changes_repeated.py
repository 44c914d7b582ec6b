"""What is there already, set again, leaves no effect of the call; something else does, and so does not knowing."""

from __future__ import annotations

import json
from typing import Any

import pytest

from guardrails.classify.classify import classify
from guardrails.values import Call
from tests.resolve.test_changes_of_any_state import CATALOGUE, EVIDENCE, left

ID, GROUP = {"InstanceId": "i-1"}, {"AutoScalingGroupName": "web"}
TARGET = {"ServiceNamespace": "ecs", "ResourceId": "service/c/web", "ScalableDimension": "ecs:service:DesiredCount"}
DENY, ALLOW = (json.dumps({"Statement": [{"Effect": "Deny", "Action": action}]}) for action in ("s3:*", "sqs:*"))
BUCKET = {"Bucket": "files"}


def lock(days: int, mode: str = "GOVERNANCE") -> dict[str, Any]:
    return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": mode, "Days": days}}}


def encrypted(kind: str) -> dict[str, Any]:
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": kind}}]}


# Operation, what names the resource, the parameters as they are, others that harm, and how AWS describes the resource.
CASES: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], Any]] = [
    ("ec2:ModifyInstanceAttribute", ID, {"DisableApiTermination": {"Value": False}}, {},
     {"DisableApiTermination": {"Value": False}}),
    ("ec2:ModifyInstanceAttribute", ID, {"DisableApiStop": {"Value": False}}, {}, {"DisableApiStop": {"Value": False}}),
    ("ec2:ModifyInstanceAttribute", ID, {"InstanceInitiatedShutdownBehavior": {"Value": "terminate"}}, {},
     {"InstanceInitiatedShutdownBehavior": {"Value": "terminate"}}),
    ("ec2:EnableVgwRoutePropagation", {"RouteTableId": "rtb-1"}, {"GatewayId": "vgw-1"}, {"GatewayId": "vgw-2"},
     {"RouteTableId": "rtb-1", "PropagatingVgws": [{"GatewayId": "vgw-1"}]}),
    ("ec2:DisableVgwRoutePropagation", {"RouteTableId": "rtb-1"}, {"GatewayId": "vgw-2"}, {"GatewayId": "vgw-1"},
     {"RouteTableId": "rtb-1", "PropagatingVgws": [{"GatewayId": "vgw-1"}]}),
    ("ec2:ModifyEbsDefaultKmsKeyId", {}, {"KmsKeyId": "k-1"}, {"KmsKeyId": "k-2"}, "arn:aws:kms:eu-west-1:1:key/k-1"),
    ("ec2:ModifyInstanceCreditSpecification", {},
     {"InstanceCreditSpecifications": [{"InstanceId": "i-1", "CpuCredits": "standard"}]}, {},
     {"InstanceId": "i-1", "CpuCredits": "standard"}),
    ("ec2:ModifyVpcBlockPublicAccessOptions", {}, {"InternetGatewayBlockMode": "block-ingress"},
     {"InternetGatewayBlockMode": "block-bidirectional"}, {"InternetGatewayBlockMode": "block-ingress"}),
    ("autoscaling:PutScalingPolicy", {**GROUP, "PolicyName": "up"}, {"ScalingAdjustment": 1}, {"ScalingAdjustment": -1},
     {**GROUP, "PolicyName": "up", "ScalingAdjustment": 1, "PolicyARN": "arn"}),
    ("autoscaling:PutScheduledUpdateGroupAction", {**GROUP, "ScheduledActionName": "n"}, {"DesiredCapacity": 3},
     {"DesiredCapacity": 2}, {**GROUP, "ScheduledActionName": "n", "DesiredCapacity": 3, "Recurrence": "0 8 * * *"}),
    ("autoscaling:SetInstanceProtection", {**GROUP, "InstanceIds": ["i-1"]}, {"ProtectedFromScaleIn": False}, {},
     {**GROUP, "Instances": [{"InstanceId": "i-1", "ProtectedFromScaleIn": False}]}),
    ("application-autoscaling:RegisterScalableTarget", TARGET, {"MinCapacity": 2, "MaxCapacity": 4}, {"MaxCapacity": 3},
     {**TARGET, "MinCapacity": 2, "MaxCapacity": 4}),
    ("application-autoscaling:PutScalingPolicy", {**TARGET, "PolicyName": "up"}, {"PolicyType": "StepScaling"},
     {"PolicyType": "TargetTrackingScaling"}, {**TARGET, "PolicyName": "up", "PolicyType": "StepScaling"}),
    ("application-autoscaling:PutScheduledAction", {**TARGET, "ScheduledActionName": "n", "Schedule": "rate(1 day)"},
     {"ScalableTargetAction": {"MinCapacity": 3}}, {"ScalableTargetAction": {"MaxCapacity": 0}},
     {**TARGET, "ScheduledActionName": "n", "Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 3}}),
    ("lambda:PutFunctionConcurrency", {"FunctionName": "f"}, {"ReservedConcurrentExecutions": 0}, {},
     {"ReservedConcurrentExecutions": 0}),
    ("lambda:UpdateEventSourceMapping", {"UUID": "u"}, {"Enabled": False}, {}, {"UUID": "u", "State": "Disabled"}),
    ("sqs:SetQueueAttributes", {"QueueUrl": "https://q"},
     {"Attributes": {"Policy": DENY, "MessageRetentionPeriod": "99"}},
     {"Attributes": {"MessageRetentionPeriod": "60"}}, {"Policy": DENY, "MessageRetentionPeriod": "98"}),
    ("sns:SetTopicAttributes", {"TopicArn": "arn:t", "AttributeName": "Policy"}, {"AttributeValue": DENY},
     {"AttributeValue": ALLOW}, {"Policy": DENY}),
    ("secretsmanager:PutResourcePolicy", {"SecretId": "s"}, {"ResourcePolicy": DENY}, {"ResourcePolicy": ALLOW},
     {"ResourcePolicy": DENY}),
    ("ecr:SetRepositoryPolicy", {"repositoryName": "r"}, {"policyText": DENY}, {"policyText": ALLOW},
     {"repositoryName": "r", "policyText": DENY}),
    ("ecr:PutLifecyclePolicy", {"repositoryName": "r"}, {"lifecyclePolicyText": "{}"},
     {"lifecyclePolicyText": '{"a": 1}'},
     {"repositoryName": "r", "lifecyclePolicyText": "{}"}),
    ("logs:PutRetentionPolicy", {"logGroupName": "g"}, {"retentionInDays": 30}, {"retentionInDays": 7},
     {"logGroupName": "g", "retentionInDays": 30}),
    ("kms:UpdateAlias", {"AliasName": "alias/a"}, {"TargetKeyId": "k-1"}, {"TargetKeyId": "k-2"},
     {"AliasName": "alias/a", "TargetKeyId": "k-1"}),
    ("iam:UpdateAccessKey", {"UserName": "me", "AccessKeyId": "AKIA"}, {"Status": "Inactive"}, {"Status": "Active"},
     {"AccessKeyId": "AKIA", "Status": "Inactive"}),
    ("s3:PutBucketAccelerateConfiguration", BUCKET, {"AccelerateConfiguration": {"Status": "Suspended"}}, {},
     "Suspended"),
    ("s3:PutBucketRequestPayment", BUCKET, {"RequestPaymentConfiguration": {"Payer": "BucketOwner"}},
     {"RequestPaymentConfiguration": {"Payer": "Requester"}}, "BucketOwner"),
    ("s3:PutObjectLockConfiguration", BUCKET, {"ObjectLockConfiguration": lock(30)},
     {"ObjectLockConfiguration": lock(29)}, lock(30)),
    ("s3:PutObjectLockConfiguration", BUCKET, {"ObjectLockConfiguration": lock(40, "COMPLIANCE")},
     {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}}, lock(30)),
    ("s3:PutBucketEncryption", BUCKET, {"ServerSideEncryptionConfiguration": encrypted("aws:kms")},
     {"ServerSideEncryptionConfiguration": encrypted("aws:kms:dsse")}, encrypted("aws:kms")),
    ("wafv2:AssociateWebACL", {"ResourceArn": "arn:a"}, {"WebACLArn": "arn:w"}, {"WebACLArn": "arn:x"},
     {"ARN": "arn:w"}),
    ("ecs:UpdateCluster", {"cluster": "c"}, {"settings": [{"name": "containerInsights", "value": "enabled"}]},
     {"settings": [{"name": "containerInsights", "value": "disabled"}]},
     {"settings": [{"name": "containerInsights", "value": "enabled"}]}),
    ("ecs:UpdateCapacityProvider", {"name": "p"}, {"autoScalingGroupProvider": {"managedDraining": "ENABLED"}},
     {"autoScalingGroupProvider": {"managedDraining": "DISABLED"}},
     {"name": "p", "autoScalingGroupProvider": {"managedDraining": "ENABLED", "autoScalingGroupArn": "arn:g"}}),
    ("ecs:UpdateTaskProtection", {"cluster": "c", "tasks": ["arn:t"]}, {"protectionEnabled": False}, {},
     {"taskArn": "arn:t", "protectionEnabled": False}),
    ("elasticmapreduce:PutAutoTerminationPolicy", {"ClusterId": "j"}, {"AutoTerminationPolicy": {"IdleTimeout": 600}},
     {"AutoTerminationPolicy": {"IdleTimeout": 60}}, {"IdleTimeout": 600}),
    ("route53:UpdateTrafficPolicyInstance", {"Id": "t"},
     {"TTL": 60, "TrafficPolicyId": "p", "TrafficPolicyVersion": 1},
     {"TTL": 60, "TrafficPolicyId": "p", "TrafficPolicyVersion": 2},
     {"Id": "t", "TTL": 300, "TrafficPolicyId": "p", "TrafficPolicyVersion": 1}),
    ("network-firewall:AssociateFirewallPolicy", {"FirewallArn": "arn:f"}, {"FirewallPolicyArn": "arn:p"},
     {"FirewallPolicyArn": "arn:q"}, {"FirewallArn": "arn:f", "FirewallPolicyArn": "arn:p"}),
    ("network-firewall:UpdateFirewallDeleteProtection", {"FirewallArn": "arn:f"}, {"DeleteProtection": False}, {},
     {"FirewallArn": "arn:f", "DeleteProtection": False}),
    ("eks:UpdateNodegroupConfig", {"clusterName": "c", "nodegroupName": "n"},
     {"taints": {"addOrUpdateTaints": [{"key": "gpu", "effect": "NO_SCHEDULE"}]}},
     {"taints": {"addOrUpdateTaints": [{"key": "gpu", "effect": "NO_EXECUTE"}]}},
     {"taints": [{"key": "gpu", "effect": "NO_SCHEDULE"}]}),
    # Nothing but a name is given: the state says whether anything changes.
    ("kms:DisableKey", {"KeyId": "k"}, {}, {}, {"KeyId": "k", "Enabled": False}),
    ("events:DisableRule", {"Name": "r"}, {}, {}, {"Name": "r", "State": "DISABLED", "EventBusName": "default"}),
    ("events:EnableRule", {"Name": "r"}, {}, {}, {"Name": "r", "State": "ENABLED", "EventBusName": "default"}),
    ("monitoring:DisableAlarmActions", {"AlarmNames": ["a"]}, {}, {}, {"AlarmName": "a", "ActionsEnabled": False}),
    ("monitoring:EnableAlarmActions", {"AlarmNames": ["a"]}, {}, {}, {"AlarmName": "a", "ActionsEnabled": True}),
]  # fmt: skip
OPPOSITES = {"DISABLED": "ENABLED", "ENABLED": "DISABLED", "Disabled": "Enabled", 0: 5,
             "terminate": "stop", "standard": "unlimited", "Suspended": "Enabled"}  # fmt: skip


def opposite(value: Any) -> Any:
    """The same state with every switch the other way round."""
    if isinstance(value, dict):
        return {key: opposite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [opposite(each) for each in value]
    return not value if isinstance(value, bool) else OPPOSITES.get(value, value)


@pytest.mark.parametrize(("name", "named", "same", "harm", "state"), CASES, ids=[case[0] for case in CASES])
def test_the_present_state_again(name, named, same, harm, state):
    """What is there leaves no effect; another value, the other state, or no answer about it leaves some."""
    service, _, operation = name.partition(":")
    call = (service, operation, {**named, **same})
    assert left(*call, state) == ()
    assert left(*call, None) or operation == "PutObjectLockConfiguration"
    if harm:
        assert left(service, operation, {**named, **harm}, state) != ()
    else:
        assert left(*call, opposite(state)) != ()


def test_what_adds_protection():
    """A first object lock, cross-origin rule, website or wait before terminations takes nothing away."""
    for params, operation in (
        ({"ObjectLockConfiguration": lock(1)}, "PutObjectLockConfiguration"),
        ({"CORSConfiguration": {"CORSRules": []}}, "PutBucketCors"),
        ({"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}}, "PutBucketWebsite"),
    ):
        assert left("s3", operation, {**BUCKET, **params}, None) == ()
    hook = {**GROUP, "LifecycleHookName": "drain", "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING"}
    assert left("autoscaling", "PutLifecycleHook", hook, None) == ()
    launching = {**hook, "LifecycleTransition": "autoscaling:EC2_INSTANCE_LAUNCHING"}
    assert left("autoscaling", "PutLifecycleHook", launching, None) == ("indirect",)
    # S3 encrypts like this where nothing else is set.
    usual = {**BUCKET, "ServerSideEncryptionConfiguration": encrypted("AES256")}
    assert classify(Call("s3", "PutBucketEncryption", usual, "eu-west-1", ""), CATALOGUE, EVIDENCE) is None
