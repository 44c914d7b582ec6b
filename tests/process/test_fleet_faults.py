"""The memory of a fleet when something is wrong: with the table, what answers for it, this host, or its process."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from functools import partial

import boto3
import pytest

import guardrails
from guardrails.enforce.break_glass import shown
from guardrails.memory import History, MachineState, SqliteStore, StateUnavailable
from guardrails.memory.buckets import Draw
from guardrails.memory.dynamodb import DynamoStore, Glasses, Place, Table, administration, ledger
from guardrails.memory.fleet import FleetStore
from guardrails.memory.pacer import Pacer
from guardrails.memory.rate_limits import LAUNCH_LIMIT
from guardrails.resolve.ownership import Ownership
from guardrails.values import Live
from tests.process.test_fleet import (  # noqa: F401  (fixtures)
    BOUNDED,
    attempt,
    aws_machines,
    break_it,
    command,
    config,
    fleet,
    place,
    workers,
)
from tests.process.test_history import BLUE, SCOPE, WORKERS, gone, take, terminating
from tests.support.waiting import until

NOW = 1e9


@pytest.fixture
def history(place):  # noqa: F811
    return History(DynamoStore(place), Ownership().named)


@pytest.fixture
def other(place):  # noqa: F811
    """Another host."""
    return History(DynamoStore(place), Ownership().named)


def claimed(history, name, now=NOW):
    return history.claim(SCOPE, *terminating(name), WORKERS, BLUE, now)[0]


def sent_while_away(aws, history):
    """A claim whose call was sent when the table did not answer."""
    claim = claimed(history, "i-1")
    aws.answer("UpdateItem", 400, "AccessDeniedException", "not now")
    with pytest.raises(StateUnavailable):
        claim.settle(NOW, sent=True)
    aws.repair()
    return claim


# -- what answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", ["{}", "<html>please log in</html>"])
@pytest.mark.parametrize("operation", ["UpdateItem", "BatchGetItem"])
def test_what_is_not_dynamodb_is_no_empty_history(aws, history, operation, body):
    """An answer without the table's own content, as of a proxy, does not say that nothing was done."""
    take(history, "i-1", now=NOW)
    aws.reply(operation, body)
    with pytest.raises(StateUnavailable, match=r"not one of DynamoDB.*proxy"):
        take(history, "i-2", now=NOW + 1)
    with pytest.raises(StateUnavailable, match="not one of DynamoDB"):
        take(History(DynamoStore(history.store.table.place), Ownership().named), "i-2", now=NOW + 1)


def test_a_version_that_is_no_number(aws, place, install, tmp_path, workers):  # noqa: F811
    """A table with any other version is one sentence, and an unbounded cluster goes on."""
    green = aws.start_cluster("green", 2).instance_ids
    key = {"pk": {"S": "ver"}, "sk": {"S": "0"}}
    boto3.client("dynamodb").put_item(TableName="guardrails", Item={**key, "version": {"S": "two"}})
    install(**fleet(tmp_path), **BOUNDED)
    ec2 = aws.client("ec2")
    with pytest.raises(guardrails.CallDenied, match="version two, and this guard uses version 1"):
        ec2.terminate_instances(InstanceIds=workers[:1])
    assert attempt(ec2, green[:1]) is None
    assert aws.count("TerminateInstances") == 1


