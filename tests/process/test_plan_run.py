"""`guardrails run --plan` and `--approved`: the plan is what the run does, and what is not in it is stopped."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from click.testing import CliRunner

import guardrails
from guardrails.cli import run_plan
from guardrails.cli.app import app
from guardrails.memory.approvals import ApprovalFolder
from guardrails.planning import file as files
from guardrails.planning.joining import APPROVED, run_approved
from guardrails.planning.progress import Progress
from tests.docs.test_pages import block
from tests.people.test_plan import changing
from tests.support import other_user, terminals
from tests.support.environments import ROOT

RETIRE = """
import boto3, sys
ec2 = boto3.client("ec2")
cluster, more = sys.argv[1], sys.argv[2:]
found = ec2.describe_instances(Filters=[{"Name": "tag:Cluster", "Values": [cluster]}])["Reservations"]
ids = [one["InstanceId"] for each in found for one in each["Instances"]]
ec2.create_tags(Resources=ids, Tags=[{"Key": "Retired", "Value": "yes"}])
tags = {"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "teal"}]}
launch = {"ImageId": "ami-12345678", "InstanceType": "t3.small", "TagSpecifications": [tags]}
new = ec2.run_instances(**launch, MinCount=2, MaxCount=2)
made = [each["InstanceId"] for each in new["Instances"]]
ec2.get_waiter("instance_running").wait(InstanceIds=made)
ec2.stop_instances(InstanceIds=[made[1]])
for _ in range(1 + len(more)):
    ec2.terminate_instances(InstanceIds=ids)
ec2.get_waiter("instance_terminated").wait(InstanceIds=ids)
print(len(ids), "retired")
"""


@pytest.fixture
def folder(site, aws, tmp_path):
    """A script that retires a cluster and starts another one, and a configuration."""
    (tmp_path / "retire.py").write_text(RETIRE)
    settings = 'lookup_timeout_s = 60\nmax_fact_age_s = 60\n[log]\npath = "log.jsonl"\n'
    (tmp_path / "guardrails.toml").write_text(settings)
    aws.clear()
    return tmp_path


def run(folder, *arguments):
    """The exit code, the output and the errors of `guardrails run`."""
    done = subprocess.run(
        [sys.executable, "-m", "guardrails", "run", *arguments], cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def lines():
    """The arguments of the lines on the page."""
    return [shlex.split(line)[2:] for line in block("plans", "bash", "guardrails run --plan").splitlines()]


def test_the_plan_is_what_the_run_does(folder, aws):
    """Planning sends nothing; the run then makes exactly the planned calls, in their order, with the real ids."""
    plan, approved = lines()
    code, output, errors = run(folder, *plan)
    assert (code, changing(aws)) == (0, []), errors
    assert "Plan: 4 calls, 4 allowed" in output
    assert not (folder / "log.jsonl").exists() or not (folder / "log.jsonl").read_text()
    planned = [each["operation"] for each in json.loads((folder / "plan.json").read_text())["plan"]["calls"]]
    aws.clear()
    code, output, errors = run(folder, *approved)
    assert (code, output) == (0, "2 retired\n"), errors
    assert changing(aws) == planned == ["CreateTags", "RunInstances", "StopInstances", "TerminateInstances"]
    assert (aws.running("green"), aws.running("teal")) == (0, 1)


CHANGED = [
    ("[made[1]]", "[made[0]]", "StopInstances"),
    ("Retired", "Owner", "CreateTags"),
    ("t3.small", "t3.large", "RunInstances"),
    ("terminate_instances(InstanceIds=ids)", "terminate_instances(InstanceIds=ids[:1])", "TerminateInstances"),
    ("range(1", "range(2", "TerminateInstances"),
    ("print(", "boto3.client('sqs').send_message(QueueUrl='q', MessageBody='x'); print(", "SendMessage"),
]


@pytest.mark.parametrize(("before", "after", "stopped"), CHANGED)
def test_one_line_changed_stops_exactly_there(before, after, stopped, site, aws, install, tmp_path, monkeypatch):
    """Other targets, another parameter, a call more: the calls before it are made, it is not, and the text says why."""
    monkeypatch.setattr(sys, "argv", ["retire.py", "green"])
    guard = install(state={"path": str(tmp_path / "state.db")})
    with guardrails.plan() as planned:
        exec(RETIRE, {})
    path = tmp_path / "plan.json"
    saved = files.save(planned.plan, path, account="1", region="eu-west-1", minutes=60, command=("retire.py",))
    Progress.make(tmp_path, saved, confirmed=False, approval=None)
    aws.clear()
    running = run_approved(guard, tmp_path)
    try:
        with pytest.raises(guardrails.CallDenied) as denied:
            exec(RETIRE.replace(before, after), {})
    finally:
        running.leave()
    assert f"{stopped} with these parameters is not in the approved plan" in str(denied.value)
    assert f"guardrails run --plan --save {path}" in str(denied.value)
    every = [each.operation for each in planned.plan.entries]
    assert changing(aws) == (
        every if stopped == "SendMessage" or before == "range(1" else every[: every.index(stopped)]
    )


@pytest.fixture
def rerun(site, aws, install, tmp_path):
    """rerun(plan, run): plan one function, run another one as approved; the changes that arrived, and the denial."""
    guard = install(state={"path": str(tmp_path / "state.db")})

    def go(plan, run):
        with guardrails.plan() as planned:
            plan()
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        path, place = folder / "plan.json", {"account": "123456789012", "region": "eu-west-1"}
        Progress.make(
            folder, files.save(planned.plan, path, **place, minutes=60, command=()), confirmed=False, approval=None
        )
        aws.clear()
        running, denied = run_approved(guard, folder), ""
        try:
            run()
        except guardrails.CallDenied as error:
            denied = str(error)
        except ClientError:
            # moto has no such thing; the call arrived.
            pass
        finally:
            running.leave()
        return changing(aws), denied

    return go


def calls(aws):
    """By name: a service, an operation, and two kinds of parameters that do something else."""
    recipe = {"cluster": "c", "taskDefinition": "t"}
    commands = [[{"name": "a", "command": each}] for each in (["cp", "/src", "/dst"], ["cp", "/dst", "/src"])]
    key = {"TableName": "t"}
    return {
        "a dated target": (
            "cloudformation",
            "delete_stack",
            *({"StackName": f"web-2023-{day}"} for day in ("10-09", "11-16")),
        ),
        "a target dated now": (
            "cloudformation",
            "delete_stack",
            *({"StackName": f"web-{datetime.now(UTC) - timedelta(minutes=each):%Y%m%d%H%M}"} for each in (1, 2)),
        ),
        "an account": (
            "ec2",
            "modify_snapshot_attribute",
            *(
                {
                    "SnapshotId": "snap-1",
                    "Attribute": "createVolumePermission",
                    "UserIds": [each],
                    "OperationType": "add",
                }
                for each in ("111122223333", "999988887777")
            ),
        ),
        "a number": (
            "ssm",
            "put_parameter",
            *({"Name": "/x", "Type": "String", "Value": each} for each in ("1000000000", "9999999999")),
        ),
        "a payload": (
            "lambda",
            "invoke",
            *({"FunctionName": "ops", "Payload": each} for each in (b'{"a": "list"}', b'{"a": "terminate"}')),
        ),
        "a payload from a file": (
            "lambda",
            "invoke",
            *({"FunctionName": "ops", "Payload": each} for each in (io.BytesIO(b'{"a": 1}'), io.BytesIO(b'{"a": 2}'))),
        ),
        "a binary key": ("dynamodb", "delete_item", *({**key, "Key": {"k": {"B": each}}} for each in (b"one", b"two"))),
        "the order of a command": (
            "ecs",
            "run_task",
            *({**recipe, "overrides": {"containerOverrides": each}} for each in commands),
        ),
        "the order of commands": (
            "ssm",
            "send_command",
            *(
                {"DocumentName": "AWS-RunShellScript", "Targets": [], "Parameters": {"commands": each}}
                for each in (["a", "b"], ["b", "a"])
            ),
        ),
    }


def test_a_value_that_decides_is_not_left_out(rerun, aws):
    """Dates in targets, numbers, bytes and the order of commands are a part of the call; the call itself passes."""
    for what, (service, operation, planned, other) in calls(aws).items():
        client = aws.client(service)
        do = getattr(client, operation)
        arrived, denied = rerun(lambda do=do, planned=planned: do(**planned), lambda do=do, other=other: do(**other))
        assert (arrived, "is not in the approved plan" in denied) == ([], True), what
        arrived, denied = rerun(
            lambda do=do, planned=planned: do(**planned), lambda do=do, planned=planned: do(**planned)
        )
        assert "is not in the approved plan" not in denied, what
        assert len(arrived) == (0 if denied else 1), what


def test_the_time_of_now_in_a_new_name_may_differ(rerun, aws, site):
    """What is new may be named by the time of the run, and used then; ids may come in another order."""
    rds, ec2 = aws.client("rds"), site.ec2
    moments = [datetime.now(UTC) - timedelta(minutes=each) for each in (9, 1)]

    def work(moment, ids):
        rds.create_db_parameter_group(
            DBParameterGroupName=f"web-{moment:%Y%m%d-%H%M%S}", DBParameterGroupFamily="mysql8.0",
            Description=f"made {moment.isoformat()}",
        )  # fmt: skip
        rds.delete_db_parameter_group(DBParameterGroupName=f"web-{moment:%Y%m%d-%H%M%S}")
        ec2.create_tags(Resources=ids, Tags=[{"Key": "a", "Value": "b"}])

    ids = list(site.green.instance_ids)
    arrived, denied = rerun(lambda: work(moments[0], ids), lambda: work(moments[1], ids[::-1]))
    assert (arrived, denied) == (["CreateDBParameterGroup", "DeleteDBParameterGroup", "CreateTags"], "")


def test_the_content_of_an_object_may_differ(rerun, aws):
    """A report is written to the same place with other content, in one part or in two; to another key it is stopped."""
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="reports", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def upload(content, size, key="today"):
        s3.upload_fileobj(io.BytesIO(content * size), "reports", key)

    for size in (1, 9_000_000):
        arrived, denied = rerun(lambda size=size: upload(b"a", size), lambda size=size: upload(b"b", size))
        assert (len(arrived), denied) == (1 if size == 1 else 4, "")
        _, denied = rerun(lambda size=size: upload(b"a", size), lambda size=size: upload(b"a", size, "yesterday"))
        assert "is not in the approved plan" in denied


def test_the_same_call_in_another_account_is_not_planned(rerun, aws):
    """What was planned with a role of one account does not run with the same role of another one."""

    def publish(account):
        arn = f"arn:aws:iam::{account}:role/ops"
        keys = aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="ops")["Credentials"]
        session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
        session.client("sns").create_topic(Name="web")

    arrived, denied = rerun(lambda: publish("111122223333"), lambda: publish("999988887777"))
    assert "CreateTopic with these parameters is not in the approved plan" in denied
    assert "CreateTopic" not in arrived
    arrived, denied = rerun(lambda: publish("111122223333"), lambda: publish("111122223333"))
    assert (arrived[-1], denied) == ("CreateTopic", "")


@pytest.mark.parametrize(("status", "code", "again"), [(500, "InternalError", False), (400, "InvalidParameter", True)])
def test_only_a_refusal_gives_a_call_back(status, code, again, rerun, aws):
    """After an error of the server the machines may be there: only the same token may be sent again, once."""
    ec2 = boto3.client("ec2", config=Config(retries={"total_max_attempts": 1}))
    launch = {"ImageId": "ami-12345678", "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1}

    def start(*tokens):
        for token in tokens:
            with contextlib.suppress(ClientError):
                ec2.run_instances(**launch, **token)

    for tokens, repeated in ((({}, {}), again), ([{"ClientToken": "a"}] * 2, True), ([{"ClientToken": "a"}] * 3, None)):
        if repeated is None and again:
            continue
        aws.answer("RunInstances", status, code, "Sorry", times=3)
        arrived, _ = rerun(lambda: start({}), lambda tokens=tokens: start(*tokens))
        assert len(arrived) == (2 if repeated in (True, None) else 1)
        aws.repair()


@pytest.fixture
def saved(folder, install, monkeypatch):
    """saved(script, *arguments): its plan, made in this process and saved as plan.json."""

    def make(script, *arguments):
        install(state={"path": str(folder / "state.db")})
        monkeypatch.setattr(sys, "argv", ["script", *arguments])
        with guardrails.plan() as planned:
            exec(script, {})
        path, place = folder / "plan.json", {"account": "123456789012", "region": "eu-west-1"}
        made = files.save(planned.plan, path, **place, minutes=60, command=("script",))
        guardrails.uninstall()
        return made

    return make


def test_a_plan_holds_for_what_it_was_made_for(folder, saved, aws, monkeypatch):
    """An altered file, another account, region or rule book, and an expired plan are refused before the script runs."""
    saved(RETIRE, "green")
    approved = lines()[1]
    monkeypatch.chdir(folder)
    path = folder / "plan.json"
    content = json.loads(path.read_text())
    aws.clear()

    def refused(document, *, seal=True):
        digest = files.digest_of(document) if seal else content["digest"]
        path.write_text(json.dumps({"digest": digest, "plan": document}))
        done = CliRunner().invoke(app, ["run", *approved])
        assert (done.exit_code, changing(aws)) == (2, []), done.output
        return done.output

    document = content["plan"]
    assert "was altered after it was made" in refused({**document, "guess": "x"}, seal=False)
    assert "this is 123456789012 in eu-west-1" in refused({**document, "caller": {"account": "1", "region": "x"}})
    assert "is for account" in refused({**document, "caller": {"account": "123456789012", "region": "us-east-1"}})
    assert "the plan expired at" in refused({**document, "expires_at": 1.0})
    assert "was made with the policies abc" in refused({**document, "revision": "abc"})
    for odd in ("[]", "[" * 100_000, '{"plan": 1, "digest": 2}'):
        path.write_text(odd)
        done = CliRunner().invoke(app, ["run", *approved])
        assert (done.exit_code, "not a plan of" in done.output) == (2, True), done.output


def test_a_denied_plan_and_a_failed_script(folder, aws, monkeypatch):
    """The exit code says so; a plan with a denial cannot be run, and a script's own failure ends the plan there."""
    code, output, _ = run(folder, "--plan", "--save", "plan.json", "--format", "json", "retire.py", "blue")
    document = json.loads(output)
    assert (code, document["exit_code"]) == (3, 3)
    assert [each["status"] for each in document["calls"]] == ["allowed", "allowed", "allowed", "denied"]
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(app, ["run", "--approved", "plan.json", "retire.py", "blue"])
    assert (done.exit_code, changing(aws)) == (2, [])
    assert "call 4 of the plan is denied" in done.output
    inner = (
        "import guardrails, boto3\nwith guardrails.plan() as p:\n    boto3.client('sqs').purge_queue(QueueUrl='q')\n"
    )
    (folder / "retire.py").write_text(f"{inner}assert len(p.plan.entries) == 1\nraise SystemExit(7)")
    code, output, errors = run(folder, "--plan", "--save", "plan.json", "retire.py", "green")
    assert code == 1
    assert "PurgeQueue" in output
    assert "nothing was saved to plan.json, because the script failed; the file there is of an older plan" in errors
    assert "the script ended with exit code 7, so the plan ends there" in errors
    assert CliRunner().invoke(app, ["run", "--save", "plan.json", "retire.py", "green"]).exit_code == 2


COMMAND = """
import boto3, sys
for machine in sys.argv[1:]:
    document = {"DocumentName": "AWS-RunShellScript", "Parameters": {"commands": ["uptime"]}}
    boto3.client("ssm").send_command(InstanceIds=[machine], **document)
print("SENT")
"""


def test_one_confirmation_for_the_whole_plan(folder, saved, site, aws):
    """Two calls that need confirmation are confirmed with one name, typed after the plan; another one runs nothing."""
    (folder / "ops.py").write_text(COMMAND)
    made = saved(COMMAND, *site.blue.instance_ids[:2]).plan
    assert [each.status for each in made.entries] == ["to confirm"] * 2
    command = [
        sys.executable,
        "-m",
        "guardrails",
        "run",
        "--approved",
        "plan.json",
        "ops.py",
        *site.blue.instance_ids[:2],
    ]
    env = terminals.environment(**aws.environment(), PYTHONPATH=str(ROOT))
    for typed, code in (("green", 3), ("blue", 0)):
        person = terminals.Terminal(command, env, folder)
        assert "Plan: 2 calls, 2 to confirm" in person.until("\n> ")
        person.type(f"{typed}\n")
        said = person.end(code)
        assert said.count("\n> ") == 1
        assert aws.count("SendCommand") == (2 if code == 0 else 0)
    assert "SENT" in said


def test_one_approval_for_the_whole_plan(folder, site, aws, install):
    """A second person approves the plan by its digest; then its denied calls pass once each, and no other call."""
    place = Path(tempfile.mkdtemp(prefix="guardrails-approvals-"))
    place.chmod(0o755)
    config = {
        "approval_folder": str(place / "asked"),
        "params": {"approvals": {"live-cluster/terminate": {"minutes": 9}}},
    }
    guard = install(state={"path": str(folder / "state.db")}, **config)
    ids = [[each] for each in site.blue.instance_ids[:2]]
    with guardrails.plan() as planned:
        for each in ids:
            site.ec2.terminate_instances(InstanceIds=each)
    assert [each.status for each in planned.plan.entries] == ["needs approval"] * 2
    path = folder / "plan.json"
    files.save(planned.plan, path, account="123456789012", region="eu-west-1", minutes=60, command=())
    with pytest.raises(SystemExit) as asked:
        run_plan.approved(guard.settings, guard.revision, path)
    assert asked.value.code == 3
    (record,) = ApprovalFolder(place / "asked").all()
    (place / "guardrails.toml").write_text(f'approval_folder = "{place}/asked"\n')
    arguments = ["approve", record.request.id, "--reason", "INC-42", "--config", str(place / "guardrails.toml")]
    said = other_user.act(lambda: CliRunner().invoke(app, arguments).output)
    assert "may run this plan once" in said
    running = run_approved(guard, Path(run_plan.approved(guard.settings, guard.revision, path)[APPROVED]))
    try:
        for each in ids:
            site.ec2.terminate_instances(InstanceIds=each)
        for each in (ids[0], list(site.blue.instance_ids[2:])):
            with pytest.raises(guardrails.CallDenied, match="is not in the approved plan"):
                site.ec2.terminate_instances(InstanceIds=each)
    finally:
        running.leave()
        shutil.rmtree(place)
    assert aws.count("TerminateInstances") == 2
    with pytest.raises(SystemExit):
        run_plan.approved(guard.settings, guard.revision, path)


DISKS = """
import boto3
ec2 = boto3.client("ec2")
made = ec2.run_instances(ImageId="ami-12345678", InstanceType="t3.small", MinCount=1, MaxCount=1)["Instances"][0]
machine = ec2.describe_instances(InstanceIds=[made["InstanceId"]])["Reservations"][0]["Instances"][0]
disk = machine["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
ec2.create_tags(Resources=[disk], Tags=[{"Key": "Of", "Value": machine["PrivateIpAddress"]}])
"""


def test_what_a_read_shows_later_is_recognised(folder, aws, site, install, monkeypatch):
    """The run knows the disk and the address of a planned machine by the read that shows them: no call is stopped."""
    guard = install(state={"path": str(folder / "state.db")})
    with guardrails.plan() as planned:
        exec(DISKS, {})
    place = {"account": "123456789012", "region": "eu-west-1"}
    saved = files.save(planned.plan, folder / "plan.json", **place, minutes=60, command=())
    Progress.make(folder, saved, confirmed=False, approval=None)
    aws.clear()
    running = run_approved(guard, folder)
    try:
        exec(DISKS, {})
    finally:
        running.leave()
    assert changing(aws) == ["RunInstances", "CreateTags"]


def test_the_pages_lines_in_a_program(site, install, tmp_path, capsys):
    """The lines of the page, in a program."""
    install(state={"path": str(tmp_path / "state.db")})
    names = {"guardrails": guardrails, "cluster": "green"}
    names["retire"] = lambda _: site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    exec(block("plans", "python", "with guardrails.plan()"), names)
    assert capsys.readouterr().out.startswith("allowed {'green': Left(")
    assert names["planned"].plan.left()["green"].after == 1
