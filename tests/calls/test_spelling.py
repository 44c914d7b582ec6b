"""The same thing by another spelling: names in other case, values with commas, tags that the defaults imply, clocks."""

from __future__ import annotations

import time

import pytest

import guardrails
from tests.calls.test_unknown_holders import attempt
from tests.support import rest

pytestmark = pytest.mark.every(3)


@pytest.fixture
def databases(aws):
    """A database of each cluster, tagged."""
    rds = aws.client("rds")
    for name in ("blue", "green"):
        rds.create_db_instance(
            DBInstanceIdentifier=f"{name}-db", DBInstanceClass="db.t3.micro", Engine="postgres", MasterUsername="u",
            MasterUserPassword="password", AllocatedStorage=20, Tags=[{"Key": "Cluster", "Value": name}],
        )  # fmt: skip


@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
def test_names_in_any_case(spelling, site, databases, aws, install):
    """RDS does not tell BLUE-DB from blue-db: the live database is protected by each spelling, the other is free."""
    install()
    delete = ("rds", "delete_db_instance")
    for name, rules in (("blue", {"live-cluster/terminate", "live-cluster/storage"}), ("green", set())):
        denied = attempt(aws, *delete, {"DBInstanceIdentifier": spelling(f"{name}-db"), "SkipFinalSnapshot": True})
        assert bool({*(denied or ())} & rules) is bool(rules)


def test_escaped_names_of_records(site, aws, install):
    """Route 53 takes each character of a name as an octal escape: the live record is meant by each spelling."""
    dns, live = aws.client("route53"), site.ec2.describe_addresses()["Addresses"][0]["PublicIp"]
    zone = dns.create_hosted_zone(Name="example.org", CallerReference="1")["HostedZone"]["Id"].rpartition("/")[2]

    def change(action, name, value):
        record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}
        changes = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        return {"HostedZoneId": zone, "ChangeBatch": changes}

    dns.change_resource_record_sets(**change("CREATE", "www.example.org", live))
    install()
    for name, arrives in (
        (r"\167ww.example.org", False),
        (r"\127\127W.example.org.", False),
        (r"\141.example.org", True),
    ):
        denied = rest.attempt(aws, "route53", "change_resource_record_sets", change("UPSERT", name, "198.51.100.9"))
        assert (denied is None) is arrives, (name, denied)


def send(name, values):
    return {"DocumentName": "AWS-RunShellScript", "Targets": [{"Key": f"tag:{name}", "Values": values}]}


@pytest.mark.parametrize(("name", "value"), [("Name", "web server, blue"), ("a=b", "c"), ("Name", ""), ("Name", 'b"l')])
def test_selectors_stay_structures(name, value, site, aws, install):
    """A tag's value with a comma or a quote, an empty one, and a key with "=" select the machines that carry it."""
    ec2 = aws.client("ec2")
    ec2.create_tags(Resources=[site.blue.instance_ids[0]], Tags=[{"Key": name, "Value": value}])
    ec2.create_tags(Resources=[site.green.instance_ids[0]], Tags=[{"Key": name, "Value": "green"}])
    install()
    assert "opaque/command" in attempt(aws, "ssm", "send_command", send(name, [value]))
    assert "opaque/command" in attempt(aws, "ssm", "send_command", send(name, ["green", value]))
    assert attempt(aws, "ssm", "send_command", send(name, ["green"])) is None


def test_a_star_selects_every_value(site, aws, install):
    """``tag:Key=*`` selects the machines that have the tag, whatever its value."""
    site.ec2.create_tags(Resources=list(site.green.instance_ids), Tags=[{"Key": "Staging", "Value": "yes"}])
    install()
    assert "opaque/command" in attempt(aws, "ssm", "send_command", send("Cluster", ["*"]))
    assert attempt(aws, "ssm", "send_command", send("Staging", ["*"])) is None


def test_target_maps(site, aws, install):
    """The ids in target maps are targets; where there is none, the denial says so."""
    install()

    def automation(**target):
        return {
            "DocumentName": "AWS-TerminateEC2Instance", "TargetParameterName": "InstanceId", "TargetMaps": [target]
        }  # fmt: skip

    start = ("ssm", "start_automation_execution")
    assert attempt(aws, *start, automation(InstanceId=[site.green.instance_ids[0]])) is None
    both = [site.green.instance_ids[0], site.blue.instance_ids[0]]
    assert "live-cluster/terminate" in attempt(aws, *start, automation(InstanceId=both))
    assert "live-cluster/empty-selector" in attempt(aws, *start, automation(Name=["web"]))


