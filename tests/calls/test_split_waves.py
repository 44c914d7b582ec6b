"""With `waves = "split"`, the guard sends one call in waves, and stops between them when something goes wrong."""

from __future__ import annotations

import json
import pickle
import signal

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

import guardrails
from guardrails.gradual import deciding
from tests.calls.test_waves import arrived, denied, fleet, outside

pytestmark = pytest.mark.every(3)

__all__ = ["fleet"]
PAUSE_S = 0.01


@pytest.fixture
def ec2(aws, fleet, install):
    """A client under a guard that splits."""
    install(waves="split", wave_pause_s=PAUSE_S)
    return aws.client("ec2")


def after_wave(client, what):
    """Do this once the first wave has come back."""
    events = client.meta.events
    events.register_first("after-call.ec2.TerminateInstances", lambda **_: what(), unique_id="once")

    def once(**_):
        events.unregister("after-call.ec2.TerminateInstances", unique_id="once")

    events.register_last("after-call.ec2.TerminateInstances", once)


def test_one_call_goes_in_waves(aws, fleet, ec2):
    """The server sees four requests, and the caller one response with every machine in its order."""
    answer = ec2.terminate_instances(InstanceIds=fleet[1])
    assert arrived(aws, "TerminateInstances") == [1, 5, 25, 9]
    assert [each["InstanceId"] for each in answer["TerminatingInstances"]] == fleet[1]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert aws.running("blue") == 3


def test_collections_of_resources(aws, fleet, ec2):
    """A collection of boto3's resources goes the same way."""
    aws.resource("ec2").instances.filter(InstanceIds=fleet[1]).stop()
    assert arrived(aws, "StopInstances") == [1, 5, 25, 9]


def test_one_machine_at_a_time_is_slowed_down(aws, fleet, ec2):
    """Ten calls for one machine each go, too, and wait for their turn; the other parameters are in each."""
    for name in fleet[1][:10]:
        ec2.stop_instances(InstanceIds=[name], Force=True)
    requests = [request for request in aws.requests if request.operation == "StopInstances"]
    assert len(requests) == 10
    assert all(request.params["Force"] == "true" for request in requests)


def test_what_is_denied_for_anything_else(aws, fleet, ec2):
    """A live machine among forty others: all of it is denied, before any wave."""
    blue, ids = fleet
    rules, _ = denied(ec2.terminate_instances, InstanceIds=[*ids, blue.instance_ids[0]])
    assert "live-cluster/terminate" in rules
    assert aws.count("TerminateInstances") == 0


def test_a_dry_run_is_one_call(aws, fleet, ec2):
    """A rehearsal takes nothing away, and is sent whole."""
    with pytest.raises(ClientError, match="DryRunOperation"):
        ec2.terminate_instances(InstanceIds=fleet[1], DryRun=True)
    assert arrived(aws, "TerminateInstances") == [40]


def test_aws_refuses_the_first_wave(aws, fleet, ec2):
    """Where nothing went yet, AWS's own error is raised as ever."""
    aws.answer("TerminateInstances", 400, "OperationNotPermitted", "protected")
    with pytest.raises(ClientError, match="OperationNotPermitted") as caught:
        ec2.terminate_instances(InstanceIds=fleet[1])
    assert not isinstance(caught.value, guardrails.CallDenied)


def stopped(call, ids, gone, unknown=0):
    """The message of a call that was stopped after this many machines, and perhaps so many more; it names them all."""
    with pytest.raises(guardrails.CallStopped) as caught:
        call(InstanceIds=ids)
    error, sent = caught.value, gone + unknown
    assert (error.gone, error.unknown, error.left) == (ids[:gone], ids[gone:sent], ids[sent:])
    assert (f"{unknown} machines ({', '.join(ids[gone:sent])}) may have gone" in str(error)) == bool(unknown)
    assert error.response["Error"]["Code"] == "GuardrailsDenied"
    assert f"{gone} machine{'s' * (gone > 1)} ({', '.join(ids[:gone])}) went already" in str(error)
    assert ids[-1] in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (again.gone, again.left, again.unknown, str(again)) == (error.gone, error.left, error.unknown, str(error))
    return str(error)


