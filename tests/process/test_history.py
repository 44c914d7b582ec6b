"""What the guards of a host remember together: machines taken away, clusters that were live, and a file that fails."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time

import pytest
from attrs import evolve
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

import guardrails
from guardrails.memory import Claim, History, MachineState, SqliteStore, StateUnavailable
from guardrails.resolve.ownership import Ownership
from guardrails.values import Call, Live, SourceReport, Target

SCOPE = "123456789012/eu-west-1"
NOW = 1_700_000_000.0
BLUE = Live(known=True, disputed=False, clusters=("blue",))
GREEN = Live(known=True, disputed=False, clusters=("green",))
WORKERS = {f"i-{number}": MachineState("workers", "running") for number in range(10)}


def terminating(*ids, effect="terminate"):
    """A call and its targets."""
    call = Call("ec2", "TerminateInstances", {"InstanceIds": list(ids)}, "eu-west-1", "", effects=(effect,))
    return call, [Target(name, "instance", "target", resolved=True, clusters=("workers",)) for name in ids]


@pytest.fixture
def history(tmp_path):
    return History(SqliteStore(tmp_path / "state.db"), Ownership().named)


def take(history, *ids, machines=WORKERS, now=NOW, sent=True, live=BLUE, effect="terminate", whole=True):
    """Claim and settle; returns what was known before."""
    claim, past = history.claim(SCOPE, *terminating(*ids, effect=effect), machines, live, now, whole=whole)
    claim.settle(now, sent=sent)
    return past


def gone(*ids):
    return {name: MachineState("workers", "terminated" if name in ids else "running") for name in WORKERS}


def test_single_calls_count_as_one(history):
    """Machines taken away one by one add up, by cluster, when AWS shows them as terminated."""
    for number in range(3):
        take(history, f"i-{number}")
    assert take(history, "i-9", machines=gone("i-0", "i-1", "i-2")).destroyed == {"workers": 3}


def test_a_retry_counts_once(history):
    """The same call again neither counts itself nor counts twice for others."""
    take(history, "i-1")
    assert take(history, "i-1").going == {}
    assert take(history, "i-9", machines=gone("i-1")).destroyed == {"workers": 1}


def test_machines_under_way_are_known_to_others(history):
    """A machine that was just terminated counts as going, although AWS still shows it as running."""
    take(history, "i-1")
    assert take(history, "i-2", now=NOW + 5).going == {"i-1": "shutting-down"}


def test_a_call_that_did_nothing_is_forgotten(history):
    """A machine that still runs two minutes later was not taken away: AWS refused, or the call was lost."""
    take(history, "i-1")
    later = take(history, "i-2", now=NOW + 130)
    assert (later.going, later.destroyed) == ({}, {})


def test_a_refused_call_is_withdrawn(history):
    """What AWS refused counts no more, except where an earlier call took the same machine."""
    claim, _ = history.claim(SCOPE, *terminating("i-1"), WORKERS, BLUE, NOW)
    claim.settle(NOW, sent=True)
    claim.withdraw()
    assert take(history, "i-2").going == {}
    again, _ = history.claim(SCOPE, *terminating("i-2"), WORKERS, BLUE, NOW)
    again.settle(NOW, sent=True)
    again.withdraw()
    assert take(history, "i-3").going == {"i-2": "shutting-down"}


def test_a_call_in_doubt_counts_for_a_short_time(history):
    """A machine that still runs half a minute after a call without an answer was not taken; an answer ends doubt."""
    for end, going in ((Claim.doubt, False), (Claim.confirm, True)):
        claim, _ = history.claim(SCOPE, *terminating("i-1"), WORKERS, BLUE, NOW)
        claim.settle(NOW, sent=True)
        claim.doubt(NOW + 1)
        end(claim, NOW + 2)
        assert history.past(SCOPE, *terminating("i-2"), WORKERS, BLUE, NOW + 31).going == {"i-1": "shutting-down"}
        later = history.past(SCOPE, *terminating("i-2"), WORKERS, BLUE, NOW + 33).going
        assert later == ({"i-1": "shutting-down"} if going else {})
        claim.drop()
        assert history.past(SCOPE, *terminating("i-2"), gone("i-1"), BLUE, NOW + 33).destroyed == {}


def test_what_was_carried_out_in_doubt_counts(history):
    """A machine that AWS shows as terminated counts as destroyed, though its call had no answer."""
    claim, _ = history.claim(SCOPE, *terminating("i-1"), WORKERS, BLUE, NOW)
    claim.settle(NOW, sent=True)
    claim.doubt(NOW)
    past = history.past(SCOPE, *terminating("i-2"), gone("i-1"), BLUE, NOW + 100)
    assert past.destroyed == {"workers": 1}


def test_a_start_after_a_stop_counts(history):
    """A machine that was started after it was stopped is not going; one that was started before is."""
    stop = evolve(terminating("i-1")[0], operation="StopInstances", effects=("stop",))
    claim, _ = history.claim(SCOPE, stop, terminating("i-1")[1], WORKERS, BLUE, NOW)
    claim.settle(NOW, sent=True)
    for started, going in ((NOW + 20, {}), (NOW - 20, {"i-1": "stopping"}), (None, {"i-1": "stopping"})):
        machines = {**WORKERS, "i-1": MachineState("workers", "running", started)}
        past = take(history, "i-2", machines=machines, now=NOW + 30, sent=False)
        assert (past.going, bool(past.stopped)) == (going, bool(going))


def test_a_start_that_aws_accepted_counts(history):
    """A machine that a call started after its stop is not going, whatever its LaunchTime; a refused or doubted one is.

    The last start decides: an earlier one that AWS accepted proves nothing about a later stop.
    """
    stop, targets = terminating("i-1")
    stop = evolve(stop, operation="StopInstances", effects=("stop",))
    start = Call("ec2", "StartInstances", {"InstanceIds": ["i-1"]}, "eu-west-1", "", effects=("capacity",))
    outcomes = ((lambda _: None, {}), (Claim.withdraw, {"i-1": "stopping"}),
                (lambda claim: claim.doubt(NOW + 2), {"i-1": "stopping"}))  # fmt: skip
    for number, (answer, going) in enumerate(outcomes):
        now = NOW + 10 * number
        for call, on, at in ((stop, targets, now), (start, [], now + 1)):
            claim, _ = history.claim(SCOPE, call, on, WORKERS, BLUE, at)
            claim.settle(at, sent=True)
        answer(claim)
        past = take(history, "i-2", now=now + 3, sent=False)
        assert (past.going, bool(past.stopped)) == (going, bool(going))


def test_a_reboot_takes_nothing_away(history):
    """A machine that is rebooted does not count as going."""
    reboot = evolve(terminating("i-1")[0], operation="RebootInstances", effects=("stop",))
    claim, _ = history.claim(SCOPE, reboot, terminating("i-1")[1], WORKERS, BLUE, NOW)
    claim.settle(NOW, sent=True)
    assert take(history, "i-2").going == {}


def test_denied_calls_leave_nothing(history):
    """A claim that is settled as not sent is gone."""
    take(history, "i-1", sent=False)
    later = take(history, "i-2", machines=gone("i-1"))
    assert (later.going, later.destroyed) == ({}, {})


def test_two_at_the_same_moment_see_each_other(history):
    """Before either call is decided on, the second sees the machines of the first."""
    first, _ = history.claim(SCOPE, *terminating("i-1"), WORKERS, BLUE, NOW)
    _, past = history.claim(SCOPE, *terminating("i-2"), WORKERS, BLUE, NOW)
    assert past.going == {"i-1": "shutting-down"}
    first.settle(NOW, sent=False)
    assert take(history, "i-3").going == {"i-2": "shutting-down"}


def test_a_denied_retry_does_not_unsend_the_first(history):
    """Dropping a claim leaves an earlier call for the same machine in the history."""
    take(history, "i-1")
    take(history, "i-1", sent=False)
    assert take(history, "i-2", machines=gone("i-1")).destroyed == {"workers": 1}


def test_an_abandoned_claim_expires(history):
    """A process that died while deciding does not count forever, except for a machine that AWS shows as gone."""
    history.claim(SCOPE, *terminating("i-1", "i-3"), WORKERS, BLUE, NOW)
    past = take(history, "i-2", machines=gone("i-1"), now=NOW + 1000)
    assert (past.going, past.destroyed) == ({}, {"workers": 1})
    # Another call for that machine is decided on at once, as for any other.
    history.claim(SCOPE, *terminating("i-3"), WORKERS, BLUE, NOW + 1010)
    assert take(history, "i-4", machines=gone("i-1"), now=NOW + 1011).going == {
        "i-2": "shutting-down",
        "i-3": "shutting-down",
    }


def test_the_window_ends(history):
    """What happened longer ago than the window is not counted."""
    take(history, "i-1")
    assert take(history, "i-2", machines=gone("i-1"), now=NOW + 3599).destroyed == {"workers": 1}
    assert take(history, "i-3", machines=gone("i-1", "i-2"), now=NOW + 3602).destroyed == {"workers": 1}


def test_stopped_machines_count_until_they_run_again(history):
    """A stopped machine counts as stopped; one that was started again does not."""
    take(history, "i-1", effect="stop")
    stopped = {**WORKERS, "i-1": MachineState("workers", "stopped")}
    assert take(history, "i-2", machines=stopped, now=NOW + 200).stopped == {"workers": 1}
    assert take(history, "i-3", now=NOW + 400).stopped == {}


def test_machines_of_a_group_count(history):
    """A call that names a group takes the group's machines away."""
    call = Call("autoscaling", "DeleteAutoScalingGroup", {}, "eu-west-1", "", effects=("terminate",))
    group = Target("g", "asg", "target", resolved=True, facts={"instances": ["i-1", "i-2"]})
    claim, _ = history.claim(SCOPE, call, [group], WORKERS, BLUE, NOW)
    claim.settle(NOW, sent=True)
    assert take(history, "i-3", machines=gone("i-1", "i-2")).destroyed == {"workers": 2}


