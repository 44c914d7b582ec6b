"""Where a guard easily goes wrong: old clients, retries, threads, caches, odd selectors, its own calls, uninstall."""

from __future__ import annotations

import contextvars
import copy
import os
import pickle
import sys
import threading

import boto3
import botocore.session
import pytest
from botocore.exceptions import ClientError

import guardrails
from guardrails.intercept.gates import PATCH_POINTS, owners_of
from guardrails.resolve import connection
from guardrails.testing import Cluster

pytestmark = pytest.mark.every(3)


def denied(call):
    with pytest.raises(guardrails.CallDenied) as caught:
        call()
    return caught.value


def test_everything_created_before_install_is_covered(site, aws, install):
    """Clients, bound methods, resources and sessions that existed before install() are guarded."""
    ids = list(site.blue.instance_ids)
    bound = site.ec2.terminate_instances
    machine = aws.resource("ec2").Instance(ids[0])
    session = aws.session()
    plain = botocore.session.get_session().create_client("ec2")
    site.ec2.describe_instances()
    install()
    aws.clear()
    denied(lambda: bound(InstanceIds=ids))
    denied(machine.terminate)
    denied(lambda: session.client("ec2", endpoint_url=aws.endpoint_url).terminate_instances(InstanceIds=ids))
    denied(lambda: plain.terminate_instances(InstanceIds=ids))
    assert aws.count("TerminateInstances") == 0


def test_a_notebook_shows_what_was_installed(install):
    """The value of install(), which a notebook shows, names mode, policies and sources on one line."""
    guard = install()
    assert repr(guard) == f"<Guard in mode enforce, policies {guard.revision}, live by eip, target-group>"


def test_retries_decide_once(site, aws, install, log):
    """A call that botocore sends several times is decided once."""
    install()
    aws.answer("TerminateInstances", 503, "RequestLimitExceeded", "Request limit exceeded.", times=2)
    site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids))
    assert aws.count("TerminateInstances") == 3
    assert len(log.read_text().splitlines()) == 1


def test_lookups_are_four_at_most_for_a_thousand_targets(site, aws, install):
    """1,000 targets take at most 4 look-ups: machines, addresses, target groups and route tables."""
    install()
    error = denied(lambda: site.ec2.terminate_instances(InstanceIds=[f"i-{number:017x}" for number in range(1000)]))
    assert len(error.decision.violations) == 1000
    assert len(aws.requests) <= 4


def test_lookups_run_side_by_side(site, aws, install):
    """The look-ups of one decision run in parallel: the second arrives before the first is answered."""
    install()
    aws.delay(0.5)
    denied(lambda: site.ec2.modify_subnet_attribute(SubnetId=site.subnet, MapPublicIpOnLaunch={"Value": False}))
    arrived = [request.at for request in aws.requests]
    assert len(arrived) == 7
    assert max(arrived) - min(arrived) < 0.5


def test_threads_that_ask_the_same_share_a_look_up(site, aws, install):
    """Fifty threads that decide at the same moment make each look-up once."""
    guard = install()
    aws.delay(0.3)
    barrier, decided = threading.Barrier(50), []

    def decide():
        barrier.wait()
        decided.append(guard.check(site.ec2, "TerminateInstances", InstanceIds=[site.green.instance_ids[0]]).action)

    threads = [threading.Thread(target=decide) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decided == ["allow"] * 50
    assert (aws.count("DescribeInstances"), aws.count("DescribeAddresses")) == (1, 1)


def test_a_single_look_up_has_the_same_limit(site, aws, install, tmp_path):
    """One look-up alone ends with `lookup_timeout_s`, too, and the next decision asks anew."""
    (tmp_path / "live.txt").write_text("blue")
    guard = install(lookup_timeout_s=0.5, live={"sources": ["file"], "file": str(tmp_path / "live.txt")})
    aws.delay(1)
    terminate = {"InstanceIds": [site.green.instance_ids[0]]}
    assert "(lookup_timeout_s)" in guard.check(site.ec2, "TerminateInstances", **terminate).unavailable
    aws.delay(0)
    assert guard.check(site.ec2, "TerminateInstances", **terminate).action == "allow"


def test_look_ups_have_the_callers_context(site, install):
    """What a tracer keeps in a context variable is there in each look-up."""
    trace, seen = contextvars.ContextVar("trace", default=""), []
    guard = install()
    ask = connection.Connection.ask

    def traced(self, lookup):
        seen.append(trace.get())
        return ask(self, lookup)

    trace.set("here")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection.Connection, "ask", traced)
        guard.check(site.ec2, "TerminateInstances", InstanceIds=[site.green.instance_ids[0]])
    assert seen == ["here"] * 4


