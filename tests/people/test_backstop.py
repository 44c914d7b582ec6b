"""``guardrails backstop plan``, ``apply`` and ``drift``: AWS's own protection follows which cluster is live."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator
from click.testing import CliRunner

from guardrails.backstop import kinds
from guardrails.backstop.apply import apply
from guardrails.backstop.plan import Change, Plan
from guardrails.cli.app import app
from guardrails.testing.shop import open_shop
from tests.support.backstop import build

READS = ("Describe", "Get", "List")
CREATES = ("Create", "Request", "Restore", "Run")
PROTECTION = re.compile(
    r"(deletion|termination|delete)_?protect|disableapi(termination|stop)|protectedfromscalein|terminationprotected",
    re.IGNORECASE,
)


@pytest.fixture
def world(aws, tmp_path):
    """Blue is live by an address, green stands beside it; each has a database, a table and a balancer of its own."""
    return build(aws)


@pytest.fixture
def run(aws, tmp_path):
    """run("plan", ...): the exit code, the document or the output, and the operations that changed something."""

    def invoke(*arguments, window=3600):
        config = tmp_path / "guardrails.toml"
        config.write_text(f'[log]\npath = "{tmp_path}/log.jsonl"\n[params]\nrollback_window_s = {window}\n')
        aws.clear()
        command = ["backstop", *arguments, "--config", str(config), "--format", "json"]
        done = CliRunner().invoke(app, command)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.output
        sent = [each.operation for each in aws.requests if not each.operation.startswith((*READS, "GET "))]
        return done.exit_code, json.loads(done.stdout) if done.stdout.startswith("{") else done.output, sent

    return invoke


def switched(plan):
    """What a plan would do, by name: the kind, and on or off."""
    return {(each["kind"], each["clusters"][0], each["protection"]) for each in plan["changes"]}


EVERY = {"machine-termination", "machine-stop", "db-instance", "table", "load-balancer", "scale-in"}
# Three machines of each side, with two switches each, and one of each other kind.
ALL = 10


def test_what_is_live_is_protected_and_the_second_time_nothing_changes(world, run, aws):
    """Everything of the live cluster, and nothing of its sibling; the plan sends nothing, a second `apply` neither."""
    code, plan, sent = run("plan")
    assert (code, sent) == (0, [])
    assert switched(plan) == {(kind, "blue", "on") for kind in EVERY}
    code, applied, sent = run("apply", "--digest", plan["digest"])
    assert (code, {each["result"] for each in applied["changes"]}) == (0, {"done"})
    assert len(sent) == len(plan["changes"])
    code, again, sent = run("apply", "--digest", plan["digest"])
    assert (code, again["changes"], sent) == (0, [], [])
    assert run("drift")[0] == 0
    ec2 = aws.client("ec2")
    protected = [
        ec2.describe_instance_attribute(InstanceId=each, Attribute="disableApiTermination")["DisableApiTermination"]
        for each in (*world.blue.instance_ids, *world.green.instance_ids)
    ]
    assert [each["Value"] for each in protected] == [True] * 2 + [False] * 2


def test_it_follows_a_cutover(world, run, aws, monkeypatch):
    """The new live side is protected at once; the old one only loses it when its rollback window is over.

    Protection of what is live again when the call is made stays on: the guard denies it, and `apply` says so.
    """
    confirmed = []
    monkeypatch.setattr("guardrails.cli.backstop_plan._confirm", lambda *_: [each() for each in confirmed])
    assert run("apply")[0] == 0
    world.cut_over()
    code, after, sent = run("drift")
    assert (code, sent) == (1, [])
    assert switched(after) == {(kind, "green", "on") for kind in EVERY}
    assert len(after["kept"]) == ALL + 1
    # While the plan is shown, someone moves the address back.
    confirmed.append(world.cut_back)
    code, applied, sent = run("apply", window=0)
    assert code == 3
    assert switched(applied) == {(kind, "green", "on") for kind in EVERY} | {(kind, "blue", "off") for kind in EVERY}
    assert {(each["clusters"][0], each["result"]) for each in applied["changes"]} == {
        ("green", "done"),
        ("blue", "denied"),
    }
    assert sorted(sent) == sorted(["AssociateAddress", *(each["calls"][0]["operation"] for each in after["changes"])])
    confirmed.clear()
    world.cut_over()
    code, applied, sent = run("apply", window=0)
    assert (code, switched(applied), len(sent)) == (0, {(kind, "blue", "off") for kind in EVERY}, ALL)
    assert aws.client("dynamodb").describe_table(TableName="table-blue")["Table"]["DeletionProtectionEnabled"] is False
    assert run("drift", window=0)[0] == 0


@pytest.mark.parametrize("lookup", ["DescribeAddresses", "DescribeInstances"])
def test_unknown_liveness_changes_nothing(lookup, world, run, aws):
    """Where it is not known what is live, nothing is planned or sent, and the reason is named."""
    aws.answer(lookup, 403, "UnauthorizedOperation", "not you")
    for command in (["drift"], ["apply", "--digest", "1"]):
        code, plan, sent = run(*command)
        assert (code, sent, plan["changes"]) == (3, [], [])
        assert f"ec2:{lookup}" in plan["reason"]


def test_what_may_not_be_looked_at(world, run, aws):
    """A kind that may not be listed is named with its permission and a way to go on; the others are planned."""
    aws.answer("ListTables", 400, "AccessDeniedException", "not you")
    code, plan, _ = run("plan")
    assert code == 3
    assert switched(plan) == {(kind, "blue", "on") for kind in EVERY - {"table"}}
    (problem,) = plan["problems"]
    assert "dynamodb:ListTables" in problem
    assert "--leave table" in problem
    assert run("plan", "--leave", "table")[0] == 0


def test_a_state_that_is_not_shown(world, run, aws):
    """A machine whose protection may not be read is unknown, neither on nor off: no call is planned for it."""
    aws.answer("DescribeInstanceAttribute", 403, "UnauthorizedOperation", "not you")
    code, plan, _ = run("plan")
    assert code == 3
    assert switched(plan) == {(kind, "blue", "on") for kind in EVERY if not kind.startswith("machine")}
    assert len(plan["problems"]) == 6


def test_other_clusters_only_when_named(world, run):
    """Staging stays as it is unless it is named; what is live stays protected whatever is named."""
    _, plan, _ = run("plan", "--on", "green")
    assert {cluster for _, cluster, _ in switched(plan)} == {"blue", "green"}
    _, plan, _ = run("plan", "--off", "blue", "--off", "green")
    assert switched(plan) == {(kind, "blue", "on") for kind in EVERY}


def test_a_cluster_that_is_not_there(world, run):
    """A name that nothing here carries is a mistake, not an empty plan."""
    code, output, _ = run("plan", "--off", "gren")
    assert code == 2
    assert "did you mean `green`?" in output


def test_members_of_a_group(aws, run):
    """Machines that their group starts again are protected as a group: one of several may go, unless named."""
    open_shop(aws)
    _, plan, _ = run("plan")
    assert (switched(plan), plan["members"]) == ({("load-balancer", "asg/web-blue", "on")}, 12)
    _, plan, _ = run("plan", "--on", "asg/web-blue")
    assert (len(plan["changes"]), plan["members"]) == (13, 0)


def test_aws_limits_the_rate(world, run, aws, monkeypatch):
    """What AWS refuses for its rate is sent again after a pause; other refusals are reported, and hold up nothing."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    pauses = []
    calls = (
        ("ModifyInstanceAttribute", {"InstanceId": world.blue.instance_ids[0], "DisableApiStop": {"Value": True}}),
    )
    change = Change("machine-stop", "ec2", "i", "stop protection", ("blue",), True, "blue is live", calls)
    aws.answer("ModifyInstanceAttribute", 503, "RequestLimitExceeded", "slow down", times=2)
    aws.clear()
    (applied,) = apply(Plan(("blue",), (change,)), aws.client, pauses.append)
    assert (applied.result, len(pauses), aws.count("ModifyInstanceAttribute")) == ("done", 2, 3)
    aws.answer("ModifyInstanceAttribute", 403, "UnauthorizedOperation", "not you", times=1)
    assert [each.result for each in apply(Plan(("blue",), (change, change)), aws.client)] == ["failed", "done"]