def test_launches_and_calls_are_counted(history):
    """Launched machines count by the cluster of their tag, calls by operation within a minute."""
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Cluster", "Value": "green"}]}]
    params = {"MaxCount": 4, "TagSpecifications": tags}
    call = Call("ec2", "RunInstances", params, "eu-west-1", "", effects=("capacity",))
    for number in range(2):
        claim, past = history.claim(SCOPE, call, [], WORKERS, BLUE, NOW + number)
        claim.settle(NOW + number, sent=True)
    assert (past.launched, past.call_rate) == ({"green": 4}, 1)
    assert history.past(SCOPE, call, [], WORKERS, BLUE, NOW + 62).call_rate == 0


def test_accounts_and_regions_are_apart(history):
    """What happens in one region does not count in another."""
    take(history, "i-1")
    _, past = history.claim("123456789012/us-east-1", *terminating("i-2"), gone("i-1"), BLUE, NOW)
    assert past.destroyed == {}


@given(batches=st.lists(st.sets(st.integers(0, 9), min_size=1), max_size=8))
def test_any_split_counts_the_same(tmp_path_factory, batches):
    """However machines are split into calls, and however often a call is repeated, each counts once."""
    history = History(SqliteStore(tmp_path_factory.mktemp("state") / "state.db"), Ownership().named)
    for batch in batches:
        take(history, *(f"i-{number}" for number in sorted(batch)))
    every = {f"i-{number}" for batch in batches for number in batch}
    call, targets = terminating("i-other")
    past = history.past(SCOPE, call, targets, gone(*every), BLUE, NOW)
    assert past.destroyed.get("workers", 0) == len(every)


