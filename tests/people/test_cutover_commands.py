"""``guardrails cutover``, as people use it: the plan, the question, Ctrl-C, a process that is killed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import pytest
from attrs import evolve
from botocore.exceptions import ClientError
from click.testing import CliRunner

from guardrails.cli import cutover_end, cutover_start
from guardrails.cli.app import app
from guardrails.cli.cutover_parts import parts
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.cutover.hold import LEASE_S, latest
from guardrails.cutover.plan import SWITCHING
from guardrails.memory import configured
from tests.support import other_user, terminals
from tests.support.waiting import until

SCOPE = "123456789012/eu-west-1"
FROM_TO = ("--from", "blue", "--to", "green")


# Loaded while this process may still read everything.
CliRunner().invoke(app, ["approve", "--help"])


@pytest.fixture
def place(monkeypatch):
    """A working folder that other users of the host may enter."""
    folder = Path(tempfile.mkdtemp(prefix="guardrails-cutover-"))
    folder.chmod(0o755)
    monkeypatch.chdir(folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def shop(aws, place):
    """Blue is live by two addresses, green is complete; a configuration in the working folder."""
    lines = ['[log]\npath = "decisions.jsonl"', '[state]\npath = "state.db"', '[live]\nsources = ["eip"]']
    (place / "guardrails.toml").write_text(f'approval_folder = "{place}/asked"\n' + "\n".join(lines) + "\n")
    sides = aws.start_cluster("blue", 3, addresses=2), aws.start_cluster("green", 3)
    aws.clear()
    return sides


def run(*arguments):
    """(exit code, output) of a command in this process, which has no terminal."""
    done = CliRunner().invoke(app, ["cutover", *arguments])
    return done.exit_code, done.stdout + done.stderr


@pytest.fixture
def started(aws, place):
    """started(*options): `start` at a terminal of its own, confirmed, with its first address moved."""

    def start(*options):
        command = [sys.executable, "-m", "guardrails", "cutover", "start", *FROM_TO, *options]
        made = terminals.Terminal(command, terminals.environment(**aws.environment()), place)
        assert "type 'green'" in " ".join(made.until("\n> ").split())
        made.type("green\n")
        assert "step 1 of" in made.until("step 1 of")
        until(lambda: aws.count("AssociateAddress"))
        return made

    return start


def test_plan_sends_nothing(shop, aws):
    """`plan` prints steps, checks and the digest, exit code 0, and nothing that changes anything arrives."""
    code, text = run("plan", *FROM_TO, "--format", "json")
    planned = json.loads(text)
    assert (code, planned["ready"], len(planned["plan"]["steps"])) == (0, True, 2)
    assert all(check["ok"] for check in planned["checks"])
    # One of two addresses is no tenth of the users.
    assert planned["lines"][0] == "1. 1 of 2 addresses to green"
    assert {request.operation for request in aws.requests if not request.operation.startswith("Describe")} == set()
    assert run("status") == (0, "there was no cutover here\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "--from", "blue"), "--from and --to are needed"),
        (("plan", *FROM_TO, "--shares", "50,10"), "rising numbers"),
        (("plan", *FROM_TO, "--health", "alarm"), "target-group:ARN"),
        (("start", *FROM_TO, "--bake", "nan"), "nan is not a finite number"),
        (("plan", *FROM_TO, "--patience", "inf"), "inf is not a finite number"),
        (("start", "--resume", "--bake", "900", "--at-once", "1"), "--at-once, --bake cannot change a plan"),
        (("finish",), "no cutover waits to be finished"),
        (("abort",), "no cutover is under way"),
        (("start", "--resume"), "no cutover waits to go on"),
    ],
)
def test_mistakes(arguments, words, shop):
    """A mistake is one sentence that says what is wanted, with exit code 2."""
    code, text = run(*arguments)
    assert (code, "Traceback" in text) == (2, False)
    assert words in " ".join(text.split())


def test_where_no_one_can_be_asked(shop, aws):
    """Without a terminal nothing is sent until a second person has approved the plan; then it runs to its end."""
    code, text = run("start", *FROM_TO, "--bake", "0")
    assert code == 2
    assert "a second person runs: guardrails approve" in " ".join(text.split())
    (asked,) = re.findall(r"guardrails approve (\w+)", text)
    approve = ["approve", asked, "--reason", "INC-42"]
    said = other_user.act(lambda: CliRunner().invoke(app, approve).output)
    assert "may run this cutover once" in said
    assert not aws.count("AssociateAddress")
    code, text = run("start", *FROM_TO, "--bake", "0", "--format", "json")
    assert (code, len(aws.addresses("green"))) == (0, 2), text
    assert json.loads(CliRunner().invoke(app, ["cutover", "status", "--format", "json"]).stdout)["phase"] == "switched"
    code, text = run("finish")
    assert (code, "guardrails backstop plan" in text) == (0, True)
    code, text = run("abort")
    assert (code, "start --from green --to blue" in text) == (2, True)


def test_where_aws_does_not_say_what_is_there(shop, aws, monkeypatch):
    """A cutover is found while machines cannot be looked up; where the account is unknown, no command denies it."""
    monkeypatch.setattr(cutover_start, "consent", lambda _: lambda *_: None)
    assert run("start", *FROM_TO, "--bake", "0", "--shares", "100")[0] == 0
    aws.answer("DescribeInstances", 403, "UnauthorizedOperation", "no")
    code, text = run("status", "--format", "json")
    assert (code, json.loads(text)["phase"]) == (1, "switched")
    aws.answer("GetCallerIdentity", 403, "AccessDenied", "no")
    for command in ("status", "finish", "abort"):
        code, text = run(command)
        assert (code, "the AWS account is unknown" in " ".join(text.split())) == (2, True)


def test_the_health_checks_are_asked_first(shop, aws, place, monkeypatch):
    """A check that is false, or becomes so while the plan is confirmed, starts nothing; one that is true does."""
    fails = (*FROM_TO, "--health", "command:test -e healthy", "--bake", "0", "--shares", "100")
    monkeypatch.setattr(cutover_start, "consent", lambda _: lambda *_: (place / "healthy").unlink())
    code, text = run("plan", *fails[:-4], "--format", "json")
    wrong = [check["name"] for check in json.loads(text)["checks"] if not check["ok"]]
    assert (code, wrong) == (1, ["command:test -e healthy is healthy"])
    assert run("start", *fails)[0] == 1
    (place / "healthy").touch()
    assert run("start", *fails)[0] == 1
    assert (aws.count("AssociateAddress"), run("status")[0]) == (0, 0)
    (place / "healthy").touch()
    monkeypatch.setattr(cutover_start, "consent", lambda _: lambda *_: None)
    assert run("start", *fails)[0] == 0


def test_a_plan_that_is_out_of_date(shop, aws, monkeypatch):
    """Where the plan is another one after it was confirmed, nothing starts. The change is canned: look-ups are kept."""
    confirmed, made = [], cutover_start.make

    def changed(situation, terms):
        now = made(situation, terms)
        return evolve(now, plan=evolve(now.plan, notes=("another one",))) if confirmed else now

    monkeypatch.setattr(cutover_start, "make", changed)
    monkeypatch.setattr(cutover_start, "consent", lambda _: lambda *_: confirmed.append(True))
    code, text = run("start", *FROM_TO, "--bake", "0")
    assert (code, "has changed since the plan was confirmed" in " ".join(text.split())) == (2, True), text
    assert (confirmed, aws.count("AssociateAddress")) == ([True], 0)


def test_a_copy_that_may_be_out_of_date(shop, aws, place, monkeypatch):
    """Without the shared memory `abort` goes back by this host's copy only where AWS shows what the copy knows."""
    monkeypatch.setattr(cutover_start, "consent", lambda _: lambda *_: None)
    before = aws.addresses("blue")
    assert run("start", *FROM_TO, "--bake", "0", "--shares", "50,100")[0] == 0
    moved, known = aws.addresses("green"), cutover_end.last_known

    def copied(**changes):
        old = lambda *place: (evolve(known(*place)[0], **changes), "the table does not answer")
        monkeypatch.setattr(cutover_end, "last_known", old)
        code, text = run("abort")
        return code, " ".join(text.split())

    for changes, words in (
        ({}, "another host may have finished it"),
        ({"phase": SWITCHING}, "every step is done, and another host may have finished it"),
        ({"phase": SWITCHING, "begun": 1}, "says step 1 of 2, and "),
    ):
        code, text = copied(**changes)
        assert (code, words in text, "run abort again when" in text) == (2, True, True), text
        assert aws.addresses("green") == moved
    plan = latest(configured.cutovers(load(place / "guardrails.toml")), SCOPE).plan
    second = plan.entrance(plan.steps[1].moves[0].key)
    onto = {"InstanceId": second.before["instance"], "AllowReassociation": True}
    aws.client("ec2").associate_address(AllocationId=second.id, **onto)
    assert copied(phase=SWITCHING, begun=1)[0] == 0
    assert aws.addresses("blue") == before


