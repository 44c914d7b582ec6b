"""The commands of `guardrails rebuild`: what is kept, what would fail, and what a run says."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from guardrails.cli.app import app
from guardrails.rebuild import progress
from guardrails.rebuild.checks import Findings
from guardrails.rebuild.machine import Machine
from guardrails.rebuild.parts import check_parts
from guardrails.rebuild.reading import Reader
from tests.rebuild.test_afterwards import CANCELLED, RESERVED
from tests.rebuild.world import Clock, start

QUOTA = '{"Quota": {"QuotaCode": "L-1216C47A", "Value": 100000.0}}'


@pytest.fixture
def place(aws, tmp_path, monkeypatch):
    """A folder with a configuration, and time that passes only in sleeps."""
    (tmp_path / "guardrails.toml").write_text('max_fact_age_s = 60\n[log]\npath = "decisions.jsonl"\n')
    monkeypatch.chdir(tmp_path)
    clock = Clock()
    aws.use_clock(clock)
    there = SimpleNamespace(time=clock, sleep=clock.sleep)
    for module in ("cli.rebuild_run", "enforce.pacing.turn"):
        monkeypatch.setattr(f"guardrails.{module}.time", there)
    # Each snapshot comes a second after the one before.
    later = SimpleNamespace(time=lambda: clock.sleep(1) or clock())
    monkeypatch.setattr("guardrails.cli.rebuild_snapshot.time", later)
    aws.reply("GetServiceQuota", QUOTA)
    return tmp_path


@pytest.fixture
def subnet(aws):
    return aws.create_subnet("10.0.0.0/24")


def rebuild(*words):
    return CliRunner().invoke(app, ["rebuild", *words], catch_exceptions=False)


def plan(*words):
    done = rebuild("plan", "blue", "--format", "json", *words)
    return done.exit_code, json.loads(done.stdout)


def lose(aws, ids):
    aws.client("ec2").terminate_instances(InstanceIds=ids)
    aws.clear()


def test_kept_planned_and_run(aws, place, subnet):
    """All that a machine was: it is kept, readable by its owner alone, and the new machine has it."""
    ids = start(
        aws,
        "blue",
        2,
        subnet,
        UserData="#!/bin/sh\necho secret",
        BlockDeviceMappings=[{"DeviceName": "/dev/sdb", "Ebs": {"VolumeSize": 30, "VolumeType": "gp3"}}],
    )
    ec2 = aws.client("ec2")
    for number, name in enumerate(ids):
        ec2.create_tags(Resources=[name], Tags=[{"Key": "Name", "Value": f"web-{number}"}])
    kept = json.loads(rebuild("snapshot", "--format", "json").stdout)
    assert kept["clusters"] == {"blue": 2}
    assert stat.S_IMODE(Path(kept["path"]).stat().st_mode) == 0o600
    lose(aws, ids)
    # A snapshot after the loss does not replace what is needed.
    rebuild("snapshot")
    assert plan()[0] == 0, plan()[1]
    done = rebuild("run", "blue", "--yes")
    assert done.exit_code == 0, done.output
    assert aws.count("RunInstances") == 2
    new = [
        machine
        for reservation in ec2.describe_instances(InstanceIds=list(aws.machines("blue")))["Reservations"]
        for machine in reservation["Instances"]
    ]
    assert sorted(tag["Value"] for each in new for tag in each["Tags"] if tag["Key"] == "Name") == ["web-0", "web-1"]
    data = ec2.describe_instance_attribute(InstanceId=new[0]["InstanceId"], Attribute="userData")["UserData"]["Value"]
    first = ec2.describe_instance_attribute(InstanceId=ids[0], Attribute="userData")["UserData"]["Value"]
    assert data == first
    disks = [each["Ebs"]["VolumeId"] for each in new[0]["BlockDeviceMappings"] if each["DeviceName"] == "/dev/sdb"]
    assert [each["Size"] for each in ec2.describe_volumes(VolumeIds=disks)["Volumes"]] == [30]
    assert plan()[1]["machines"]
    assert plan()[1]["gone"] == 0
    # Lost again within the hour, while AWS still describes the first ones: two are gone, not four.
    lose(aws, [each["InstanceId"] for each in new])
    assert plan()[1]["gone"] == 2


def test_a_machine_of_the_same_type_may_be_another_one(aws, place, subnet):
    """One more machine with another name does not count as the replacement of a lost one: a person decides."""
    (db,) = start(aws, "blue", 1, subnet)
    ec2 = aws.client("ec2")
    ec2.create_tags(Resources=[db], Tags=[{"Key": "Name", "Value": "db"}])
    rebuild("snapshot")
    (web,) = start(aws, "blue", 1, subnet)
    ec2.create_tags(Resources=[web], Tags=[{"Key": "Name", "Value": "web"}])
    lose(aws, [db])
    code, made = plan()
    assert (code, made["gone"], made["replaced"]) == (1, 1, 0)
    assert f"{db} (db): whether {web} (web)" in made["unknown"][0]
    aws.clear()
    assert rebuild("run", "blue", "--yes").exit_code != 0
    assert aws.count("RunInstances") == 0
    assert rebuild("run", "blue", "--yes", "--despite-unknown").exit_code == 0
    assert aws.running("blue") == 2


def test_nothing_is_started_twice(aws, place, subnet):
    """Machines that someone started in the place of lost ones are counted; what is there is not started again."""
    ids = start(aws, "blue", 3, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    assert plan()[1]["gone"] == 3
    start(aws, "blue", 2, subnet, ImageId=json.loads(_kept(place))["machines"][0]["launch"]["ImageId"])
    assert (plan()[1]["gone"], plan()[1]["replaced"]) == (1, 2)
    assert rebuild("run", "blue", "--yes").exit_code == 0
    assert aws.running("blue") == 3
    aws.clear()
    done = rebuild("run", "blue", "--yes")
    assert done.exit_code == 2
    assert "no machine of blue is gone" in done.output
    assert aws.count("RunInstances") == 0


def _kept(place):
    return next(iter(sorted((place / "rebuild" / "snapshots").rglob("*.json")))).read_text()


def test_what_does_not_fit(aws, place):
    """A subnet that is too small: how many do not fit, and a split that does, which then is fine."""
    small, large = aws.create_subnet("10.0.0.0/28"), aws.create_subnet("10.0.1.0/24")
    start(aws, "blue", 8, small)
    code, made = plan()
    (problem,) = made["problems"]
    assert code == 1
    assert problem.startswith(f"5 of 8 do not fit {small} (3 free addresses); they all fit with --into ")
    assert made["proposal"] == {small: 3, large: 5}
    assert plan("--into", small, "--into", large)[0] == 0
    done = rebuild("run", "blue", "--all", "--yes")
    assert (done.exit_code, aws.running("blue")) == (2, 8)
    assert problem in done.output


@pytest.mark.parametrize(
    ("launch", "words", "sentence"),
    [
        ({"InstanceType": "z9.huge"}, (), "z9.huge is not offered in eu-west-1"),
        ({"ImageId": "ami-0123456789abcdef0"}, (), "image ami-0123456789abcdef0 is not there any more (1 machine); "),
        ({}, ("--into", "subnet-0123"), "subnet subnet-0123 is not there (1 machine); name others with --into"),
    ],
)
def test_what_aws_would_refuse(aws, place, subnet, launch, words, sentence):
    """A type that no zone offers, an image that is gone, a subnet that is not there: a sentence each, and no start."""
    (name,) = start(aws, "blue", 1, subnet)
    rebuild("snapshot")
    lose(aws, [name])
    kept = json.loads(_kept(place))
    kept["machines"][0]["launch"] |= launch
    changed = place / "changed.json"
    changed.write_text(json.dumps(kept))
    code, made = plan("--from", str(changed), *words)
    assert code == 1
    assert any(each.startswith(sentence) for each in made["problems"]), made["problems"]
    assert rebuild("run", "blue", "--yes", "--from", str(changed), *words).exit_code == 2
    assert aws.count("RunInstances") == 0


def test_a_quota_counts_all_types_of_its_family(aws, place, subnet):
    """Two types draw on one vCPU quota, which has room for each alone but not for both."""
    ids = start(aws, "blue", 2, subnet) + start(aws, "blue", 2, subnet, InstanceType="m5.large", ImageId=_image(aws))
    rebuild("snapshot")
    lose(aws, ids)
    aws.reply("GetServiceQuota", QUOTA.replace("100000.0", "6.0"))
    (problem,) = plan()[1]["problems"]
    assert problem == (
        "the quota vCPUs of running On-Demand standard machines (L-1216C47A) is 6: 0 are in use, and 8 are needed; "
        "ask AWS for 8, or terminate what is not needed"
    )
    aws.reply("GetServiceQuota", QUOTA.replace("100000.0", "8.0"))
    assert plan()[0] == 0, plan()[1]


def _image(aws):
    return aws.client("ec2").describe_images(Owners=["self"])["Images"][0]["ImageId"]


NEEDED = (
    "DescribeSubnets",
    "DescribeInstanceTypeOfferings",
    "DescribeImages",
    "DescribeTargetGroups",
    "DescribeAutoScalingGroups",
    "DescribeAddresses",
    "DescribeSecurityGroups",
    "GetServiceQuota",
)


def test_what_cannot_be_seen_is_not_fine(aws, place, subnet):
    """Without any one of the permissions the plan says what it does not know, and nothing is started."""
    ids = start(aws, "blue", 1, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    assert plan()[0] == 0, plan()[1]
    for operation in NEEDED:
        aws.repair()
        aws.reply("GetServiceQuota", QUOTA)
        aws.answer(operation, 403, "UnauthorizedOperation", "no")
        code, made = plan()
        assert code == 1, operation
        assert any(operation in sentence or "quota" in sentence for sentence in made["unknown"]), made["unknown"]
    assert rebuild("run", "blue", "--yes").exit_code == 2
    assert aws.count("RunInstances") == 0
    assert rebuild("run", "blue", "--yes", "--despite-unknown").exit_code == 0
    assert aws.running("blue") == 1


def test_a_snapshot_says_what_it_did_not_see(aws, place, subnet):
    """Volumes that may not be listed: exit code 1, and a plan from it knows that they are missing."""
    ids = start(aws, "blue", 1, subnet)
    aws.answer("DescribeVolumes", 403, "UnauthorizedOperation", "no")
    done = rebuild("snapshot")
    assert done.exit_code == 1
    assert (
        "missing: volumes: ec2:DescribeVolumes is not permitted; allow the IAM action ec2:DescribeVolumes"
        in done.output
    )
    aws.repair()
    aws.reply("GetServiceQuota", QUOTA)
    lose(aws, ids)
    code, made = plan()
    assert code == 1
    assert any("volumes of 1 machine" in sentence for sentence in made["unknown"])
    assert plan("--without", "volumes")[1]["machines"]


def test_unknown_clusters_and_files(aws, place, subnet):
    """A cluster that no one knows, a file that is not a snapshot, a run that is not there: a sentence and code 2."""
    start(aws, "blue", 1, subnet)
    (place / "other.json").write_text("[]")
    for words, sentence in (
        (("plan", "bleu"), "no machine of cluster 'bleu' is known in 123456789012/eu-west-1"),
        (("plan", "blue", "--from", "other.json"), "other.json is not a snapshot of `guardrails rebuild snapshot`"),
        (("plan", "blue", "--from", "none.json"), "none.json cannot be read (No such file or directory)"),
        (("run", "--resume", "0123abcd"), "0123abcd.json cannot be read"),
        (("run", "--resume", "../../x"), "that is not the id of a run"),
    ):
        done = rebuild(*words)
        assert done.exit_code == 2, done.output
        assert sentence in done.output
    done = rebuild("snapshot", "bleu")
    assert (done.exit_code, "cluster bleu has no machine here" in done.output) == (1, True)


def test_without_a_yes_nothing_starts(aws, place, subnet):
    """No one at a terminal, no --yes: nothing is started."""
    ids = start(aws, "blue", 1, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    done = rebuild("run", "blue")
    assert done.exit_code == 2
    assert "No one can confirm this here" in done.output
    assert aws.count("RunInstances") == 0


def test_a_run_that_was_refused_goes_on(aws, place, subnet):
    """AWS has no capacity: what was not started is said, with the command to go on; another run must be asked for."""
    ids = start(aws, "blue", 3, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    aws.answer("RunInstances", 400, "InsufficientInstanceCapacity", "none left", times=1)
    done = rebuild("run", "blue", "--yes", "--format", "json")
    ended = json.loads(done.stdout)
    assert (done.exit_code, ended["finished"], ended["machines"]) == (1, False, {})
    assert "AWS refused 1 machines of t3.small: InsufficientInstanceCapacity: none left" in ended["stopped"]
    again = rebuild("run", "blue", "--yes")
    assert (again.exit_code, ended["resume"] in again.output) == (2, True)
    done = rebuild(*ended["resume"].split()[2:], "--yes")
    assert done.exit_code == 0, done.output
    assert aws.running("blue") == 3


def test_the_guard_decides_on_each_launch(aws, place, subnet):
    """A freeze of launches stops the run with code 3 before anything is sent; it goes on when that is lifted."""
    ids = start(aws, "blue", 2, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    freeze = CliRunner().invoke(app, ["freeze", "--reason", "INC-1", "--minutes", "60", "--effects", "capacity"])
    assert freeze.exit_code == 0, freeze.output
    done = rebuild("run", "blue", "--yes", "--format", "json")
    assert done.exit_code == 3
    assert "INC-1" in json.loads(done.stdout)["stopped"]
    assert aws.count("RunInstances") == 0
    CliRunner().invoke(app, ["freeze", "--lift"])
    assert rebuild(*json.loads(done.stdout)["resume"].split()[2:], "--yes").exit_code == 0
    assert aws.running("blue") == 2


def test_two_at_once_start_nothing_twice(aws, place, subnet, monkeypatch):
    """Another process rebuilds the cluster while this one asks for the yes: this one starts nothing."""
    ids = start(aws, "blue", 2, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    codes = []

    def meanwhile(*_):
        codes.append(rebuild("run", "blue", "--yes").exit_code)
        return True

    monkeypatch.setattr("guardrails.cli.rebuild_run.says_yes", meanwhile)
    done = rebuild("run", "blue")
    assert (done.exit_code, codes, aws.running("blue")) == (2, [0], 2)
    assert "another run of blue has gone on since this plan was made" in done.output
    folder = place / "rebuild" / "runs"
    (run,) = folder.glob("*.json")
    made = SimpleNamespace(scope="123456789012/eu-west-1", cluster="blue", path=run)
    with progress.alone(made):
        done = rebuild("run", "--resume", run.stem, "--yes")
    assert (done.exit_code, "another process rebuilds blue" in done.output) == (2, True)


def test_a_run_goes_on_only_where_it_was(aws, place, subnet):
    """--resume in another region, after a newer run, or with options of a plan: a sentence, and nothing is started."""
    ids = start(aws, "blue", 2, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    aws.answer("RunInstances", 400, "InsufficientInstanceCapacity", "none left", times=1)
    resume = json.loads(rebuild("run", "blue", "--yes", "--format", "json").stdout)["resume"].split()[2:]
    for words, sentence in (
        (("--region", "us-east-1"), "is of 123456789012/eu-west-1, and this is 123456789012/us-east-1"),
        (("--into", "subnet-1"), "leave them out, or plan"),
        (("--addresses",), "leave them out, or plan"),
    ):
        done = rebuild(*resume, "--yes", *words)
        assert (done.exit_code, sentence in done.output.replace("\n", " ")) == (2, True), done.output
    damaged = place / "rebuild" / "runs" / "aaaabbbb.json"
    for text in ("{}", "[]", "1", "{", '{"format": 2}'):
        damaged.write_text(text)
        assert rebuild("run", "--resume", "aaaabbbb", "--yes").exit_code == 2
    assert aws.count("RunInstances") == 1
    done = rebuild("run", "blue", "--yes", "--new")
    assert (done.exit_code, "warning: left out" in done.output, aws.running("blue")) == (0, True, 2), done.output
    done = rebuild(*resume, "--yes")
    assert (done.exit_code, "was started after run" in done.output, aws.running("blue")) == (2, True, 2)


def test_reserved_capacity_is_cancelled_whatever_happens(aws, place, subnet, monkeypatch):
    """An error that no one expects ends the run: what was reserved is cancelled. moto has no reservations."""
    ids = start(aws, "blue", 1, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    aws.reply("CreateCapacityReservation", RESERVED)
    aws.reply("CancelCapacityReservation", CANCELLED)

    def fail(_):
        raise RuntimeError("unexpected")

    monkeypatch.setattr("guardrails.cli.rebuild_run.Run.go", fail)
    with pytest.raises(RuntimeError, match="unexpected"):
        rebuild("run", "blue", "--yes", "--reserve", "10")
    assert (aws.count("CreateCapacityReservation"), aws.count("CancelCapacityReservation")) == (1, 1)


def test_parts_that_are_gone(aws, place, subnet):
    """What was deleted would fail: a profile, a disk's snapshot or key, a group; a setting is not restored."""
    ec2, iam, elbv2, kms = map(aws.client, ("ec2", "iam", "elbv2", "kms"))
    key = kms.create_key()["KeyMetadata"]["Arn"]
    volume = ec2.create_volume(Size=5, AvailabilityZone="eu-west-1a")["VolumeId"]
    disk = ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    iam.create_instance_profile(InstanceProfileName="web")
    disks = [
        {"DeviceName": "/dev/sdb", "Ebs": {"SnapshotId": disk, "VolumeSize": 5, "Encrypted": True, "KmsKeyId": key}}
    ]
    (name,) = start(aws, "blue", 1, subnet, IamInstanceProfile={"Name": "web"}, BlockDeviceMappings=disks)
    vpc = ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0]["VpcId"]
    made = elbv2.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]
    elbv2.register_targets(TargetGroupArn=made["TargetGroupArn"], Targets=[{"Id": name}])
    rebuild("snapshot")
    assert plan()[0] == 0, plan()[1]
    ec2.modify_instance_attribute(InstanceId=name, SourceDestCheck={"Value": False})
    rebuild("snapshot")
    lose(aws, [name])
    _, there = plan()
    setting = "source/destination check off is not restored (1 machine); set it on the new machines"
    assert (there["problems"], there["unknown"]) == ([], [setting])
    iam.delete_instance_profile(InstanceProfileName="web")
    ec2.delete_snapshot(SnapshotId=disk)
    elbv2.delete_target_group(TargetGroupArn=made["TargetGroupArn"])
    kms.schedule_key_deletion(KeyId=key.rpartition("/")[2])
    problems = " ".join(plan()[1]["problems"])
    group = f"target group {made['TargetGroupArn']}"
    for part in ("instance profile web", f"snapshot {disk}", group):
        assert f"{part} is not there any more (1 machine)" in problems
    assert f"KMS key {key} is PendingDeletion (1 machine); enable it" in problems
    for operation, permission in (("GetInstanceProfile", "iam:GetInstanceProfile"), ("DescribeKey", "kms:DescribeKey")):
        aws.answer(operation, 403, "AccessDenied", "no")
        assert any(permission in each for each in plan()[1]["unknown"])