def test_a_loop_of_single_calls_looks_up_once(site, aws, install):
    """Denied single calls within max_fact_age_s share their look-ups."""
    install(max_fact_age_s=60)
    for machine in site.blue.instance_ids:
        denied(lambda machine=machine: site.ec2.terminate_instances(InstanceIds=[machine]))
    assert aws.count("DescribeInstances") == 1


def test_facts_are_fetched_anew_after_a_change(aws, install):
    """Facts are dropped when a governed call was sent: the cutover counts at once, whatever age is allowed."""
    blue = aws.start_cluster("blue", 1, addresses=1)
    green = aws.start_cluster("green", 1)
    ec2 = aws.client("ec2")
    install(max_fact_age_s=3600)
    denied(lambda: ec2.terminate_instances(InstanceIds=list(blue.instance_ids)))
    ec2.associate_address(
        AllocationId=blue.allocation_ids[0], InstanceId=green.instance_ids[0], AllowReassociation=True
    )
    denied(lambda: ec2.terminate_instances(InstanceIds=list(green.instance_ids)))
    assert aws.count("TerminateInstances") == 0


def test_empty_list_never_means_all(site, aws, install):
    """An empty selector is denied, whatever it means to AWS."""
    install()
    error = denied(lambda: site.ec2.reboot_instances(InstanceIds=[]))
    assert {violation.rule for violation in error.decision.violations} == {"live-cluster/empty-selector"}
    assert aws.count("RebootInstances") == 0


def test_old_evidence_is_fetched_again_or_denies(site, aws, install):
    """A call is denied when its evidence is older than max_fact_age_s by the time the rules see it."""
    install(max_fact_age_s=0.2)
    aws.delay(0.4)
    error = denied(lambda: site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids)))
    assert "live-cluster/stale-evidence" in {violation.rule for violation in error.decision.violations}
    assert aws.count("TerminateInstances") == 0


def test_slow_lookups_end_at_the_deadline(site, aws, install):
    """A look-up that does not answer within lookup_timeout_s denies."""
    install(lookup_timeout_s=0.3)
    aws.delay(2)
    error = denied(lambda: site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids)))
    assert isinstance(error, guardrails.GuardUnavailable)
    assert aws.count("TerminateInstances") == 0


def test_a_look_up_that_hangs_does_not_hold_the_program_up(site, aws, install):
    """Look-ups that miss the deadline run in threads that do not delay the end of the program."""
    install(lookup_timeout_s=0.3)
    aws.delay(2)
    denied(lambda: site.ec2.terminate_instances(InstanceIds=list(site.green.instance_ids)))
    asking = [thread for thread in threading.enumerate() if thread.name == "guardrails-lookup"]
    assert asking
    assert all(thread.daemon for thread in asking)


def test_threads(site, aws, install):
    """Calls from many threads at once are all denied, with one engine for each thread."""
    install()
    outcomes = []

    def work():
        try:
            aws.client("ec2").terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
            outcomes.append("sent")
        except guardrails.CallDenied:
            outcomes.append("denied")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == ["denied"] * 8
    assert aws.count("TerminateInstances") == 0


def test_handler_that_changes_the_request_is_seen(site, aws, install):
    """The serialized request is judged, after the script's own handlers have changed the parameters."""
    live = site.blue.instance_ids[0]
    site.ec2.meta.events.register(
        "provide-client-params.ec2.TerminateInstances", lambda params, **_: {**params, "InstanceIds": [live]}
    )
    install()
    error = denied(lambda: site.ec2.terminate_instances(InstanceIds=[site.green.instance_ids[0]]))
    assert error.decision.call.params["InstanceIds"] == [live]


