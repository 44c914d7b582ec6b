"""Approvals in the table of a fleet: AWS says who someone is, and of two uses at once one wins."""

from __future__ import annotations

import json
import os
import threading
import time
from functools import cache

import boto3
import pytest
from attrs import evolve
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.enforce.approvals import asking, people, standing
from guardrails.enforce.approvals.digest import digest, document
from guardrails.enforce.approvals.standing import Terms
from guardrails.memory import StateUnavailable
from guardrails.memory.approvals import Grant, Identity, Record, Request
from guardrails.memory.dynamodb import ApprovalTable, Place, Table
from guardrails.memory.dynamodb.administration import create, policy
from guardrails.values import Call, Decision
from tests.support.simulated_table import SimulatedTable, World

PLACE = Place("guardrails", "eu-west-1", timeout_s=30)
RULE = "live-cluster/terminate"
STATE = {"store": "dynamodb", "table": PLACE.table, "region": PLACE.region, "timeout_s": 30}
CONFIG = '[state]\nstore = "dynamodb"\ntable = "guardrails"\nregion = "eu-west-1"\ntimeout_s = 30\n'


@pytest.fixture
def people_of(aws, monkeypatch):
    """people_of(name): from now on this process has the keys of that IAM user; returns the user's id."""
    iam, users = aws.client("iam"), {}

    def become(name):
        if name not in users:
            made = iam.create_user(UserName=name)["User"]["UserId"]
            users[name] = (made, iam.create_access_key(UserName=name)["AccessKey"])
        user_id, key = users[name]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["SecretAccessKey"])
        monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
        return user_id

    return become


@pytest.fixture
def guard(site, people_of, install):
    """A guard of alice's whose requests are in a table."""
    for _ in create(PLACE):
        pass
    people_of("alice")
    install(state=STATE, params={"approvals": {RULE: {"minutes": 10}}})
    return site


@cache
def _client(service, _key):
    # boto3's own session would keep the keys of the first person.
    return boto3.Session().client(service, region_name="eu-west-1")


def ec2():
    return _client("ec2", os.environ["AWS_ACCESS_KEY_ID"])


def denied(site, number=0):
    with pytest.raises(guardrails.CallDenied) as caught:
        ec2().terminate_instances(InstanceIds=[site.blue.instance_ids[number]])
    return caught.value


def approve(tmp_path, request_id):
    file = tmp_path / "guardrails.toml"
    file.write_text(CONFIG)
    done = CliRunner().invoke(app, ["approve", request_id, "--reason", "INC-42", "--config", str(file)])
    return f"{done.exit_code} {done.output}"


