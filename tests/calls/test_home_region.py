"""In which region the guard looks for what a call to a service without regions is about."""

from __future__ import annotations

import json

import boto3
import pytest

import guardrails


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


TRUST = document(Principal={"Service": "ec2.amazonaws.com"}, Action="sts:AssumeRole")
MAY = document(Action="s3:*", Resource="*")


@pytest.fixture
def elsewhere(aws, site):
    """A function that makes what a live cluster of this region has: its DNS record, and the policy of its role.

    Another cluster is live in eu-west-1, for which the process is set up.
    """

    def made(region):
        session = boto3.Session(region_name=region)
        ec2, iam, dns = (session.client(name) for name in ("ec2", "iam", "route53"))
        iam.create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)
        iam.create_instance_profile(InstanceProfileName="web")
        iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
        started = ec2.run_instances(
            ImageId="ami-12345678", MinCount=2, MaxCount=2, IamInstanceProfile={"Name": "web"},
            TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "red"}]}],
        )["Instances"]  # fmt: skip
        address = ec2.allocate_address(Domain="vpc")
        ec2.associate_address(AllocationId=address["AllocationId"], InstanceId=started[0]["InstanceId"])
        zone = dns.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]
        record = {
            "Name": "www.example.com",
            "Type": "A",
            "TTL": 60,
            "ResourceRecords": [{"Value": address["PublicIp"]}],
        }
        change = {"HostedZoneId": zone, "ChangeBatch": {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}}
        dns.change_resource_record_sets(**change)
        change["ChangeBatch"]["Changes"][0]["Action"] = "DELETE"
        iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=MAY)
        aws.clear()
        return (
            lambda: dns.change_resource_record_sets(**change),
            lambda: iam.delete_role_policy(RoleName="web", PolicyName="p"),
        )

    return made


def changes(aws):
    return [each.operation for each in aws.requests if each.operation.startswith(("POST", "DeleteRole"))]


def refusals(calls):
    refused = []
    for call in calls:
        with pytest.raises(guardrails.CallDenied) as denied:
            call()
        refused.append(str(denied.value))
    return refused


def test_the_region_of_the_script(aws, elsewhere, install):
    """It is that of the session that made the client, although the environment names another one."""
    calls = elsewhere("us-west-2")
    install()
    assert all("of the live cluster red" in each for each in refusals(calls))
    assert changes(aws) == []


def test_a_region_that_may_be_the_services(aws, elsewhere, install):
    """Where the client was made for us-east-1, that may be meant for the service only: home_region says it."""
    calls = elsewhere("us-east-1")
    install()
    assert all("set home_region to the region of the machines" in each for each in refusals(calls))
    guardrails.uninstall()
    install(home_region="us-east-1")
    assert all("of the live cluster red" in each for each in refusals(calls))
    assert changes(aws) == []
    guardrails.uninstall()
    install(home_region="eu-west-1")
    for call in calls:
        call()
    assert len(changes(aws)) == len(calls)


def test_a_region_that_all_agree_on(aws, elsewhere, install, monkeypatch):
    """us-east-1 is no question where the environment names it, too, or names none."""
    calls = elsewhere("us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    install()
    assert all("of the live cluster red" in each for each in refusals(calls))
    guardrails.uninstall()
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    install()
    assert all("of the live cluster red" in each for each in refusals(calls))
    assert changes(aws) == []