def test_a_change_is_sent_once(shop, aws):
    """What fails is not sent again behind the runner's back, and the request is over long before the hold is."""
    writers = parts(dict.fromkeys(("config", "profile", "region", "endpoint_url"))).writers
    ec2, address = writers("ec2"), aws.client("ec2").describe_addresses()["Addresses"][0]
    config = ec2.meta.config
    judged_s = Settings().lookup_timeout_s
    assert 2 * (config.connect_timeout + config.read_timeout + judged_s) < LEASE_S
    aws.answer("AssociateAddress", 503, "RequestLimitExceeded", "slow down")
    onto = {"InstanceId": address["InstanceId"], "AllowReassociation": True}
    with pytest.raises(ClientError):
        ec2.associate_address(AllocationId=address["AllocationId"], **onto)
    assert aws.count("AssociateAddress") == 1


def test_ctrl_c_goes_back(shop, aws, started):
    """Ctrl-C in the middle brings the address back where it was; the exit code is 1."""
    before = aws.addresses("blue")
    made = started()
    made.type("\x03")
    assert "everything is as before" in made.end(1)
    assert aws.addresses("blue") == before
    code, text = run("status", "--format", "json")
    assert (code, json.loads(text)["phase"]) == (0, "went-back")


def test_a_killed_process(shop, aws, started, place):
    """After kill -9 the state says who had it; once that is over, another process goes on, finishes, or goes back."""
    made = started("--at-once", "1", "--bake", "600")
    os.kill(made.pid, signal.SIGKILL)
    os.waitpid(made.pid, 0)
    code, text = run("status")
    assert (code, "start --resume" in " ".join(text.split())) == (1, True)
    assert [run(*command)[0] for command in (("abort",), ("start", "--resume"), ("start", *FROM_TO))] == [2, 2, 1]
    cutovers = configured.cutovers(load(place / "guardrails.toml"))
    # A minute later.
    record = latest(cutovers, SCOPE)
    plan = evolve(record.plan, bake_s=0.0)
    assert cutovers.write(SCOPE, evolve(record, owner_until=0.0, plan=plan).document(), record.revision)
    code, text = run("start", "--resume")
    assert (code, len(aws.addresses("green"))) == (0, 2), text
    assert run("status")[0] == 1
    code, text = run("abort")
    assert (code, len(aws.addresses("blue"))) == (0, 2), text
    assert run("abort")[0] == 2