def test_bob_approves_alices_call(guard, aws, people_of, tmp_path, log):
    """Her own approval is refused; bob's lets her call pass, and neither carol's nor another one of hers."""
    first = denied(guard)
    asked = first.decision.approval
    alice = people_of("alice")
    assert asked.user == alice
    assert f"2 guardrails: request {asked.id} is your own" in approve(tmp_path, asked.id)
    people_of("bob")
    assert approve(tmp_path, asked.id).startswith("0 ")
    people_of("carol")
    assert f"Approval {asked.id} by arn:aws:iam::123456789012:user/bob was given to arn" in str(denied(guard))
    people_of("alice")
    assert "which was altered" in str(denied(guard, 1))
    before = aws.count("TerminateInstances")
    assert not before
    ec2().terminate_instances(InstanceIds=[guard.blue.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1
    (entry,) = json.loads(log.read_text().splitlines()[-1])["input"]["approvals"]
    assert (entry["name"].rpartition("/")[2], entry["asker"].rpartition("/")[2]) == ("bob", "alice")
    assert json.loads(log.read_text().splitlines()[-1])["input"]["caller"]["user_id"] == alice


def command(site):
    """Something that may be done again and again."""
    ssm = _client("ssm", os.environ["AWS_ACCESS_KEY_ID"])
    parameters = {"commands": ["uptime"]}
    ssm.send_command(DocumentName="AWS-RunShellScript", InstanceIds=[site.blue.instance_ids[0]], Parameters=parameters)


def test_replays_in_the_table(guard, aws, people_of):
    """A self-made, an expired and a used approval: nothing arrives, each denial has its own sentence."""

    def refused(sentence):
        before = aws.count("SendCommand")
        with pytest.raises(guardrails.CallDenied) as caught:
            command(guard)
        assert sentence in str(caught.value)
        assert aws.count("SendCommand") == before

    refused("A second person can approve it until")
    board, alice, bob = ApprovalTable(Table(PLACE)), people_of("alice"), people_of("bob")
    people_of("alice")
    ((asked,),) = [[each.request] for each in board.all()]
    name = "arn:aws:iam::123456789012:user/bob"
    for by, at, sentence in (
        (bob, time.time() - 1801, "user/bob expired at"),
        (alice, time.time() - 1, "there is no second person"),
        ("AROA1:i-0123456789abcdef0", time.time(), "is a machine's or anyone's"),
    ):
        board.grant(asked, Grant(by, name, "INC-42", asked.digest, at))
        refused(sentence)
    board.grant(asked, Grant(bob, name, "INC-42", asked.digest, time.time(), asked.leaves))
    command(guard)
    assert aws.count("SendCommand") == 1
    refused("was used already, by decision")


def test_the_table_is_away(site, aws, people_of, install):
    """Without the table no approval counts: denied with the reason and no request; break glass works."""
    people_of("alice")
    terms = {RULE: {"minutes": 10}, "remaining/shared-memory": {"minutes": 10}}
    install(state=STATE, params={"approvals": terms})
    error = denied(site)
    assert error.decision.approval is None
    assert {*terms} == {one.rule for one in error.decision.violations}
    assert "No approval can be asked for, and none counts: the shared memory" in str(error)
    with guardrails.break_glass(reason="INC-42", rules=[*terms]):
        ec2().terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


def test_aws_does_not_say_who_asks(guard, aws, people_of):
    """Without an answer of STS the call stays denied, and says why no one can approve it; other calls pass."""
    aws.answer("GetCallerIdentity", 403, "AccessDenied", "no")
    error = denied(guard)
    assert error.decision.approval is None
    assert "No approval can be asked for, and none counts: " in str(error)
    ec2().terminate_instances(InstanceIds=[guard.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


def test_only_ones_own_grants_may_be_written():
    """The IAM policy lets a guard write no grant, and an approver only those in the partition of their own user id."""
    statements = {one["Sid"]: one for one in json.loads(policy(PLACE))["Statement"]}
    assert statements["GuardWrites"]["Condition"] == {"ForAllValues:StringNotLike": {"dynamodb:LeadingKeys": ["gra#*"]}}
    assert statements["Approve"]["Condition"] == {
        "ForAllValues:StringLike": {
            "dynamodb:LeadingKeys": ["gra#${aws:userid}", "gra#${aws:userid}#${aws:username}", "req#*"]
        }
    }
    assert statements["Guard"]["Action"] == ["dynamodb:BatchGetItem", "dynamodb:Query"]
    assert {statements[sid]["Action"] for sid in ("GuardWrites", "Approve")} == {"dynamodb:UpdateItem"}


@cache
def request(number=0):
    """A request, the same one each time."""
    who = Identity("AIDAALICE", "arn:aws:iam::1:user/alice")
    call = Call("ec2", "X", {}, "eu-west-1", "https://ec2.eu-west-1.amazonaws.com", account="1")
    what = document(Decision("d", "deny", call, ()), who.id)
    return Request(f"r{number}", "1#eu-west-1#ec2:X", "d", what, "X", time.time(), 10, {RULE: ("*",)}, who)


def test_many_requests_are_bounded(guard, aws, people_of, monkeypatch):
    """With fifty of her requests open, no other one is made: the denial says until when. Carol's is made, up to all."""
    monkeypatch.setattr(asking, "_OPEN", 55)
    alice, board = people_of("alice"), ApprovalTable(Table(PLACE))
    place, now = f"123456789012#{guard.ec2.meta.region_name}#ec2:TerminateInstances", time.time()

    def fill(user, numbers):
        for number in numbers:
            who = Identity(user, user)
            board.ask(evolve(request(), id=f"n{number}", place=place, asked_at=now - number / 10, asked_by=who))

    fill(alice, range(50))
    error = denied(guard)
    assert error.decision.approval is None
    assert "50 of your requests for ec2:TerminateInstances wait for an approval already" in str(error)
    people_of("carol")
    assert denied(guard).decision.approval is not None
    fill("AIDAOTHER", range(100, 104))
    people_of("dora")
    assert "55 requests for ec2:TerminateInstances wait for an approval already" in str(denied(guard))
    assert aws.count("TerminateInstances", "Scan") == 0


class LosesTheAnswer(SimulatedTable):
    """Carries the next write out, and loses what it answers."""

    lost = False

    def update(self, *args, **options):
        done = super().update(*args, **options)
        if options.get("condition") and not self.lost:
            self.lost = True
            raise StateUnavailable("the answer was lost")
        return done


def test_a_lost_answer_is_read_back():
    """Where the answer to a use is lost, what is written says which decision has it, and no other one does."""
    table = LosesTheAnswer(World(1))
    board = ApprovalTable(table)
    board.ask(request())
    assert board.take(request(), "d-1")
    assert table.lost
    assert not board.take(request(), "d-2")
    assert board.take(request(), "d-1")


def test_a_use_is_given_back_by_its_decision_alone():
    """Only the decision that has an approval can give it back; then another one may use it."""
    board = ApprovalTable(SimulatedTable(World(1)))
    board.ask(request())
    assert board.take(request(), "d-1")
    board.give_back(request().place, "r0", "d-2")
    assert not board.take(request(), "d-2")
    board.give_back(request().place, "r0", "d-1")
    assert board.take(request(), "d-2")


def test_a_lost_write_is_no_use():
    """Where the use was not written, no one has it."""

    class LosesTheWrite(SimulatedTable):
        def update(self, *args, **options):
            if options.get("condition"):
                raise StateUnavailable("the request was lost")
            return super().update(*args, **options)

    board = ApprovalTable(LosesTheWrite(World(1)))
    board.ask(request())
    with pytest.raises(StateUnavailable):
        board.take(request(), "d-1")


def test_of_two_uses_at_once_one_wins(dynalite, monkeypatch):
    """Eight decisions use one grant at the same moment, twenty times: exactly one of them has it."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynalite)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    place = evolve(PLACE, table="approvals")
    for _ in create(place):
        pass
    boards = [ApprovalTable(Table(place)) for _ in range(8)]
    for number in range(20):
        boards[0].ask(request(number))
        won, gate = [], threading.Barrier(len(boards))

        def use(board, name, number=number, won=won, gate=gate):
            gate.wait()
            if board.take(request(number), name):
                won.append(name)

        threads = [threading.Thread(target=use, args=(board, f"d-{at}")) for at, board in enumerate(boards)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        found = {record.request.id: record for record in boards[0].records(request().place)}
        assert found[f"r{number}"].used_by == won[0]


def test_grants_count_by_their_partition():
    """A grant says what it wants about who gave it: the partition that it is in decides."""
    table = SimulatedTable(World(1))
    board = ApprovalTable(table)
    board.ask(request())
    board.grant(request(), Grant("AROA1:bob", "arn:…/bob", "INC-42", "d", 1.0))
    table.world.items["gra#AROA1:bob", "r0"]["grant"] = Grant("AIDACEO", "the boss", "x", "d", 1.0).written()
    (record,) = board.records(request().place)
    assert isinstance(record, Record)
    assert [grant.by for grant in record.grants] == ["AROA1:bob"]


@pytest.mark.parametrize(
    ("partition", "said", "sentence"),
    [
        ("gra#AIDAALICE#alice", "arn:aws:iam::1:user/bob", "there is no second person"),
        ("gra#AIDAALICE#Alice", "bob", "there is no second person"),
        ("gra#AIDAALICE", "arn:aws:iam::1:user/bob", "nothing proves which IAM user AIDAALICE is"),
        ("gra#AIDABOB", "arn:aws:iam::1:user/bob", "`guardrails state init --policy`"),
        ("gra#AIDABOB#bob", "arn:aws:iam::1:user/team/bob", ""),
        ("gra#AIDABOB#bob", "the boss", ""),
        ("gra#AROA2:bob", "arn:aws:sts::1:assumed-role/Ops/bob", ""),
    ],
)
def test_the_name_of_a_user_is_proven(partition, said, sentence):
    """A grant that is written by hand counts only under the user name that IAM lets its writer use."""
    table = SimulatedTable(World(1))
    board = ApprovalTable(table)
    asked = evolve(request(), asked_by=Identity("AROA1:alice", "arn:aws:sts::1:assumed-role/Ops/alice"))
    asked = evolve(asked, digest=digest(asked.document))
    board.ask(asked)
    grant = Grant("x", said, "INC-42", asked.digest, asked.asked_at)
    table.world.items[partition, asked.id] = {"grant": grant.written()}
    (key,) = [key for key in table.world.items if key[0] == "req#*"]
    table.world.items[key]["answered"] = frozenset([partition.removeprefix("gra#")])
    found = standing.of(
        board.records(asked.place), asked.document, asked.asked_by, Terms({RULE: ("*",)}, 10.0, {}), asked.asked_at
    )
    assert (found.approval is None) is bool(sentence)
    assert sentence in found.note
    if found.approval:
        assert found.approval.name.endswith("/bob")


def test_what_others_write_disturbs_no_request():
    """A text, a name or a list of answers that no guard writes is passed over; the request beside it is read."""
    table = SimulatedTable(World(1))
    board = ApprovalTable(table)
    board.ask(request())
    bad = evolve(request(1), minutes=float("inf")).written()
    items, other = table.world.items, request(3).written()
    (key,) = [key for key in items if key[0] == "req#*"]
    for number, text in enumerate((bad, other, "[" * 10_000, 5)):
        items["req#*", f"{request().place}#9{number}"] = {"request": text, "answered": 5, "used": "x"}
    items[key]["answered"] = 5
    (record,) = board.records(request().place)
    assert (record.request.id, record.grants, record.used_by) == ("r0", (), "")
    board.ask(request(6))
    assert {each.request.id for each in board.records(request().place)} == {"r0", "r6"}


@pytest.mark.parametrize(
    ("asker", "approver", "same"),
    [
        ("AIDAALICE", "AIDAALICE", True),
        ("AROA1:alice", "AROA2:alice", True),
        ("AROA1:ci", "AROA1:ci", True),
        ("AROA1:alice", "AROA1:bob", False),
        ("AROA1:alice", "AROA2:Alice", True),
        ("AIDAALICE", "AIDABOB", False),
        ("AIDAALICE arn:aws:iam::1:user/alice", "AROA1:alice", True),
        ("AIDAALICE arn:aws:iam::1:user/team/web/Alice", "AROA1:alice", True),
        ("AROA1:alice", "AIDAALICE arn:aws-cn:iam::1:user/alice", True),
        ("AROA1:alice arn:aws:sts::1:assumed-role/Ops/alice", "AROA2:bob arn:aws:sts::1:assumed-role/Ops/bob", False),
        ("1:alice arn:aws:sts::1:federated-user/alice", "AIDAALICE arn:aws:iam::1:user/alice", True),
        ("AIDAANNA arn:aws:iam::1:user/anna", "AIDABEN arn:aws:iam::1:user/ben", False),
        ("AIDAALICE arn:aws:iam::1:user/alice", "AROA1:bob", False),
        ("AIDAALICE arn:aws:iam::1:user/bob/alice", "AROA1:bob", False),
        ("alice", "Alice", False),
        ("AIDAALICE ", "AIDABOB ", False),
    ],
)
def test_two_people(asker, approver, same):
    """Two user ids are two people, unless they have the same user or session name; two users of the host always are."""
    assert people.is_same(asker.split(" "), approver.split(" ")) is same


def test_one_person_as_user_and_role():
    """A grant of the asker's own role does not count, nor one of their IAM user the other way round; bob's does."""
    user = Identity("AIDAALICE", "arn:aws:iam::1:user/alice")
    role = Identity("AROA1:alice", "arn:aws:sts::1:assumed-role/Ops/alice")
    bob = Identity("AROA1:bob", "arn:aws:sts::1:assumed-role/Ops/bob")
    for asker, by, sentence in ((user, role, "no second person"), (role, user, "no second person"), (user, bob, "")):
        asked = evolve(request(), asked_by=asker, digest=digest(request().document))
        grant = Grant(by.id, by.name, "INC-42", asked.digest, asked.asked_at)
        terms = Terms({RULE: ("*",)}, 10.0, {})
        found = standing.of([Record(asked, (grant,))], asked.document, asker, terms, asked.asked_at)
        assert (found.approval is None) is bool(sentence)
        assert sentence in found.note


@pytest.mark.parametrize(
    ("approver", "person"),
    [
        ("AROA1:i-0a1b2c3d4e5f67890", False),
        ("AROA1:botocore-session-1700000000", False),
        ("AROA1:1700000000", False),
        ("AROA1:AWSCLI-Session", False),
        ("AROA1:GitHubActions", False),
        ("AROA1:0123456789abcdef0123456789abcdef", False),
        ("AROA1:AWSCodeBuild-6cd4a1c6-8e8b", False),
        ("AROA1:eks-web-pod-6cd4a1c6", False),
        ("AROA1:eksi", True),
        ("AROA1:alice", True),
        ("AROA1:alice@example.com", True),
        ("AIDABOB", True),
    ],
)
def test_a_machines_session_is_no_person(approver, person):
    """A session that a machine or a tool has named says nothing about who approves."""
    assert people.is_person(approver) is person