def test_old_credentials_are_read_again(aws, place, monkeypatch):  # noqa: F811
    """When AWS does not know the credentials any more, the guard reads them again, as they are now."""
    table = Table(place)
    table.now(0.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANEW")
    aws.answer("BatchGetItem", 400, "ExpiredTokenException", "The security token is expired", times=1)
    assert table.items([("a", "b")]) == {}
    assert table.client()._request_signer._credentials.access_key == "AKIANEW"
    aws.answer("BatchGetItem", 400, "ExpiredTokenException", "The security token is expired")
    with pytest.raises(StateUnavailable, match="refresh the AWS credentials"):
        table.items([("a", "b")])


def test_the_profile_of_the_environment_counts(tmp_path, monkeypatch):
    """AWS_PROFILE gives credentials and region; one that does not exist is ignored, except as state.profile."""
    shared = tmp_path / "config"
    shared.write_text(
        "[profile ops]\nregion = eu-central-1\naws_access_key_id = AKIAOPS\naws_secret_access_key = secret\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(shared))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_PROFILE", "ops")
    client = Table(Place("guardrails")).client()
    assert client.meta.region_name == "eu-central-1"
    assert client._request_signer._credentials.access_key == "AKIAOPS"
    monkeypatch.setenv("AWS_PROFILE", "no-such")
    assert Table(Place("guardrails", "eu-west-1")).client().meta.region_name == "eu-west-1"
    with pytest.raises(StateUnavailable, match=r"no-such.*correct state\.profile"):
        Table(Place("guardrails", "eu-west-1", "no-such")).client()


def test_a_slow_name_server_ends_with_the_deadline(place, tmp_path, monkeypatch):  # noqa: F811
    """A host name that takes long to look up does not hold a decision up beyond the deadline."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://dynamodb.example.invalid:80")
    found = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found.wait(60) and [])
    store = FleetStore(DynamoStore(Place("guardrails", "eu-west-1", timeout_s=0.2)), SqliteStore(tmp_path / "a"), 2)
    past = History(store, Ownership().named).past(SCOPE, *terminating("i-1"), WORKERS, BLUE, NOW)
    assert not found.is_set()
    assert "deadline (state.timeout_s)" in past.unshared
    found.set()


# -- claims ------------------------------------------------------------------------------------------------------------


def test_a_sent_call_whose_process_ended_counts(aws, history, other):
    """A call that was sent while the table was away counts for the window, where AWS shows the machine as gone."""
    sent_while_away(aws, history)
    assert take(other, "i-2", machines=gone("i-1"), now=NOW + 1000).destroyed == {"workers": 1}


def test_a_withdrawn_claim_stays_away(aws, history, other):
    """What could not be settled and was refused by AWS then is not written again by the next decision."""
    for end in ("withdraw", "drop"):
        claim = sent_while_away(aws, history)
        getattr(claim, end)()
        history.past(SCOPE, *terminating("i-2"), WORKERS, BLUE, NOW + 1)
        assert other.past(SCOPE, *terminating("i-3"), WORKERS, BLUE, NOW + 1).going == {}


def test_doubt_is_not_overwritten(aws, history, other):
    """A call in doubt that could not be settled at first stays in doubt: it is forgotten after half a minute."""
    sent_while_away(aws, history).doubt(NOW + 1)
    history.past(SCOPE, *terminating("i-2"), WORKERS, BLUE, NOW + 2)
    assert other.past(SCOPE, *terminating("i-3"), WORKERS, BLUE, NOW + 40).going == {}


def test_old_and_new_counts_of_a_minute():
    """Where a minute is so old that its count goes, and gets new ones in the same update, the count stays."""
    minute = 60 * 16_000_000
    names = frozenset(f"i-{number:017x}" for number in range(4000))
    item = {"c_a": {"at": minute + 30.0, "s": 1.0, "terminate": names}, f"m_terminate_{minute // 60}": 3.0}
    found = ledger.compaction("workers", item, minute + 86_500.0, 86_480.0)
    assert found.counts == {f"m_terminate_{minute // 60}": 4000}
    assert set(found.outdated).isdisjoint(found.counts)


def test_housekeeping_that_fails_denies_nothing(history, monkeypatch):
    """Where claims cannot be counted instead of kept, the decision goes on."""
    take(history, "i-1", now=NOW)
    monkeypatch.setattr(ledger, "compaction", lambda *_: ledger.Compaction(("c_x", "c_x"), ("bad", "bad"), {}))
    monkeypatch.setattr(history.store.table, "update", partial(_refusing, history.store.table.update))
    assert take(history, "i-2", now=NOW + 1).going == {"i-1": "shutting-down"}


def _refusing(update, key, expression, *arguments, **named):
    if expression.startswith("REMOVE"):
        raise StateUnavailable("Two document paths overlap with each other")
    return update(key, expression, *arguments, **named)


def test_members_are_written_over_several_calls(place):  # noqa: F811
    """Where not all members of live clusters can be written in time, the next call goes on and does not start over."""
    live = Live(known=True, disputed=False, clusters=("a", "b", "c"))
    machines = {f"i-{number:03}": MachineState("abc"[number % 3], "running") for number in range(90)}
    store = DynamoStore(place)
    history = History(store, Ownership().named)
    written, update = [], store.table.update

    def failing(key, *arguments, **named):
        if key[0].startswith("mem#"):
            written.append(key)
            if len(written) == 20:
                raise StateUnavailable("out of time")
        return update(key, *arguments, **named)

    store.table.update = failing
    with pytest.raises(StateUnavailable, match="out of time"):
        history.past(SCOPE, *terminating("i-1"), machines, live, NOW)
    before = len(written)
    history.past(SCOPE, *terminating("i-1"), machines, live, NOW)
    assert 0 < len(written) - before < 10
    complete = len(written)
    history.past(SCOPE, *terminating("i-1"), machines, live, NOW)
    assert len(written) == complete


# -- this host ---------------------------------------------------------------------------------------------------------


def test_what_was_live_is_unknown_while_the_table_is_away(aws, place, install, tmp_path, monkeypatch):  # noqa: F811
    """Where no cluster is live and the table is away, a new host does not conclude that none ever was."""
    blue = aws.start_cluster("blue", 3, addresses=1)
    ec2 = aws.client("ec2")
    install(**fleet(tmp_path, "one"), params={"nothing_live": "allow"})
    assert attempt(ec2, blue.instance_ids[:1]) is not None
    guardrails.uninstall()
    for each in ec2.describe_addresses()["Addresses"]:
        ec2.disassociate_address(AssociationId=each["AssociationId"])
        ec2.release_address(AllocationId=each["AllocationId"])
    break_it(aws, monkeypatch, "refused")
    install(**fleet(tmp_path, "two"), params={"nothing_live": "allow"})
    assert attempt(ec2, blue.instance_ids) is not None
    assert aws.count("TerminateInstances") == 0


def test_what_a_host_did_alone_counts_later(aws, place, install, tmp_path, workers, monkeypatch):  # noqa: F811
    """What a host did while the table was away counts when the table is back, in another process of that host too."""
    ec2 = aws.client("ec2")
    settings = {**fleet(tmp_path, fallback="host", hosts=1), **BOUNDED}
    with monkeypatch.context() as patch:
        break_it(aws, patch, "refused")
        install(**settings)
        assert attempt(ec2, workers[:4]) is None
        guardrails.uninstall()
    install(**settings)
    assert attempt(ec2, workers[4:6]) == {"remaining/share"}
    assert aws.running("workers") == 4


def test_the_file_counts_after_the_change_to_a_table(aws, place, install, tmp_path):  # noqa: F811
    """A cutover that a host saw with a file of its own keeps the way back open when it uses a table."""
    blue, green = aws.start_cluster("blue", 3, addresses=1), aws.start_cluster("green", 3)
    ec2 = aws.client("ec2")
    guard = install(state={"path": str(tmp_path / "one.db")})
    guard.check(ec2, "TerminateInstances", InstanceIds=[green.instance_ids[1]])
    ec2.associate_address(
        AllocationId=blue.allocation_ids[0], InstanceId=green.instance_ids[0], AllowReassociation=True
    )
    guard.check(ec2, "TerminateInstances", InstanceIds=[green.instance_ids[1]])
    guardrails.uninstall()
    ec2.create_tags(Resources=[blue.instance_ids[2]], Tags=[{"Key": "Cluster", "Value": "attic"}])
    install(**fleet(tmp_path, "one"))
    assert attempt(ec2, blue.instance_ids[:1]) == {"rollback/window"}
    assert attempt(ec2, blue.instance_ids[2:]) == {"rollback/window"}
    assert aws.count("TerminateInstances") == 0


def test_nothing_counts_twice(place, tmp_path):  # noqa: F811
    """What the table and the host's file both have counts once, also where the table only counts it."""
    history = History(FleetStore(DynamoStore(place), SqliteStore(tmp_path / "a"), 2), Ownership().named)
    machines = {f"i-{number:017x}": MachineState("workers", "terminated") for number in range(6000)}
    names = sorted(machines)
    for number in range(5):
        take(history, *names[1000 * number :][:1000], machines=machines, now=NOW + 200 * number)
    past = take(history, names[-1], machines=machines, now=NOW + 1000)
    assert past.destroyed == {"workers": 5000}
    assert past.call_rate == 0
    assert take(history, names[-2], machines=machines, now=NOW + 1001).call_rate == 1


def test_launch_tokens_are_those_of_this_host(aws, place, tmp_path, monkeypatch):  # noqa: F811
    """While the table is away, a host that has used up its part of a bucket has no more than AWS's reserve."""
    break_it(aws, monkeypatch, "refused")
    store = FleetStore(DynamoStore(place), SqliteStore(tmp_path / "a"), hosts=4, alone=True)
    pacer = Pacer(store, share=1.0)
    history = History(store, Ownership().named, pacer=pacer)
    assert history.past(SCOPE, *terminating("i-1"), WORKERS, BLUE, NOW).launch_tokens == LAUNCH_LIMIT.size / 4
    store.take(SCOPE, [Draw(pacer.bucket(LAUNCH_LIMIT), int(LAUNCH_LIMIT.size / 4))], 60, NOW)
    assert history.past(SCOPE, *terminating("i-1"), WORKERS, BLUE, NOW).launch_tokens == 0


# -- signals and forks -------------------------------------------------------------------------------------------------


def in_a_child(act):
    """The exit code of a forked child that does this; it is killed after ten seconds, as one that hangs."""
    child = os.fork()
    if not child:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(10)
        try:
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_governed_call_in_a_signal_handler(place, monkeypatch):  # noqa: F811
    """A handler that runs while the client is made may make a call that needs the table."""
    table, create = Table(place), Table._create

    def interrupted(self):
        monkeypatch.setattr(Table, "_create", create)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)
        return create(self)

    def act():
        signal.signal(signal.SIGTERM, lambda *_: table.now(0.0))
        monkeypatch.setattr(Table, "_create", interrupted)
        table.client()

    assert in_a_child(act) == 0