# -- which cluster was live -------------------------------------------------------------------------------------------


def test_a_cutover_is_noticed(history):
    """At a cutover the one cluster retires, and the other has been live since then."""
    take(history, "i-1", live=BLUE)
    past = take(history, "i-1", live=GREEN, now=NOW + 60)
    assert (past.live_since, past.retired_at) == ({"green": NOW + 60}, {"blue": NOW + 60})
    past = take(history, "i-1", live=GREEN, now=NOW + 90)
    assert (past.live_since, past.retired_at) == ({"green": NOW + 60}, {"blue": NOW + 60})


def test_nothing_retires_while_liveness_is_unknown(history):
    """A source that fails for a moment is not a cutover."""
    take(history, "i-1", live=BLUE)
    unknown = Live(known=False, disputed=False, clusters=())
    assert take(history, "i-1", live=unknown, now=NOW + 60).retired_at == {}
    assert take(history, "i-1", live=BLUE, now=NOW + 90).live_since == {"blue": NOW}


def test_going_back_makes_it_live_again(history):
    """After a failed cutover the old cluster is live and the new one retired."""
    for number, live in enumerate((BLUE, GREEN, BLUE)):
        past = take(history, "i-1", live=live, now=NOW + number)
    assert (past.live_since, past.retired_at) == ({"blue": NOW + 2}, {"green": NOW + 2})