def test_the_default_mark_is_guarded(aws, install):
    """Where the source `tag` is asked with its default Live=true, taking that tag off is judged like the cluster's."""
    blue = aws.start_cluster("blue", 2, tags={"Live": "true"})
    green = aws.start_cluster("green", 2)
    install(live={"sources": ["tag"]})
    unmark = {"Tags": [{"Key": "Live"}]}
    assert attempt(aws, "ec2", "delete_tags", {"Resources": list(blue.instance_ids), **unmark})
    change = {"Resources": [blue.instance_ids[0]], "Tags": [{"Key": "Live", "Value": "false"}]}
    assert attempt(aws, "ec2", "create_tags", change)
    other = {"Resources": [green.instance_ids[0]], "Tags": [{"Key": "Team", "Value": "web"}]}
    assert attempt(aws, "ec2", "create_tags", other) is None
    assert "live-cluster/terminate" in attempt(
        aws, "ec2", "terminate_instances", {"InstanceIds": [blue.instance_ids[0]]}
    )


@pytest.mark.parametrize("clock", [lambda _: 1.0e9, lambda now: now - 3600], ids=["stands still", "an hour back"])
def test_clocks_that_lie(clock, site, aws, install, monkeypatch):
    """Whatever the wall clock says, evidence older than the limit is fetched again before a machine is terminated."""
    real, began = time.time, time.time()
    guard = install(max_fact_age_s=1)
    monkeypatch.setattr(time, "time", lambda: clock(began))
    guard.check(site.ec2, "TerminateInstances", InstanceIds=[site.green.instance_ids[0]])
    asked = aws.count("DescribeInstances")
    until = real() + 1.2
    while real() < until:
        time.sleep(0.05)
    guard.check(site.ec2, "TerminateInstances", InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("DescribeInstances") == asked + 1


@pytest.mark.parametrize("seconds", [-3600, -30, 3600])
def test_a_clock_that_is_set_makes_no_evidence_old(seconds, site, aws, install, monkeypatch):
    """How old evidence is goes by a clock that no one sets: the harmless call is sent, the harmful one is denied."""
    install()
    check = guardrails.process.current().check
    check(site.ec2, "TerminateInstances", InstanceIds=[site.green.instance_ids[0]])
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + seconds)
    with pytest.raises(guardrails.CallDenied) as caught:
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert {each.rule for each in caught.value.decision.violations} == {"live-cluster/terminate"}
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


def test_a_list_with_terminated_machines(aws, site, install):
    """Machines that AWS still lists as terminated do not keep the others from being terminated, of any cluster."""
    ec2 = aws.client("ec2")
    gone = [aws.start_cluster(name, 1).instance_ids[0] for name in ("blue", "green")]
    ec2.terminate_instances(InstanceIds=gone)
    install()
    terminate = ("ec2", "terminate_instances")
    assert attempt(aws, *terminate, {"InstanceIds": [*gone, site.green.instance_ids[0]]}) is None
    assert "live-cluster/terminate" in attempt(aws, *terminate, {"InstanceIds": [*gone, site.blue.instance_ids[0]]})


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("terminate_instances", lambda green: {"InstanceIds": [green, ""]}),
        ("delete_volume", lambda _: {"VolumeId": ""}),
        ("delete_security_group", lambda _: {"GroupId": ""}),
        ("release_address", lambda _: {"AllocationId": ""}),
        ("delete_subnet", lambda _: {"SubnetId": ""}),
    ],
)
def test_an_empty_id(method, params, site, aws, install):
    """An id that is an empty string, of a variable that was not set, is named as that and does not arrive."""
    install()
    client = aws.client("ec2")
    operation = client.meta.method_to_api_mapping[method]
    with pytest.raises(guardrails.CallDenied, match="the id is empty; check the variable") as caught:
        getattr(client, method)(**params(site.green.instance_ids[0]))
    assert "main/malformed" not in str(caught.value)
    assert aws.count(operation) == 0