def gated():
    """Every function of botocore that a gate may replace."""
    return {
        (owner, point.name): vars(owner)[point.name]
        for point in PATCH_POINTS
        if point.module in sys.modules
        for owner in owners_of(sys.modules[point.module], point)
    }


def test_uninstall_restores_botocore(site, aws, install):
    """uninstall() restores the original functions, and calls are no longer judged."""
    before = gated()
    install()
    denied(lambda: site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]]))
    guardrails.uninstall()
    assert gated() == before
    site.ec2.stop_instances(InstanceIds=[site.blue.instance_ids[0]])
    assert aws.count("StopInstances") == 1


def test_install_is_idempotent(install):
    """A second install() returns the installed guard."""
    assert install() is guardrails.install({"mode": "warn"})


@pytest.mark.parametrize("what", ["client", "session", "resource"])
def test_attach_guards_only_what_it_is_given(site, aws, log, what):
    """Guard.attach() guards one client, resource or session, and leaves the others alone."""
    guard = guardrails.Guard.from_config({"log": {"path": str(log)}})
    session = aws.session()
    given = {"client": aws.client("ec2"), "session": session, "resource": aws.resource("ec2")}[what]
    guard.attach(given)
    client = session.client("ec2", endpoint_url=aws.endpoint_url) if what == "session" else given
    client = client.meta.client if what == "resource" else client
    ids = [site.blue.instance_ids[0]]
    aws.clear()
    denied(lambda: client.stop_instances(InstanceIds=ids))
    denied(lambda: client.generate_presigned_url("stop_instances", Params={"InstanceIds": ids}))
    assert aws.count("StopInstances") == 0
    site.ec2.stop_instances(InstanceIds=ids)
    assert aws.count("StopInstances") == 1
    guard.uninstall()
    client.stop_instances(InstanceIds=ids)


def test_check_sends_nothing(site, aws, log):
    """check() decides without sending, for both spellings, and says if a call is ungoverned."""
    guard = guardrails.Guard.from_config({"log": {"path": str(log)}})
    ids = list(site.blue.instance_ids)
    assert guard.check(site.ec2, "TerminateInstances", InstanceIds=ids).action == "deny"
    assert guard.check(site.ec2, "terminate_instances", InstanceIds=list(site.green.instance_ids)).action == "allow"
    assert guard.check(site.ec2, "DescribeInstances").reason == "not governed"
    assert {request.operation for request in aws.requests} == {
        "DescribeInstances",
        "DescribeInstanceAttribute",
        "DescribeAddresses",
        "DescribeRouteTables",
        "DescribeTargetGroups",
    }


def test_denial_pickles_and_copies_whole(site, aws, install):
    """CallDenied survives pickle and copy with its type, decision and message."""
    install()
    error = denied(lambda: site.ec2.terminate_instances(InstanceIds=list(site.blue.instance_ids)))
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert twin.decision == error.decision


def test_scripts_that_catch_client_errors_go_on(site, aws, install):
    """A script's `except ClientError` catches the denial like a refusal by AWS."""
    install()
    with pytest.raises(ClientError) as caught:
        boto3.client("ec2").terminate_instances(InstanceIds=list(site.blue.instance_ids))
    assert caught.value.response["Error"]["Code"] == "GuardrailsDenied"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_fork(site, aws, install):
    """A forked child is guarded like its parent."""
    install()
    denied(lambda: site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]]))
    child = os.fork()
    if child == 0:
        try:
            site.ec2.terminate_instances(InstanceIds=[site.blue.instance_ids[0]])
        except guardrails.CallDenied:
            os._exit(42)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
    assert aws.count("TerminateInstances") == 0


def test_cluster_type_is_what_the_double_gives(site):
    """The fixtures come from the public test double."""
    assert isinstance(site.blue, Cluster)
