"""`guardrails init`: it looks at an account, proposes a configuration, and writes it after a yes only."""

from __future__ import annotations

import json
import re
import sys
import tomllib

import pytest
from click.testing import CliRunner

from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.init.tags import like_a_cluster
from tests.calls.test_unknown_holders import attempt
from tests.policy.test_replay_cloudtrail import machines, record
from tests.support.balancers import BehindBalancer
from tests.support.terminals import Terminal, environment

GROUP, CONFIG, POLICY = "aws:autoscaling:groupName", "guardrails.toml", "guardrails-iam-policy.json"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working directory, without any file."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def account(aws):
    """Two groups, one behind a balancer, and five dev boxes; CloudTrail has nothing."""
    sides = {name: aws.start_cluster(name, 4, cluster_tag=GROUP).instance_ids for name in ("web-blue", "web-green")}
    sides["boxes"] = aws.start_cluster("box", 5, cluster_tag="Name", tags={"Team": "a"}).instance_ids
    shop = BehindBalancer(aws)
    shop.group("web", sides["web-blue"])
    shop.listener(443, web=1)
    cloudtrail(aws)
    aws.clear()
    return sides


def cloudtrail(aws, *records):
    """What LookupEvents answers; moto has no events."""
    events = [{"EventId": "1", "CloudTrailEvent": json.dumps(each)} for each in records]
    aws.reply("LookupEvents", json.dumps({"Events": events}))


def run(*options, code=0):
    done = CliRunner().invoke(app, ["init", *options])
    assert done.exit_code == code, done.output + repr(done.exception)
    assert "Traceback" not in done.output
    return done


def test_it_says_what_it_found(account, aws, here):
    """Three lines: the clusters with the reason, the other machines with their tags, the sources that see something."""
    lines = run().stdout.splitlines()
    assert lines[0] == (
        "2 clusters: asg/web-blue (4 machines, live: behind web-prod:443, rule default, weight 1), "
        "asg/web-green (4 machines, not live)"
    )
    assert lines[1] == "5 machines belong to none; tags seen: Name, Team"
    assert lines[2] == "account 123456789012, eu-west-1; sources that see something: target-group"


def test_it_only_looks_and_writes_nothing(account, aws, here):
    """Without a terminal it prints the file and the policy, says how to write them, and only reads."""
    shown = run().stdout
    assert "No one can confirm this here" in shown
    assert "--yes writes the files" in shown
    assert '"ec2:DescribeInstances"' in shown
    assert "A managed policy may have 6,144" in shown
    assert '# sources = ["eip", "target-group"]' in shown
    assert not [*here.iterdir()]
    assert {each.operation for each in aws.requests}
    assert not [each for each in aws.requests if not each.operation.startswith(("Describe", "List", "Get", "Lookup"))]


def test_a_yes_in_advance(account, aws, here, install):
    """With --yes both files are written; the configuration loads, sets nothing, and the accident is blocked."""
    assert "guardrails doctor" in run("--yes").stderr
    assert load(here / CONFIG).same_as(load({}))
    (statement,) = json.loads((here / POLICY).read_text())["Statement"]
    assert {"ec2:DescribeInstances", "elasticloadbalancing:DescribeTargetHealth"} <= {*statement["Action"]}
    install(**tomllib.loads((here / CONFIG).read_text()))
    terminate = ("ec2", "terminate_instances")
    assert attempt(aws, *terminate, {"InstanceIds": [*account["web-blue"]]}) >= {"remaining/minimum"}
    assert attempt(aws, *terminate, {"InstanceIds": [*account["web-green"]]}) is None


@pytest.mark.parametrize("name", [CONFIG, POLICY])
def test_a_file_that_exists_stays(name, account, aws, here):
    """Neither file is ever overwritten: with --yes that is an error before anything is asked of AWS."""
    (here / name).write_text("mine")
    refused = run("--yes", code=2)
    assert refused.stderr == f"guardrails: {name} exists and is left as it is; name another file with --output\n"
    assert not aws.requests
    assert f"{name} exists and is left as it is" in run().stderr
    assert {file.name: file.read_text() for file in here.iterdir()} == {name: "mine"}


def test_a_yes_at_a_terminal(account, aws, here):
    """At a terminal the question comes after the proposal, and a yes writes the file that --output names."""
    env = environment(**aws.environment(), TERM="dumb")
    at = Terminal([sys.executable, "-m", "guardrails", "init", "-o", "own.toml"], env, here)
    at.until("[y/N] ")
    assert not [*here.iterdir()]
    at.type("y\n")
    at.end()
    assert {file.name for file in here.iterdir()} == {"own.toml", POLICY}


def test_the_last_hours(account, aws, here):
    """CloudTrail's calls are decided on again: the live group and a dev box, not the other group; each by its rules."""
    cloudtrail(
        aws,
        record("StopInstances", machines(*account["web-blue"])),
        record("StopInstances", machines(account["boxes"][0])),
        record("StopInstances", machines(*account["web-green"])),
        record("CreateKeyPair", {"keyName": "x"}),
    )
    shown = run("--hours", "3").stdout
    assert (
        "CloudTrail, 3 hours: 4 changes, 3 calls that the guard decides on; 2 would have been blocked, 1 of them on "
        "machines that belong to no cluster\n"
    ) in shown
    assert f"ec2:StopInstances {account['boxes'][0]}: live-cluster/untagged\n" in shown
    (asked,) = [each for each in aws.requests if each.operation == "LookupEvents"]
    assert "ReadOnly" in str(asked)
    assert json.loads(run("--format", "json").stdout)["cloudtrail"]["blocked_without_cluster"] == 1