def test_groups_that_scale(world, run, aws):
    """A group with room to scale in is left free to, and the machines of a retired one lose it whatever its size is."""
    groups = aws.client("autoscaling")
    groups.update_auto_scaling_group(AutoScalingGroupName="group-blue", MinSize=0)
    _, plan, _ = run("plan")
    assert "scale-in" not in {each["kind"] for each in plan["changes"]}
    (group,) = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["group-green"])["AutoScalingGroups"]
    ids = [each["InstanceId"] for each in group["Instances"]]
    groups.set_instance_protection(AutoScalingGroupName="group-green", InstanceIds=ids, ProtectedFromScaleIn=True)
    groups.update_auto_scaling_group(AutoScalingGroupName="group-green", MaxSize=3)
    _, plan, _ = run("plan", "--off", "green")
    assert ("scale-in", "green", "off") in switched(plan)


@pytest.mark.parametrize(
    ("item", "on"),
    [
        ({"DeletionProtection": "prevent-all-deletion"}, True),
        ({"DeletionProtection": "prevent-force-deletion"}, True),
        ({"DeletionProtection": "none"}, False),
        ({}, None),
    ],
)
def test_levels_of_a_group(item, on):
    """Each level of a group's protection counts as on; where AWS shows none, that is unknown."""
    (kind,) = [each for each in kinds.load() if each.name == "group-deletion"]
    assert kind.is_on(item) is on


