"""The way forward that a denial names works: take it, and the same call arrives."""

from __future__ import annotations

import pytest

import guardrails
from tests.calls.test_unknown_holders import attempt

TAG = {"Key": "Cluster", "Value": "scratch"}
TABLE = {
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "BillingMode": "PAY_PER_REQUEST",
}
LOGIN = {"Engine": "mysql", "AllocatedStorage": 20, "DBInstanceClass": "db.t3.small", "MasterUsername": "root"}


def said(aws, service, method, params, rule):
    """What the denial by this rule says to do instead."""
    with pytest.raises(guardrails.CallDenied) as caught:
        getattr(aws.client(service), method)(**params)
    return next(each.remediation for each in caught.value.decision.violations if each.rule == rule)


def test_tag_it_then_try_again(aws, site, install):
    """A table, a database and a machine that nothing ties to a cluster: tagged as the message says, they are free."""
    stray = aws.start_cluster("x", 1, cluster_tag="Owner").instance_ids[0]
    table = aws.client("dynamodb").create_table(TableName="t", **TABLE)["TableDescription"]["TableArn"]
    rds, dynamodb = aws.client("rds"), aws.client("dynamodb")
    made = rds.create_db_instance(DBInstanceIdentifier="d", MasterUserPassword="secret-1", **LOGIN)
    install()
    for service, method, params, rule, tag in (
        ("dynamodb", "delete_table", {"TableName": "t"}, "indirect/untraced",
         lambda: dynamodb.tag_resource(ResourceArn=table, Tags=[TAG])),
        ("rds", "stop_db_instance", {"DBInstanceIdentifier": "d"}, "indirect/untraced",
         lambda: rds.add_tags_to_resource(ResourceName=made["DBInstance"]["DBInstanceArn"], Tags=[TAG])),
        ("ec2", "terminate_instances", {"InstanceIds": [stray]}, "live-cluster/untagged",
         lambda: site.ec2.create_tags(Resources=[stray], Tags=[TAG])),
    ):  # fmt: skip
        assert "tag it Cluster=<cluster>, then try again" in said(aws, service, method, params, rule), method
        tag()
        assert attempt(aws, service, method, params) is None, method


def test_break_glass_for_it(aws, site, install):
    """What cannot have a tag passes under break glass for the rule that the message names, and only inside of it."""
    aws.client("dynamodb").create_table(TableName="t", **TABLE)
    install()
    call = ("dynamodb", "delete_table", {"TableName": "t"})
    assert "break glass for indirect/untraced" in said(aws, *call, "indirect/untraced")
    with guardrails.break_glass(reason="clean up", rules=["indirect/untraced"]):
        assert attempt(aws, *call) is None
    assert attempt(aws, *call)


def test_only_a_bastion_is_seen(aws, install):
    """Beside a bastion it stays unknown what is live: a box passes under break glass, or with the sources of `init`."""
    aws.start_cluster("bastion", 1, addresses=1, cluster_tag="Name")
    box = aws.start_cluster("box", 1, cluster_tag="Name").instance_ids
    call = ("ec2", "stop_instances", {"InstanceIds": [*box]})
    install()
    assert "`guardrails init` proposes sources" in said(aws, *call, "live-cluster/unknown-live")
    with guardrails.break_glass(reason="clean up", rules=["live-cluster/unknown-live", "live-cluster/untagged"]):
        assert attempt(aws, *call) is None
    guardrails.uninstall()
    install(live={"sources": ["eip", "target-group", "elb"]})
    assert attempt(aws, *call) == {"live-cluster/untagged", "None"}


def test_nothing_is_live_here(aws, install):
    """In an account without a live cluster, the settings that the messages name let the call pass."""
    machine = aws.start_cluster("green", 1).instance_ids[0]
    call = ("ec2", "stop_instances", {"InstanceIds": [machine]})
    install(live={"sources": ["eip"]})
    assert '"live-cluster/unknown-live" = "warn" under [enforcement]' in said(aws, *call, "live-cluster/unknown-live")
    guardrails.uninstall()
    install(live={"sources": ["eip"]}, enforcement={"live-cluster/unknown-live": "warn"})
    assert attempt(aws, *call) is None
    guardrails.uninstall()
    install()
    assert 'nothing_live = "allow" under [params]' in said(aws, *call, "live-cluster/nothing-live")
    guardrails.uninstall()
    install(params={"nothing_live": "allow"})
    assert attempt(aws, *call) is None