def test_aws_refuses_a_later_wave(aws, fleet, ec2, log):
    """The rest is not sent; the denial says what went, and stands in the decision log."""
    after_wave(ec2, lambda: aws.answer("TerminateInstances", 400, "OperationNotPermitted", "protected"))
    # Of several machines in different zones, AWS may have terminated some.
    message = stopped(ec2.terminate_instances, fleet[1], 1, unknown=5)
    assert "OperationNotPermitted" in message
    assert arrived(aws, "TerminateInstances") == [1, 5]
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert "waves/stopped" in log.read_text()
    assert len(entries) == 3


@pytest.mark.parametrize(
    ("status", "code", "unknown"),
    [(500, "InternalError", 5), (503, "RequestLimitExceeded", 0), (403, "UnauthorizedOperation", 0)],
)
def test_machines_that_may_have_gone(aws, fleet, install, status, code, unknown):
    """After an error of the server the machines of that wave may be gone; after a refusal they are not."""
    install(waves="split", wave_pause_s=PAUSE_S)
    ec2 = boto3.client("ec2", config=Config(retries={"total_max_attempts": 1}))
    after_wave(ec2, lambda: aws.answer("TerminateInstances", status, code, "sorry"))
    message = stopped(ec2.terminate_instances, fleet[1], 1, unknown=unknown)
    assert ("look which of the machines that may have gone are still there" in message) == bool(unknown)


def test_a_lost_response(aws, fleet, install):
    """The response of the second wave is lost: its machines may have gone. Without a connection, none did."""
    install(waves="split", wave_pause_s=PAUSE_S)
    for error, unknown in ((ReadTimeoutError, 5), (EndpointConnectionError, 0)):
        ec2 = boto3.client("ec2", config=Config(retries={"total_max_attempts": 1}))
        ids = list(aws.start_cluster(error.__name__, 8).instance_ids)
        aws.clear()

        def lose(request, error=error, ids=ids, **_):
            if arrived(aws, "TerminateInstances"):
                if error is ReadTimeoutError:
                    outside(aws, "TerminateInstances", ids[1])
                raise error(endpoint_url=request.url)

        ec2.meta.events.register_last("before-send.ec2.TerminateInstances", lose)
        stopped(ec2.terminate_instances, ids, 1, unknown=unknown)


def test_the_live_side_falls(aws, fleet, ec2):
    """A live machine that goes down after the first wave ends it before the second."""
    after_wave(ec2, lambda: outside(aws, "StopInstances", fleet[0].instance_ids[2]))
    assert "blue has 2 healthy machines (3 before)" in stopped(ec2.terminate_instances, fleet[1], 1)
    assert arrived(aws, "TerminateInstances") == [1]


def test_a_configured_check_fails(aws, fleet, install, tmp_path):
    """The program of the configuration is asked before each wave."""
    alarm = tmp_path / "alarm"
    install(waves="split", wave_pause_s=PAUSE_S, wave_command=["test", "!", "-e", str(alarm)])
    ec2 = aws.client("ec2")
    after_wave(ec2, alarm.touch)
    assert "test ended with exit code 1" in stopped(ec2.terminate_instances, fleet[1], 1)


def test_ctrl_c_between_waves(aws, fleet, install, monkeypatch, log):
    """Ctrl-C in the pause stops the rest as KeyboardInterrupt, which says what went; the log has it as well."""
    monkeypatch.setattr(deciding, "wait", lambda _seconds, _what: signal.raise_signal(signal.SIGINT))
    install(waves="split")
    with pytest.raises(KeyboardInterrupt, match=rf"1 machine \({fleet[1][0]}\) went already, 39 machines"):
        aws.client("ec2").terminate_instances(InstanceIds=fleet[1])
    assert arrived(aws, "TerminateInstances") == [1]
    assert "interrupted (Ctrl-C)" in log.read_text()