def pointed(name, source="file"):
    """Live as one source says."""
    report = SourceReport(source, (name,), NOW, "")
    return Live(known=True, disputed=False, clusters=(name,), sources=(report,))


@pytest.mark.parametrize(
    ("looked", "source", "kept"), [(60, "file", False), (599, "ssm", False), (601, "file", True), (60, "eip", True)]
)
def test_what_a_pointer_named_by_mistake(looked, source, kept, history):
    """Only what nothing but pointers named, for ten minutes at most as far as it was seen, was never live."""
    take(history, "i-1", live=pointed("blue"))
    take(history, "i-1", live=pointed("green", source), now=NOW + looked - 10)
    past = take(history, "i-1", live=pointed("blue"), now=NOW + looked)
    assert past.retired_at == ({"green": NOW + looked} if kept else {})
    assert past.live_since == {"blue": NOW + looked}


def test_the_first_cluster_that_was_ever_seen(history):
    """How long it had been live before is unknown, so it is not taken for a mistake."""
    take(history, "i-1", live=pointed("blue"))
    past = take(history, "i-1", live=pointed("green"), now=NOW + 5)
    assert past.retired_at == {"blue": NOW + 5}


def test_a_mistake_does_not_end_an_earlier_window(history):
    """Blue stopped being live at the cutover, whatever a pointer said for a moment after it."""
    take(history, "i-1", live=pointed("blue", "eip"))
    for seconds, name in ((60, "green"), (70, "blue"), (80, "green")):
        past = take(history, "i-1", live=pointed(name, "file" if name == "blue" else "eip"), now=NOW + seconds)
    assert past.retired_at["blue"] == NOW + 60


def test_machines_leave_their_cluster(history):
    """A machine that is tagged otherwise is known to have been live until that was seen; its return ends that."""
    before = {"i-1": MachineState("blue", "running"), "i-2": MachineState("workers", "running")}
    after = {name: MachineState("attic", "running") for name in before}
    assert take(history, "i-2", machines=before).taken_out == {}
    assert take(history, "i-2", machines=after, live=GREEN, now=NOW + 60).taken_out == {"i-1": {"blue": NOW + 60}}
    assert take(history, "i-2", machines=after, live=GREEN, now=NOW + 90).taken_out == {"i-1": {"blue": NOW + 60}}
    assert take(history, "i-2", machines=before, live=GREEN, now=NOW + 99).taken_out == {}
    assert take(history, "i-2", machines={}, live=GREEN, now=NOW + 100 * 86_400).taken_out == {}


@pytest.mark.parametrize("whole", [True, False])
def test_machines_that_are_not_looked_at(history, whole):
    """A machine that left a live cluster is forgotten a day after it is gone; in a large region it may be elsewhere."""
    before = {"i-1": MachineState("blue", "running")}
    after = {"i-1": MachineState("attic", "running")}
    take(history, "i-2", machines=before)
    take(history, "i-2", machines={}, live=GREEN, now=NOW + 60, whole=whole)
    take(history, "i-2", machines={}, live=GREEN, now=NOW + 2 * 86_400, whole=whole)
    later = take(history, "i-2", machines=after, live=GREEN, now=NOW + 3 * 86_400, whole=whole)
    assert later.taken_out == ({} if whole else {"i-1": {"blue": NOW + 60}})


def test_a_file_of_an_older_guard(history):
    """A file without the tables that were added later gets them; its history is kept."""
    take(history, "i-1")
    with sqlite3.connect(history.store.path) as connection:
        connection.executescript("DROP TABLE member; DROP TABLE naming")
    newer = History(SqliteStore(history.store.path), Ownership().named)
    assert take(newer, "i-2", now=NOW + 5).going == {"i-1": "shutting-down"}


# -- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_its_owners(history):
    """No other user can read it."""
    take(history, "i-1")
    assert stat.S_IMODE(history.store.path.stat().st_mode) == 0o600


def test_a_damaged_file_is_one_sentence(tmp_path):
    """A file that is not a database is named, with what to do, and not changed."""
    path = tmp_path / "state.db"
    path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(StateUnavailable, match=r"state\.db cannot be used .*delete it.*state\.enabled = false"):
        take(History(SqliteStore(path), Ownership().named), "i-1")
    assert path.read_bytes().startswith(b"not a database")