def test_name_what_may_go(aws, site, install):
    """A batch, an id or a number of machines that is refused: corrected as the message says, the call arrives."""
    green, blue = site.green.instance_ids[0], site.blue.instance_ids
    workers = aws.start_cluster("workers", 6).instance_ids
    found = site.ec2.describe_instances(InstanceIds=[green])["Reservations"][0]["Instances"][0]
    disk = found["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    install(params={"remaining": {"clusters": {"workers": {}}}})
    for rule, words, method, refused, corrected in (
        ("live-cluster/mixed-batch", "", "stop_instances", [blue[0], green], [green]),
        ("live-cluster/unresolved", "leave out what no longer exists", "stop_instances",
         [green, "i-00000000000000000"], [green]),
        ("live-cluster/empty-selector", "Name each resource", "stop_instances", [], [green]),
        ("indirect/mismatch", "Check where the id came from", "stop_instances", [disk], [green]),
        ("remaining/share", "Take away fewer machines", "stop_instances", workers[:3], workers[:2]),
    ):  # fmt: skip
        assert words in said(aws, "ec2", method, {"InstanceIds": [*refused]}, rule), rule
        assert attempt(aws, "ec2", method, {"InstanceIds": [*corrected]}) is None, rule


def test_move_the_address_in_one_step(aws, site, install):
    """An address moves to a healthy machine of its cluster in one step, and to the new one once that is complete."""
    held = site.ec2.describe_addresses(PublicIps=[site.blue.public_ips[0]])["Addresses"][0]
    half = site.green.instance_ids[1]
    site.ec2.stop_instances(InstanceIds=[half])
    aws.start_cluster("green", 1)
    install()
    move = {"AllocationId": held["AllocationId"], "AllowReassociation": True}
    off = ("ec2", "disassociate_address", {"AssociationId": held["AssociationId"]})
    assert "AssociateAddress and AllowReassociation=True" in said(aws, *off, "addresses/release")
    spare = site.blue.instance_ids[-1]  # it has no address that this would displace
    assert attempt(aws, "ec2", "associate_address", {**move, "InstanceId": spare}) is None
    over = ("ec2", "associate_address", {**move, "InstanceId": site.green.instance_ids[0]})
    assert "running and healthy, then move the address again" in said(aws, *over, "addresses/steal")
    aws.client("ec2").start_instances(InstanceIds=[half])
    assert attempt(aws, *over) is None


def test_a_record_of_a_database(aws, site, install):
    """From one database of the live cluster to another: what is not known is said, and the way that is named works."""
    rds, route53 = aws.client("rds"), aws.client("route53")
    tags = [{"Key": "Cluster", "Value": "blue"}]
    old, new = (
        rds.create_db_instance(DBInstanceIdentifier=name, MasterUserPassword="secret-1", Tags=tags, **LOGIN)
        for name in ("old", "new")
    )
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="1")["HostedZone"]["Id"]

    def leading_to(made):
        values = [{"Value": made["DBInstance"]["Endpoint"]["Address"]}]
        record = {"Name": "db.example.com", "Type": "CNAME", "TTL": 30, "ResourceRecords": values}
        return {
            "HostedZoneId": zone,
            "ChangeBatch": {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]},
        }

    route53.change_resource_record_sets(**leading_to(old))
    install()
    call = ("route53", "change_resource_record_sets", leading_to(new))
    way = "has the same data, and break glass for live-cluster/traffic"
    assert way in said(aws, *call, "live-cluster/traffic")
    with pytest.raises(guardrails.CallDenied, match="is a database, and no look-up tells whether another"):
        route53.change_resource_record_sets(**call[2])
    with guardrails.break_glass(reason="the copy is complete", rules=["live-cluster/traffic"]):
        route53.change_resource_record_sets(**call[2])
