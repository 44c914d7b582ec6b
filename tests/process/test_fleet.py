"""The memory of a fleet: what holds in one host's file holds in a DynamoDB table, and what the table adds."""

from __future__ import annotations

import json
import os
import socket
import time
from types import SimpleNamespace

import boto3
import pytest
from click.testing import CliRunner

import guardrails
from guardrails.cli.app import app
from guardrails.config.load import load
from guardrails.doctor import approvals, memory
from guardrails.memory import History, MachineState, SqliteStore, StateUnavailable
from guardrails.memory.dynamodb import DynamoStore, Place, ledger
from guardrails.memory.dynamodb.administration import create
from guardrails.memory.fleet import FleetStore
from guardrails.memory.pacer import Pacer
from guardrails.resolve.ownership import Ownership
from tests.process import test_history as of_history
from tests.process import test_pacing as of_pacing

PLACE = Place("guardrails", "eu-west-1", timeout_s=30)

HISTORY = [
    of_history.test_single_calls_count_as_one,
    of_history.test_a_retry_counts_once,
    of_history.test_machines_under_way_are_known_to_others,
    of_history.test_a_call_that_did_nothing_is_forgotten,
    of_history.test_a_refused_call_is_withdrawn,
    of_history.test_a_call_in_doubt_counts_for_a_short_time,
    of_history.test_what_was_carried_out_in_doubt_counts,
    of_history.test_a_start_after_a_stop_counts,
    of_history.test_a_start_that_aws_accepted_counts,
    of_history.test_a_reboot_takes_nothing_away,
    of_history.test_denied_calls_leave_nothing,
    of_history.test_two_at_the_same_moment_see_each_other,
    of_history.test_a_denied_retry_does_not_unsend_the_first,
    of_history.test_an_abandoned_claim_expires,
    of_history.test_the_window_ends,
    of_history.test_stopped_machines_count_until_they_run_again,
    of_history.test_machines_of_a_group_count,
    of_history.test_launches_and_calls_are_counted,
    of_history.test_accounts_and_regions_are_apart,
    of_history.test_a_cutover_is_noticed,
    of_history.test_nothing_retires_while_liveness_is_unknown,
    of_history.test_going_back_makes_it_live_again,
    of_history.test_the_first_cluster_that_was_ever_seen,
    of_history.test_a_mistake_does_not_end_an_earlier_window,
    of_history.test_machines_leave_their_cluster,
]
PACING = [
    of_pacing.test_a_burst_then_the_documented_rate,
    of_pacing.test_machines_have_a_bucket_of_their_own,
    of_pacing.test_too_late_is_refused_and_takes_nothing,
    of_pacing.test_what_aws_never_allows_is_refused,
    of_pacing.test_throttling_empties_the_bucket,
    of_pacing.test_other_regions_and_services_are_apart,
]


@pytest.fixture
def place(aws):
    """A new table of the simulated AWS, whose updates are exact as long as they come one after the other."""
    for _ in create(PLACE):
        pass
    return PLACE


@pytest.mark.parametrize("fact", HISTORY, ids=lambda fact: fact.__name__)
def test_history_in_a_table(place, fact):
    """Each fact about the history in a file is one about the history in a table."""
    fact(History(DynamoStore(place), Ownership().named))


@pytest.mark.parametrize("fact", PACING, ids=lambda fact: fact.__name__)
def test_pacing_in_a_table(place, fact):
    """Each fact about pacing with a file is one about pacing with a table."""
    fact(Pacer(DynamoStore(place), share=1.0, max_wait_s=60))