def test_no_one_confirms(world, run):
    """Without a digest and without a terminal nothing is sent, and the way forward is named."""
    code, output, sent = run("apply")
    assert (code, sent) == (3, [])
    assert "--digest" in output
    assert run("apply", "--digest", "of-another-plan")[::2] == (1, [])


@pytest.mark.parametrize("kind", kinds.load(), ids=lambda kind: kind.name)
def test_each_kind_fits_the_service(kind):
    """Look-ups and calls of each row are the service's own, with parameters that botocore accepts."""
    model = botocore.session.get_session().get_service_model(kind.service)
    item = {
        "Instances": [
            {"InstanceId": "i-1", "ProtectedFromScaleIn": False},
            {"InstanceId": "i-2", "ProtectedFromScaleIn": True},
        ]
    }
    for lookup in filter(None, (kind.listing, kind.asking("a-name-of-it"))):
        shape = model.operation_model(lookup.operation)
        assert lookup.items in shape.output_shape.members
        assert not ParamValidator().validate(dict(lookup.params), shape.input_shape).has_errors()
    for on in (True, False):
        calls = list(kind.switching("a-name-of-it", item, on=on))
        assert calls
        for operation, params in calls:
            assert not ParamValidator().validate(params, model.operation_model(operation).input_shape).has_errors()


@pytest.mark.tools
def test_every_protection_of_aws_is_a_kind_or_left_for_a_reason():
    """Whatever call of AWS switches a protection from deletion or termination is in the table, or left for a reason.

    Not one that creates something: what is created carries no cluster yet.
    """
    known = {f"{kind.service}:{kind.write['operation']}" for kind in kinds.load()}
    found = set()
    for folder in filter(Path.is_dir, (Path(botocore.__file__).parent / "data").iterdir()):
        text = gzip.decompress((max(folder.iterdir()) / "service-2.json.gz").read_bytes()).decode()
        if not PROTECTION.search(text):
            continue
        model = json.loads(text)
        for name, operation in model["operations"].items():
            members = model["shapes"].get(operation.get("input", {}).get("shape"), {}).get("members", {})
            if PROTECTION.search(" ".join(members)) and not name.startswith(CREATES):
                found.add(f"{folder.name}:{name}")
    assert found - known == kinds.left().keys()