def test_a_glass_in_a_forked_child(place):  # noqa: F811
    """A child that was forked while its parent used the table shows a glass, with a connection of its own."""
    glasses = Glasses(Table(place), dict)
    ours = glasses._table.client()
    with glasses._table._lock:
        assert in_a_child(lambda: glasses.post({"until": "x", "until_s": 1})) == 0
        assert in_a_child(lambda: os._exit(glasses._table.client() is ours)) == 0
    assert glasses._table.client() is ours


# -- commands ----------------------------------------------------------------------------------------------------------


def test_init_waits_for_backups(aws, config, monkeypatch):  # noqa: F811
    """AWS prepares the backups of a new table for some time; meanwhile it is marked, and `init` tries again."""
    unavailable = ("UpdateContinuousBackups", 400, "ContinuousBackupsUnavailableException", "Please retry later")
    monkeypatch.setattr(administration, "_PAUSE_S", 0.0)
    aws.answer(*unavailable, times=2)
    made = command("state", "init", config=config)
    assert made.exit_code == 0, made.output
    assert "switched on point-in-time recovery" in made.output
    aws.answer(*unavailable)
    failed = command("state", "init", config=config)
    assert failed.exit_code == 2
    assert "run `guardrails state init` again" in failed.output
    assert command("state", "show", config=config).exit_code == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [("InvalidSignatureException", "correct this host's clock"), ("UnrecognizedClientException", "credentials")],
)
def test_init_says_what_to_do(aws, config, code, words):  # noqa: F811
    """What keeps `init` from AWS is named with its remedy."""
    aws.answer("DescribeTable", 400, code, "no")
    failed = command("state", "init", config=config)
    assert failed.exit_code == 2
    assert words in failed.output


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (("AWS_DEFAULT_REGION", "AWS_REGION"), "set state.region"),
        (("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"), "give this host AWS credentials"),
    ],
)
def test_init_without_region_or_credentials(aws, tmp_path, monkeypatch, missing, words):
    """Without a region or credentials, `init` says where they belong, in one sentence."""
    for name in missing:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    region = 'region = "eu-west-1"\n' if "region" not in words else ""
    path = tmp_path / "guardrails.toml"
    path.write_text(f'[state]\nstore = "dynamodb"\n{region}[log]\npath = "decisions.jsonl"\n')
    failed = command("state", "init", config=path)
    assert failed.exit_code == 2, failed.output
    assert words in failed.output