def test_a_child_uses_the_table_for_itself(place):
    """A forked child uses no connection or lock of its parent's; each sees what the other did."""
    history = History(DynamoStore(place), Ownership().named)
    of_history.take(history, "i-1")
    with history.store.table._lock:
        child = os.fork()
        if not child:
            os._exit(0 if of_history.take(history, "i-2").going == {"i-1": "shutting-down"} else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert sorted(of_history.take(history, "i-3").going) == ["i-1", "i-2"]


def test_what_could_not_be_settled_is_settled_later(aws, place):
    """A call that was sent while the table was away counts for the whole window, once the table is back."""
    history = History(DynamoStore(place), Ownership().named)
    claim, _ = history.claim(of_history.SCOPE, *of_history.terminating("i-1"), of_history.WORKERS, of_history.BLUE, 1e9)
    aws.answer("UpdateItem", 400, "AccessDeniedException", "not now")
    with pytest.raises(StateUnavailable):
        claim.settle(1e9, sent=True)
    aws.repair()
    of_history.take(history, "i-2", now=1e9 + 10)
    late = of_history.take(history, "i-3", machines=of_history.gone("i-1"), now=1e9 + 1000)
    assert late.destroyed == {"workers": 1}


# -- with the whole guard ---------------------------------------------------------------------------------------------

BOUNDED = {"params": {"remaining": {"clusters": {"workers": {"max_share": 0.5}}}}}


def fleet(tmp_path, host="one", **state):
    """Configuration of a host with a file of its own, and the shared table."""
    path = str(tmp_path / f"{host}.db")
    return {"state": {"store": "dynamodb", "region": "eu-west-1", "path": path, "timeout_s": 20, **state}}


@pytest.fixture
def workers(aws):
    """Eight machines that have a bound of a half, beside a live cluster."""
    aws.start_cluster("blue", 1, addresses=1)
    return aws.start_cluster("workers", 8).instance_ids


def attempt(client, machines, operation="terminate_instances"):
    """The rules that deny it, or None if it was sent."""
    try:
        getattr(client, operation)(InstanceIds=list(machines))
    except guardrails.CallDenied as denied:
        return {each.rule for each in denied.decision.violations} or {denied.decision.unavailable}
    return None


def test_a_bound_holds_for_all_hosts(aws, place, install, tmp_path, workers):
    """Half of the workers may go: what one host took counts on another, and a denied call counts on none."""
    ec2 = aws.client("ec2")
    for number, (count, denied) in enumerate(
        ((2, None), (3, {"remaining/share"}), (2, None), (1, {"remaining/share"}))
    ):
        install(**fleet(tmp_path, f"host{number}"), **BOUNDED)
        assert attempt(ec2, workers[2 * number :][:count]) == denied
        guardrails.uninstall()
    assert aws.running("workers") == 4
    assert aws.count("TerminateInstances") == 2


def test_an_ungoverned_call_costs_no_request(aws, place, install, tmp_path, workers):
    """Nothing is asked of the table for a call that the guard does not judge."""
    install(**fleet(tmp_path))
    aws.clear()
    aws.client("ec2").describe_instances()
    assert aws.count("UpdateItem", "BatchGetItem") == 0
    assert aws.count("DescribeInstances") == 1


def test_requests_of_a_decision(aws, place, install, tmp_path, workers):
    """Once a process knows the region: one read and two writes side by side, and one write to settle."""
    install(**fleet(tmp_path), pacing={"enabled": False})
    ec2 = aws.client("ec2")
    assert attempt(ec2, workers[:1]) is None
    aws.clear()
    assert attempt(ec2, workers[1:2]) is None
    assert (aws.count("BatchGetItem"), aws.count("UpdateItem")) == (1, 3)
    assert aws.count("TerminateInstances") == 1


def test_the_last_live_cluster_is_known_to_all_hosts(aws, place, install, tmp_path):
    """A host that was not there at the cutover keeps the way back open, also for a machine that was retagged since."""
    blue = aws.start_cluster("blue", 3, addresses=1)
    green = aws.start_cluster("green", 3)
    ec2 = aws.client("ec2")
    guard = install(**fleet(tmp_path, "one"))
    ec2.associate_address(
        AllocationId=blue.allocation_ids[0], InstanceId=green.instance_ids[0], AllowReassociation=True
    )
    guard.check(ec2, "TerminateInstances", InstanceIds=[green.instance_ids[1]])
    guardrails.uninstall()
    ec2.create_tags(Resources=[blue.instance_ids[2]], Tags=[{"Key": "Cluster", "Value": "attic"}])
    install(**fleet(tmp_path, "two"))
    assert attempt(ec2, blue.instance_ids[:1]) == {"rollback/window"}
    assert attempt(ec2, blue.instance_ids[2:]) == {"rollback/window"}
    assert aws.count("TerminateInstances") == 0


GONE = [
    ("refused", "could not connect|Could not connect"),
    ("throttled", "ThrottlingException"),
    ("slow", "deadline|timeout|timed out"),
    ("missing", "guardrails state init"),
    ("another version", "version 7"),
    ("not permitted", r"dynamodb:UpdateItem is not permitted.*state init --policy"),
]


def break_it(aws, monkeypatch, how):
    """Let the table fail in one of these ways."""
    ours = boto3.client("dynamodb")
    if how == "refused":
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:1")
    elif how == "throttled":
        aws.answer("UpdateItem", 400, "ThrottlingException", "Rate exceeded")
    elif how == "slow":
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{silent_port()}")
    elif how == "missing":
        ours.update_table(TableName="guardrails", DeletionProtectionEnabled=False)
        ours.delete_table(TableName="guardrails")
    elif how == "another version":
        ours.put_item(TableName="guardrails", Item={"pk": {"S": "ver"}, "sk": {"S": "0"}, "version": {"N": "7"}})
    else:
        aws.answer("UpdateItem", 400, "AccessDeniedException", "User is not authorized")


def silent_port():
    """A port that accepts connections and never answers; it stays open to the end of the process."""
    listening = socket.create_server(("127.0.0.1", 0))
    SILENT.append(listening)
    return listening.getsockname()[1]


SILENT = []


@pytest.mark.parametrize(("how", "words"), GONE, ids=[how for how, _ in GONE])
def test_while_the_table_does_not_answer(aws, place, install, tmp_path, workers, monkeypatch, caplog, how, words):
    """What harms a bounded or live cluster is denied and says why; another cluster is decided on by facts alone."""
    green = aws.start_cluster("green", 2).instance_ids
    ec2 = aws.client("ec2")
    break_it(aws, monkeypatch, how)
    install(**fleet(tmp_path, timeout_s=0.2 if how == "slow" else 20), **BOUNDED)
    with pytest.raises(guardrails.CallDenied, match=words) as denied:
        ec2.terminate_instances(InstanceIds=[workers[0]])
    assert {each.rule for each in denied.value.decision.violations} == {"remaining/shared-memory"}
    assert "state.fallback" in str(denied.value)
    blue = [each.id for each in aws_machines(ec2, "blue")]
    assert attempt(ec2, blue) >= {"remaining/shared-memory"}
    assert aws.count("TerminateInstances") == 0
    with caplog.at_level("WARNING", "guardrails"):
        assert attempt(ec2, green[:1]) is None
    assert "decided without what other hosts did" in caplog.text
    assert aws.count("TerminateInstances") == 1
    ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3.small")
    assert aws.count("RunInstances") == 1
    with guardrails.break_glass(reason="INC-1", rules=["remaining/shared-memory"]):
        assert attempt(ec2, workers[:1]) is None
    assert aws.count("TerminateInstances") == 2


def aws_machines(ec2, cluster):
    """The machines of a cluster, as they are in AWS."""
    pages = ec2.describe_instances(Filters=[{"Name": "tag:Cluster", "Values": [cluster]}])["Reservations"]
    return [SimpleNamespace(id=each["InstanceId"]) for page in pages for each in page["Instances"]]


def test_a_host_that_goes_on_alone(aws, place, install, tmp_path, workers, monkeypatch):
    """With `fallback = "host"`, two hosts may each take a half of what is allowed, and what they took before counts."""
    ec2 = aws.client("ec2")
    config = {**fleet(tmp_path, "one", fallback="host", hosts=2), **BOUNDED}
    install(**config)
    assert attempt(ec2, workers[:1]) is None
    guardrails.uninstall()
    break_it(aws, monkeypatch, "refused")
    install(**config)
    assert attempt(ec2, workers[1:3]) == {"remaining/share"}
    assert attempt(ec2, workers[1:2]) is None
    assert attempt(ec2, workers[2:3]) == {"remaining/share"}
    assert aws.running("workers") == 6
    assert aws.count("TerminateInstances") == 2


def test_a_host_paces_its_part_alone(aws, place, tmp_path, monkeypatch):
    """Of five launches at once and two a second, one of five hosts takes one, and then one every 2.5 s."""
    break_it(aws, monkeypatch, "refused")
    host = SqliteStore(tmp_path / "state.db")
    pacer = Pacer(FleetStore(DynamoStore(place), host, hosts=5), share=1.0)
    waits = [pacer.take(of_pacing.SCOPE, of_pacing.launch(), of_pacing.NOW).seconds for _ in range(3)]
    assert waits == pytest.approx([0, 2.5, 5])


@pytest.mark.parametrize("ahead_s", [-60, 60])
def test_a_clock_that_is_wrong(aws, place, ahead_s, monkeypatch):
    """A host whose clock differs from AWS's by more than 30 s is refused, and the sentence says by how much."""
    real = time.time
    monkeypatch.setattr("guardrails.memory.dynamodb.table.time", SimpleNamespace(time=lambda: real() + ahead_s))
    with pytest.raises(StateUnavailable, match=r"this host's clock is (59|60|61) s (behind|ahead of) AWS's.*correct"):
        of_history.take(History(DynamoStore(place), Ownership().named), "i-1")


def test_clocks_that_differ_share_windows(aws, place, monkeypatch):
    """A host whose clock is 20 s ahead counts by AWS's clock: its claims are as old as those of the others."""
    real, now = time.time, time.time()
    of_history.take(History(DynamoStore(place), Ownership().named), "i-1", now=now)
    monkeypatch.setattr("guardrails.memory.dynamodb.table.time", SimpleNamespace(time=lambda: real() + 20))
    ahead = History(DynamoStore(place), Ownership().named)
    assert of_history.take(ahead, "i-2", now=now + 130).going == {"i-1": "shutting-down"}
    assert of_history.take(ahead, "i-3", now=now + 145).going == {"i-2": "shutting-down"}


def test_a_table_with_other_keys(aws, tmp_path):
    """A table of something else is one sentence, and is left alone."""
    boto3.client("dynamodb").create_table(
        TableName="guardrails",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(StateUnavailable, match=r"state\.table"):
        of_history.take(History(DynamoStore(PLACE), Ownership().named), "i-1")
    with pytest.raises(StateUnavailable, match="keys are not pk and sk"):
        list(create(PLACE))


# -- the item that grows ----------------------------------------------------------------------------------------------


def test_old_machines_are_only_counted(place):
    """A ledger that grows keeps the machines of calls in flight, and counts the others in minutes."""
    history = History(DynamoStore(place), Ownership().named)
    machines = {f"i-{number:017x}": MachineState("workers", "terminated") for number in range(6000)}
    names = sorted(machines)
    for number in range(5):
        of_history.take(history, *names[1000 * number :][:1000], machines=machines, now=of_history.NOW + 200 * number)
    item = history.store.table.items([ledger.key(of_history.SCOPE, "workers")]).popitem()[1]
    assert sum(name.startswith("c_") for name in item) < 5
    assert sum(value for name, value in item.items() if name.startswith("m_terminate_")) >= 1000
    past = of_history.take(history, names[-1], machines=machines, now=of_history.NOW + 1000)
    assert past.destroyed == {"workers": 5000}
    assert of_history.take(history, names[-1], machines=machines, now=of_history.NOW + 5000).destroyed == {}


def test_a_call_for_thousands_is_counted(place):
    """Where an item has no more room for names, a call's machines are counted, and count at once."""
    store = DynamoStore(place)
    history = History(store, Ownership().named)
    machines = {f"i-{number:017x}": MachineState("workers", "running") for number in range(15_000)}
    names = sorted(machines)
    for number in range(3):
        of_history.take(history, *names[5000 * number :][:5000], machines=machines)
    past = of_history.take(history, names[0], machines=machines)
    assert len(past.going) + past.destroyed["workers"] >= 14_999


# -- for people -------------------------------------------------------------------------------------------------------


def command(*arguments, config):
    """Run a command of the CLI in this process."""
    return CliRunner().invoke(app, [*arguments], env={"GUARDRAILS_CONFIG": str(config)})


@pytest.fixture
def config(tmp_path):
    """A configuration with a table."""
    path = tmp_path / "guardrails.toml"
    path.write_text('[state]\nstore = "dynamodb"\nregion = "eu-west-1"\n[log]\npath = "decisions.jsonl"\n')
    return path


def test_state_init_and_show(aws, config, workers, install, tmp_path):
    """`state init` makes a protected table and prints the policy; `show` says who takes what, on which host."""
    made = command("state", "init", config=config)
    assert made.exit_code == 0, made.output
    actions = [statement["Action"] for statement in json.loads(made.stdout)["Statement"][:2]]
    assert actions == [["dynamodb:BatchGetItem", "dynamodb:Query"], "dynamodb:UpdateItem"]
    table = boto3.client("dynamodb").describe_table(TableName="guardrails")["Table"]
    assert table["DeletionProtectionEnabled"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert command("state", "init", config=config).exit_code == 0
    assert "nothing is under way" in command("state", "show", config=config).output
    install(**fleet(tmp_path))
    assert attempt(aws.client("ec2"), workers[:1]) is None
    shown = command("state", "show", config=config).output
    assert f"terminates 1 machine of workers ({workers[0]}), sent" in shown
    assert f"on {socket.gethostname()}" in shown
    (entry,) = json.loads(command("state", "show", "--format", "json", config=config).stdout)["calls"]
    assert (entry["names"], entry["state"]) == ([workers[0]], "sent")


def test_a_broken_glass_is_seen_by_all_hosts(aws, config, place, install, tmp_path, caplog):
    """What one host sets aside, `state show` shows on every other; a table that is away holds no emergency up."""
    install(**fleet(tmp_path))
    with guardrails.break_glass(reason="INC-7", rules=["live-cluster/stop"], minutes=5):
        shown = command("state", "show", config=config).output
    assert "break glass: live-cluster/stop set aside until" in shown
    assert f"on {socket.gethostname()}: INC-7" in shown
    aws.answer("UpdateItem", 400, "AccessDeniedException", "not now")
    with guardrails.break_glass(reason="INC-8", rules=["live-cluster/stop"]):
        assert "other hosts do not see that the glass is broken" in caplog.text


def test_show_reads_a_file_too(aws, workers, install, tmp_path):
    """Without a table, `state show` reads this host's file; `state init` says that a file needs nothing."""
    path = tmp_path / "guardrails.toml"
    path.write_text('[log]\npath = "decisions.jsonl"\n')
    install()
    assert attempt(aws.client("ec2"), workers[:1]) is None
    assert f"terminates 1 machine of workers ({workers[0]}), sent" in command("state", "show", config=path).output
    refused = command("state", "init", config=path)
    assert refused.exit_code == 2
    assert 'store = "dynamodb"' in refused.output


def test_doctor_tries_the_place_of_approvals(aws, config, place, tmp_path):
    """`doctor` says as whom this host asks; without AWS's answer, the table or the folder, that no approval counts."""
    settings = load(config)
    (found,) = approvals.examine(settings)
    assert (found.state, found.facts["place"]) == ("ok", "the table guardrails")
    assert "where this is arn:aws:" in found.sentence
    aws.answer("GetCallerIdentity", 403, "AccessDenied", "no")
    (found,) = approvals.examine(settings)
    assert (found.state, "sts:GetCallerIdentity" in found.sentence) == ("problem", True)
    aws.repair()
    aws.answer("Query", 400, "AccessDeniedException", "no")
    (found,) = approvals.examine(settings)
    assert "dynamodb:Query is not permitted" in found.sentence
    assert "Until then no approval can be asked for" in found.sentence
    file = tmp_path / "file"
    file.write_text("")
    for folder, state in ((tmp_path / "asked", "ok"), (file, "problem")):
        (found,) = approvals.examine(load({"approval_folder": str(folder)}))
        assert found.state == state
    assert list((tmp_path / "asked").iterdir()) == []


def test_doctor_tries_every_permission(aws, config, place):
    """`doctor` names the permission that is missing, by a write that cannot succeed."""
    settings = load(config)
    assert [each.state for each in memory.examine(settings) if each.about == "shared memory"] == ["ok"] * 4
    aws.answer("UpdateItem", 400, "AccessDeniedException", "User is not authorized")
    findings = [each for each in memory.examine(settings) if each.state == "problem"]
    assert [each.facts["action"] for each in findings] == ["dynamodb:UpdateItem"]
    assert "state init --policy" in findings[0].sentence