def test_a_newer_file_is_refused(tmp_path):
    """A file of another version is refused, and not written to."""
    path = tmp_path / "state.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(StateUnavailable, match="version 7"):
        take(History(SqliteStore(path), Ownership().named), "i-1")


def test_a_locked_file_ends_in_time(history, tmp_path):
    """A lock that is never released ends in an error, not in a hang."""
    take(history, "i-1")
    other = sqlite3.connect(history.store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = History(SqliteStore(history.store.path, timeout_s=0.05), Ownership().named)
    with pytest.raises(StateUnavailable, match="locked"):
        take(impatient, "i-2")
    other.close()


def test_a_fork_inside_a_transaction(tmp_path):
    """A signal handler that forks in the middle of a transaction does not wait for it forever."""
    store = SqliteStore(tmp_path / "state.db")
    with store.transaction():
        child = os.fork()
        if not child:
            os._exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_a_file_that_was_deleted_is_made_again(history):
    """A connection that is kept does not go on writing into a file that nobody else can open any more."""
    take(history, "i-1")
    history.store.path.unlink()
    take(history, "i-2")
    other = History(SqliteStore(history.store.path), Ownership().named)
    assert take(other, "i-3").going == {"i-2": "shutting-down"}


def test_a_child_opens_the_file_for_itself(history):
    """A forked child inherits no open file of its parent's; each sees what the other did, also in turn."""
    take(history, "i-1")
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        inherited = [name for name in _open_files() if name.startswith(str(history.store.path))]
        going = take(history, "i-2").going
        os.write(writer, json.dumps([inherited, sorted(going)]).encode())
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert json.loads(os.read(reader, 10_000)) == [[], ["i-1"]]
    assert sorted(take(history, "i-3").going) == ["i-1", "i-2"]


def _open_files():
    files = []
    for number in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            files.append(os.readlink(f"/proc/self/fd/{number}"))
    return files


def test_many_children_and_threads_lose_nothing(history):
    """Children that are forked while threads of the parent are in transactions all get theirs through."""
    take(history, "i-0")
    done = threading.Event()

    def busy():
        while not done.is_set():
            history.past(SCOPE, *terminating("i-9"), WORKERS, BLUE, NOW)

    threads = [threading.Thread(target=busy) for _ in range(4)]
    for thread in threads:
        thread.start()
    children = []
    for number in range(1, 9):
        child = os.fork()
        if not child:
            take(history, f"i-{number}")
            os._exit(0)
        children.append(child)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    done.set()
    for thread in threads:
        thread.join()
    assert ends == [0] * 8
    assert len(take(history, "i-9").going) == 9


# -- with the whole guard ---------------------------------------------------------------------------------------------

BOUNDED = {"params": {"remaining": {"clusters": {"workers": {"max_share": 0.5}}}}}


def test_a_damaged_file_blocks_what_destroys(site, aws, install, tmp_path):
    """Without the history it is unknown how much was taken away already: nothing is sent. A launch is."""
    (tmp_path / "state.db").write_bytes(b"not a database at all" * 100)
    install()
    with pytest.raises(guardrails.GuardUnavailable, match=r"state\.db"):
        site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 0
    site.ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1, InstanceType="t3.small")
    assert aws.count("RunInstances") == 1


def test_a_governed_call_inside_a_transaction(site, aws, install, monkeypatch):
    """A signal handler that makes a governed call in the middle of a transaction is refused, and does not hang."""
    guard = install()
    store = SqliteStore(guard.settings.log.path.with_name("state.db"))
    with store.transaction(), pytest.raises(guardrails.GuardUnavailable, match="cannot be used"):
        site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 0
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert aws.count("TerminateInstances") == 1


@pytest.mark.parametrize(("config", "transactions"), [({}, 3), ({"pacing": {"enabled": False}}, 2)])
def test_transactions_of_a_decision(site, aws, install, monkeypatch, config, transactions):
    """One transaction decides, one settles, and a paced call takes its turn in a third, once the rules allow it.

    Denied on a live cluster, it takes no turn, and counts as a denial of the caller in a third.
    """
    counted = []
    begin = SqliteStore.transaction
    monkeypatch.setattr(SqliteStore, "transaction", lambda self: counted.append(self) or begin(self))
    install(**config)
    counted.clear()
    site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]])
    assert len(counted) == transactions
    counted.clear()
    with pytest.raises(guardrails.CallDenied):
        site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert len(counted) == 3
    assert aws.count("TerminateInstances") == 1