def test_cloudtrail_that_may_not_be_read(account, aws, here):
    """Without the permission the rest is shown, and the permission named."""
    aws.answer("LookupEvents", 400, "AccessDeniedException", "no")
    shown = run().stdout
    assert "CloudTrail was not read: allow the IAM action cloudtrail:LookupEvents to see what would change" in shown
    assert "# sources =" in shown


def test_what_it_may_not_look_at(account, aws, here):
    """A source without its permission is named with it, and what the others see is shown."""
    aws.start_cluster("old", 3, addresses=1, cluster_tag=GROUP)
    aws.answer("DescribeTargetGroups", 403, "AccessDenied", "no")
    shown = run().stdout
    assert "allow the IAM action elasticloadbalancing:DescribeTargetGroups" in shown
    assert "asg/old (3 machines, live: holds Elastic IP" in shown
    assert "target-group: it could not look" in shown


def test_tags_of_their_own(aws, here):
    """A tag that looks like a cluster's is proposed where it shows what is live, and otherwise said."""
    cloudtrail(aws)
    aws.start_cluster("blue", 3, addresses=1, cluster_tag="Service")
    aws.start_cluster("green", 3, cluster_tag="Service")
    run("--yes")
    assert load(here / CONFIG).cluster_tags == ("Service",)
    aws.reset()
    cloudtrail(aws)
    aws.start_cluster("web", 3, addresses=1, cluster_tag=GROUP)
    aws.start_cluster("search", 2, cluster_tag="Service")
    shown = run("-o", "other.toml").stdout
    assert '# cluster_tags = ["Cluster"]' in shown
    assert "# Service looks like one, too; but with it no source would show which cluster is live." in shown


def test_a_bastion_alone(aws, here):
    """Where only a bastion's address is seen, the classic load balancers are looked at, too: then boxes are free."""
    cloudtrail(aws)
    aws.start_cluster("bastion", 1, addresses=1, cluster_tag="Name")
    aws.start_cluster("box", 3, cluster_tag="Name")
    run("--yes")
    assert load(here / CONFIG).live.sources == ("eip", "target-group", "elb")


def test_texts_of_others(aws, here):
    """Whatever stands in names and tags, it stays in the comments, and the file loads."""
    cloudtrail(aws)
    aws.start_cluster('x"\n[live]\nsources = ["env"]\n\x7f\u202e', 2, addresses=1)
    aws.start_cluster("y", 2, tags={'Service "\n#\\': "blue"})
    run("--yes")
    settings = load(here / CONFIG)
    assert settings.live.sources == ("eip", "target-group")
    assert settings.cluster_tags == ("Cluster", 'Service "\n#\\')


@pytest.mark.parametrize(
    ("options", "code", "part"),
    [
        (["--hours", "0"], 2, "0 is not in the range"),
        (["--hours", "soon"], 2, "not a valid integer"),
        (["--profile", "nobody"], 2, "The config profile (nobody) could not be found"),
        (["--region", "mars 1", "--endpoint-url", ""], 2, "guardrails: cannot"),
        (["--yes", "-o", "no/such/folder/x.toml"], 2, "cannot be written (No such file or directory)"),
    ],
)
def test_bad_input(options, code, part, aws, here):
    """One sentence, and nothing is written."""
    cloudtrail(aws)
    assert part in run(*options, code=code).stderr
    assert not [*here.iterdir()]


def test_no_permission_at_all(aws, here):
    """Where not even machines may be listed, one sentence says which permission is missing."""
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "no")
    said = run(code=2).stderr
    assert said.startswith("guardrails: cannot look at the machines in eu-west-1: the look-up ec2:DescribeInstances")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ([{"Service": "web"}, {"Service": "web"}], ("Service",)),
        ([{"Service": "web"}, {"Service": "db"}], ()),
        ([{"Name": "web"}, {"Name": "web"}], ()),
        ([{"Team": "a"}, {"Team": "a"}], ()),
        ([{"Team": "a-blue"}, {"Team": "a-blue"}], ("Team",)),
        ([{"env-color": "green", "app_name": "x"}] * 2 + [{"app_name": "x"}], ("app_name", "env-color")),
        ([{"appName": "x"}] * 2, ("appName",)),
        ([{"aws:cloudformation:stack-name": "x"}] * 2, ()),
        ([{"kubernetes.io/cluster/x": "owned"}] * 2, ()),
        ([{"happy": "x", "mapping": "x"}] * 2, ()),
    ],
)
def test_which_tags_look_like_a_clusters(tags, found):
    """A word in the key or a side in the values, and machines that share a value; not a name, nor AWS's own tags."""
    assert like_a_cluster(tags) == found


def test_several_live_clusters(aws, here):
    """Where users seem to reach both sides, the listeners are listed, to be pasted into live.listeners."""
    arns = {}
    for name in ("prod", "staging"):
        balancer = BehindBalancer(aws, name=f"{name}-alb")
        balancer.start([name], 2)
        arns[name] = balancer.listener(443, **{name: 1})
    shown = run().stdout
    assert all(f'#   "{arn}",  # {name}-alb:443' in shown for name, arn in arns.items())
    run("--yes")
    file = here / CONFIG
    text = re.sub(r"^# (listeners = \[|  .arn:.*|\])$", r"\1", file.read_text(), flags=re.MULTILINE)
    file.write_text("\n".join(line for line in text.splitlines() if arns["staging"] not in line))
    assert load(file).live.listeners == (arns["prod"],)


def test_where_nothing_is_live(aws, here):
    """A region without entrances is not called protected: what harms a cluster there needs a yes."""
    aws.start_cluster("green", 1)
    assert "nothing that users reach is here, so what harms a cluster needs a yes" in run().stdout