def test_a_placement_group_that_is_gone(aws):
    """One that is there is fine, one that is gone or cannot be looked up is not. Canned: moto has none."""
    near = Machine("i-1", "blue", "running", "", "", {"Placement": {"GroupName": "near"}})
    shown = "<item><groupName>near</groupName><state>available</state></item>"
    found = []
    for items in (shown, "", None):
        answer = f"<R><placementGroupSet>{items}</placementGroupSet></R>"
        if items is None:
            aws.answer("DescribePlacementGroups", 403, "UnauthorizedOperation", "no")
        else:
            aws.reply("DescribePlacementGroups", answer)
        check_parts(Reader(aws.client), [near], findings := Findings())
        found.append((len(findings.problems), len(findings.unknown)))
    assert found == [(0, 0), (1, 0), (0, 1)]


def test_waves_wait_for_health_checks(aws, place, subnet):
    """Where a check of --health stays false, nothing starts, and a run that goes on still waits for it."""
    ids = start(aws, "blue", 2, subnet)
    rebuild("snapshot")
    lose(aws, ids)
    done = rebuild("run", "blue", "--yes", "--health", "command:test -e up")
    assert (done.exit_code, aws.running("blue")) == (1, 0)
    assert "test ended with exit code 1" in " ".join(done.stdout.split())
    run = done.output.rpartition("--resume")[2].strip()
    assert rebuild("run", "--resume", run, "--yes").exit_code == 1
    (place / "up").touch()
    assert (rebuild("run", "--resume", run, "--yes").exit_code, aws.running("blue")) == (0, 2)
    wrong = rebuild("run", "blue", "--yes", "--health", "alarm")
    assert (wrong.exit_code, "target-group:ARN" in wrong.output) == (2, True)