def test_a_process_counts_what_another_took(aws, install, tmp_path):
    """Another process took half of the workers away; one more is too many here."""
    workers = aws.start_cluster("workers", 4).instance_ids
    aws.start_cluster("blue", 1, addresses=1)
    code = (
        "import boto3, guardrails, json, sys\n"
        "guardrails.install(json.loads(sys.argv[1]))\n"
        "boto3.client('ec2').terminate_instances(InstanceIds=sys.argv[2:])\n"
    )
    config = {"log": {"path": str(tmp_path / "other.jsonl")}, **BOUNDED}
    subprocess.run([sys.executable, "-c", code, json.dumps(config), *workers[:2]], check=True, env=os.environ)
    assert aws.running("workers") == 2
    install(**BOUNDED)
    with pytest.raises(guardrails.CallDenied, match="remaining/share"):
        aws.client("ec2").terminate_instances(InstanceIds=[workers[2]])
    assert aws.running("workers") == 2


@pytest.mark.parametrize(
    ("status", "count", "free"), [(403, 2, True), (400, 1, True), (400, 2, False), (503, 1, False)]
)
def test_what_aws_refused_does_not_count(status, count, free, aws, install):
    """A refused call leaves the bound as it was, unless AWS may have carried out a part of it or all."""
    workers = aws.start_cluster("workers", 2 + 2 * count).instance_ids
    aws.start_cluster("blue", 1, addresses=1)
    ec2 = aws.client("ec2")
    install(params={"remaining": {"clusters": {"workers": {"min_running": 2 + count}}}})
    aws.answer("TerminateInstances", status, "Refused", "not now")
    with pytest.raises(ClientError, match="not now"):
        ec2.terminate_instances(InstanceIds=list(workers[:count]))
    aws.answer("TerminateInstances", 400, "Arrived", "it arrived")
    aws.clear()
    with pytest.raises(ClientError, match="it arrived" if free else "remaining/minimum"):
        ec2.terminate_instances(InstanceIds=list(workers[count : 2 * count]))
    assert aws.count("TerminateInstances") == free


def test_single_calls_are_bounded(aws, install):
    """The third of four single calls is too many: half of the workers are gone already."""
    workers = aws.start_cluster("workers", 4).instance_ids
    aws.start_cluster("blue", 1, addresses=1)
    install(**BOUNDED)
    for machine in workers[:2]:
        aws.client("ec2").terminate_instances(InstanceIds=[machine])
    with pytest.raises(guardrails.CallDenied, match="remaining/share"):
        aws.client("ec2").terminate_instances(InstanceIds=[workers[2]])
    assert aws.count("TerminateInstances") == 2


def test_disabled_state_remembers_nothing(aws, install):
    """With `state.enabled = false` single calls do not add up, and no file is made."""
    workers = aws.start_cluster("workers", 4).instance_ids
    aws.start_cluster("blue", 1, addresses=1)
    guard = install(state={"enabled": False}, **BOUNDED)
    for machine in workers[:3]:
        # What AWS shows as terminated is not part of the cluster any more.
        aws.client("ec2").terminate_instances(InstanceIds=[machine])
    assert aws.running("workers") == 1
    assert not (guard.settings.log.path.parent / "state.db").exists()


def test_the_way_back_stays_open(aws, install):
    """Right after a cutover the cluster that was live cannot be destroyed; when the window has passed it can."""
    blue = aws.start_cluster("blue", 2, addresses=1)
    green = aws.start_cluster("green", 2)
    ec2 = aws.client("ec2")
    install(params={"rollback_window_s": 600})
    ec2.associate_address(
        AllocationId=blue.allocation_ids[0], InstanceId=green.instance_ids[0], AllowReassociation=True
    )
    with pytest.raises(guardrails.CallDenied, match="rollback/window"):
        ec2.terminate_instances(InstanceIds=list(blue.instance_ids))
    assert aws.count("TerminateInstances") == 0
    guardrails.uninstall()
    time.sleep(1.1)
    install(params={"rollback_window_s": 1})
    ec2.terminate_instances(InstanceIds=list(blue.instance_ids))
    assert aws.running("blue") == 0
