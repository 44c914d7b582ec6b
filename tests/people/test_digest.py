"""What an approval covers: everything that changes what the call does, and nothing else."""

from __future__ import annotations

import botocore.session
import pytest
from attrs import evolve

from guardrails.enforce.approvals import Desk
from guardrails.enforce.approvals.digest import TOKENS, digest, document, leaves, worse
from guardrails.memory.approvals import ApprovalFolder, Identity
from guardrails.values import Approval, Call, Decision, Facts, Live, Private, Target, TargetRef, Violation

SECRET = {"InstanceIds": ["i-1", "i-2"], "UserData": "one"}
CALL = Call(
    "ec2",
    "TerminateInstances",
    {"InstanceIds": ["i-1", "i-2"], "ClientToken": "a"},
    "eu-west-1",
    "https://ec2.eu-west-1.amazonaws.com",
    account="1",
    effects=("terminate", "ip"),
    targets=(TargetRef("i-1", "instance"), TargetRef("i-2", "instance")),
)
MACHINES = tuple(Target(name, "instance", "target", resolved=True, clusters=("blue",)) for name in ("i-1", "i-2"))
FACTS = Facts(MACHINES, (), Live(known=True, disputed=False, clusters=("blue",)), 0.0)
DENIED = Violation("live-cluster/terminate", "i-1", "m", "r", "deny")
DECISION = Decision("d", "deny", CALL, (DENIED,), FACTS)


def of(decision, user="alice"):
    return digest(document(decision, user))


def changed(**call):
    return evolve(DECISION, call=evolve(CALL, **call))


DIFFERENT = {
    "another operation": changed(operation="StopInstances"),
    "another service": changed(service="lightsail"),
    "another parameter": changed(params={**CALL.params, "Force": True}),
    "fewer ids": changed(params={"InstanceIds": ["i-1"]}),
    "another target": changed(targets=(TargetRef("i-1", "instance"), TargetRef("i-3", "instance"))),
    "another region": changed(region="us-east-1"),
    "another account": changed(account="2"),
    "another effect": changed(effects=("terminate",)),
    "another rule": evolve(DECISION, violations=(evolve(DENIED, rule="remaining/share"),)),
    "a rule for one more machine": evolve(DECISION, violations=(DENIED, evolve(DENIED, target="i-2"))),
    "another cluster": evolve(DECISION, facts=evolve(FACTS, targets=(evolve(MACHINES[0], clusters=("red",)),))),
    "a secret": changed(masked=("/UserData",), private=Private(SECRET)),
    "another secret": changed(masked=("/UserData",), private=Private({**SECRET, "UserData": "two"})),
}
SAME = {
    "another order of ids": changed(params={"InstanceIds": ["i-2", "i-1"], "ClientToken": "a"}),
    "another order of effects": changed(effects=("ip", "terminate")),
    "another token": changed(params={**CALL.params, "ClientToken": "b"}),
    "another decision": evolve(DECISION, id="e", decided_at=9.0),
    "a warning": evolve(DECISION, violations=(DENIED, evolve(DENIED, rule="capacity/headroom", action="warn"))),
}


def test_everything_that_matters_changes_it():
    """Each of these, and who asks, has a digest of its own."""
    every = [of(DECISION), of(DECISION, "bob"), *map(of, DIFFERENT.values())]
    assert len({*every}) == len(every)


@pytest.mark.parametrize("name", SAME)
def test_what_changes_nothing_leaves_it(name):
    """What a second attempt of the same call may have different."""
    assert of(SAME[name]) == of(DECISION)


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({"blue": (2, 3)}, ""),
        ({"blue": (4, 5)}, ""),
        ({}, ""),
        ({"blue": (1, 2)}, "since the approval, fewer machines of blue run"),
        ({"blue": (2, 3), "red": (5, 5)}, "since the approval, the call reaches red as well"),
    ],
)
def test_as_much_must_remain(now, said):
    """Of an approval that left 2 of 3 of blue: no less may be left, and nothing of another cluster be touched."""
    assert worse(now, {"blue": (2, 3)}) == said


def allowed(running):
    """DECISION with the approval, while this many machines of blue run."""
    blue = {"live": True, "running": running, "remaining": running - 1, "total": running}
    targets = {"i-1": {"role": "target", "type": "instance", "clusters": ["blue"]}}
    approvals = [{"rules": [DENIED.rule]}]
    warned = (evolve(DENIED, action="warn"),)
    document = {"call": {"effects": ["terminate"]}, "targets": targets, "clusters": {"blue": blue}}
    return evolve(DECISION, action="warn", violations=warned, input={**document, "approvals": approvals})


@pytest.mark.parametrize(("running", "holds"), [(3, True), (4, True), (2, False)])
def test_an_approval_holds_through_a_wait(running, holds, tmp_path):
    """A call that waited for AWS's rate limits passes where as much remains as was approved, and no less."""
    before = allowed(3)
    given = Approval("a", of(before), (DENIED.rule,), "bob", "bob", "r", 0.0, 9.0, "alice", leaves=leaves(before))
    desk = Desk(ApprovalFolder(tmp_path), lambda _: Identity("alice", "alice"), print)
    after = desk.holds(allowed(running), evolve(before, approved=given))
    assert after.allowed is holds
    assert ("fewer machines of blue run" in (after.reason or "")) is not holds


def test_no_secret_is_in_the_document():
    """A hidden parameter is there as a slow digest only."""
    assert "two" not in str(document(DIFFERENT["another secret"], "alice"))


@pytest.mark.parametrize("service", ["ec2", "autoscaling", "cloudformation", "rds", "route53", "efs"])
def test_tokens_are_those_of_the_models(service):
    """A member that botocore fills in by itself, differently each time, is left out."""
    model = botocore.session.get_session().get_service_model(service)
    members = {name for each in model.operation_names for name in model.operation_model(each).idempotent_members}
    assert members <= TOKENS