def test_a_glass_is_shown_later(aws, config, place, install, tmp_path, workers, monkeypatch, caplog):  # noqa: F811
    """Broken while the table is away, a glass counts at once, and other hosts see it when the table is back."""
    monkeypatch.setattr(shown, "AGAIN_S", 0.01)
    install(**fleet(tmp_path))
    aws.answer("UpdateItem", 400, "AccessDeniedException", "not now")
    with guardrails.break_glass(reason="INC-9", rules=["live-cluster/stop"], minutes=60):
        pass
    rules = ["live-cluster/stop", "remaining/shared-memory"]
    with guardrails.break_glass(reason="INC-10", rules=rules, minutes=60):
        assert "other hosts do not see that the glass is broken (this is tried again)" in caplog.text
        blue = [each.id for each in aws_machines(aws.client("ec2"), "blue")]
        assert attempt(aws.client("ec2"), blue, "stop_instances") is None
        assert "INC-10" not in command("state", "show", config=config).output
        aws.repair()
        until(lambda: "INC-10" in command("state", "show", config=config).output)
        # What was over before is not shown.
        assert "INC-9" not in command("state", "show", config=config).output
    assert "INC-10" not in command("state", "show", config=config).output
    assert aws.count("StopInstances") == 1


def test_a_closed_glass_is_not_shown(aws, config, place, install, tmp_path, caplog):  # noqa: F811
    """When a `with` ends early, its glass goes off display; where that fails, a warning says until when it stays."""
    install(**fleet(tmp_path))
    with guardrails.break_glass(reason="INC-7", rules=["live-cluster/stop"], minutes=60):
        assert "INC-7" in command("state", "show", config=config).output
    assert "INC-7" not in command("state", "show", config=config).output
    with guardrails.break_glass(reason="INC-8", rules=["live-cluster/stop"], minutes=60):
        aws.answer("UpdateItem", 400, "AccessDeniedException", "not now")
    assert "other hosts still see that the glass is broken" in caplog.text