def test_what_cannot_be_split_is_refused(aws, fleet):
    """A guard that is only attached sees requests, not calls: one beyond its wave is denied, with the way."""
    session = boto3.session.Session()
    config = {"waves": "split", "log": {"enabled": False}, "state": {"path": ":memory:"}, "lookup_timeout_s": 60}
    guardrails.Guard.from_config({**config, "max_fact_age_s": 60}).attach(session)
    rules, message = denied(session.client("ec2").terminate_instances, InstanceIds=fleet[1])
    assert rules == {"waves/size"}
    assert "for batch in guardrails.waves(ids): ec2.terminate_instances(InstanceIds=batch)" in message


def test_refuse_of_one_cluster_holds_for_the_call(aws, fleet, install):
    """A call on two clusters, one of which is to be refused, is refused."""
    red = aws.start_cluster("red", 2)
    install(waves={"green": "split", "red": "refuse"}, wave_pause_s=PAUSE_S)
    ids = [*fleet[1][:2], *red.instance_ids]
    assert denied(aws.client("ec2").terminate_instances, InstanceIds=ids)[0] == {"waves/size"}
    assert aws.count("TerminateInstances") == 0


def test_a_plan_has_each_wave(aws, fleet, install, tmp_path):
    """A plan has the waves as they would be sent, without a pause; what would be refused is refused there, too."""
    install(waves="split", wave_pause_s=1_000, state={"path": str(tmp_path / "state.db")})
    ec2 = aws.client("ec2")
    with guardrails.plan() as planned:
        assert len(ec2.terminate_instances(InstanceIds=fleet[1])["TerminatingInstances"]) == 40
    assert [(each.operation, each.status) for each in planned.plan.entries] == [("TerminateInstances", "allowed")] * 4
    assert aws.count("TerminateInstances") == 0
    guardrails.uninstall()
    install(waves="refuse", state={"path": str(tmp_path / "state.db")})
    with guardrails.plan() as planned:
        ec2.terminate_instances(InstanceIds=fleet[1])
        for batch in guardrails.waves(fleet[1], pause_s=0):
            ec2.terminate_instances(InstanceIds=batch)
    assert [each.status for each in planned.plan.entries] == ["denied", *["allowed"] * 4]


@pytest.mark.parametrize("service", ["elbv2", "elb"])
def test_machines_leave_a_balancer_in_waves(service, aws, fleet, install):
    """Targets and instances of a balancer are deregistered in waves; the members of the list are tables."""
    ids, client = fleet[1][:8], aws.client(service)
    if service == "elbv2":
        made = client.create_target_group(Name="old", Protocol="HTTP", Port=80, VpcId=vpc(aws, ids[0]))
        params = {
            "TargetGroupArn": made["TargetGroups"][0]["TargetGroupArn"],
            "Targets": [{"Id": name} for name in ids],
        }
        client.register_targets(**params)
        method, operation = client.deregister_targets, "DeregisterTargets"
    else:
        listener = {"Protocol": "HTTP", "LoadBalancerPort": 81, "InstancePort": 81}
        client.create_load_balancer(
            LoadBalancerName="old", Listeners=[listener], AvailabilityZones=["eu-west-1a"], Scheme="internal"
        )
        params = {"LoadBalancerName": "old", "Instances": [{"InstanceId": name} for name in ids]}
        client.register_instances_with_load_balancer(**params)
        method, operation = client.deregister_instances_from_load_balancer, "DeregisterInstancesFromLoadBalancer"
    install(waves="split", wave_pause_s=PAUSE_S)
    method(**params)
    assert aws.count(operation) == 3


def vpc(aws, machine):
    """The network of a machine."""
    found = aws.client("ec2").describe_instances(InstanceIds=[machine])
    return found["Reservations"][0]["Instances"][0]["VpcId"]
