"""Services that end or stop machines by their EC2 ids, or send users away from a balancer. Counted at the server."""

from __future__ import annotations

import pytest

from tests.calls.test_same_act_other_api import fronts
from tests.support import rest

pytestmark = pytest.mark.every(3)

LIVE, OTHER = "blue", "green"
ACCOUNT = "123456789012"
NOBODY = "i-0123456789abcdef0"


def budget(definition):
    """The parameters of a budget's action that is carried out without anyone's word."""
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    return {
        "AccountId": ACCOUNT, "BudgetName": "b", "NotificationType": "ACTUAL", "ActionType": "RUN_SSM_DOCUMENTS",
        "ActionThreshold": {"ActionThresholdValue": 1.0, "ActionThresholdType": "ABSOLUTE_VALUE"},
        "Definition": definition, "ExecutionRoleArn": role, "ApprovalModel": "AUTOMATIC",
        "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "a@example.org"}],
    }  # fmt: skip


def stops(ids):
    """What a budget does to machines."""
    return {"SsmActionDefinition": {"ActionSubType": "STOP_EC2_INSTANCES", "Region": "eu-west-1", "InstanceIds": ids}}


CALLS = [
    ("budgets", "create_budget_action", lambda ids: budget(stops(ids)), "stop"),
    ("budgets", "update_budget_action",
     lambda ids: {"AccountId": ACCOUNT, "BudgetName": "b", "ActionId": "0" * 36, "Definition": stops(ids)}, "stop"),
    ("emr", "modify_instance_groups",
     lambda ids: {"InstanceGroups": [{"InstanceGroupId": "g", "EC2InstanceIdsToTerminate": ids}]}, "terminate"),
    ("drs", "terminate_recovery_instances", lambda ids: {"recoveryInstanceIDs": ids}, "terminate"),
]  # fmt: skip


@pytest.mark.parametrize(("service", "method", "params", "effect"), CALLS, ids=[row[1] for row in CALLS])
def test_machines_by_their_ids(service, method, params, effect, aws, install, monkeypatch):
    """Machines of the live cluster are not stopped or ended so; those of the other are, and unknown ones are not."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    ids = {name: [*aws.start_cluster(name, 2, addresses=name == LIVE).instance_ids] for name in (LIVE, OTHER)}
    install()
    assert f"live-cluster/{effect}" in rest.attempt(aws, service, method, params(ids[LIVE]))
    assert rest.attempt(aws, service, method, params([NOBODY])) >= {"live-cluster/unresolved"}
    assert rest.attempt(aws, service, method, params(ids[OTHER])) is None


SHIFTS = [
    ("start_zonal_shift", {"awayFrom": "euw1-az1", "expiresIn": "3d", "comment": "x"}),
    ("start_practice_run", {"awayFrom": "euw1-az1", "comment": "x"}),
]


@pytest.mark.parametrize(("method", "more"), SHIFTS, ids=[row[0] for row in SHIFTS])
def test_a_zone_that_gets_no_traffic(method, more, aws, install):
    """A zonal shift of the live cluster's balancer is denied; of the other's it arrives."""
    made = fronts(aws)
    install(live={"sources": ["eip"], "eip_addresses": [made[LIVE].parts.public_ip]})
    shift = lambda name: rest.attempt(
        aws, "arc-zonal-shift", method, {"resourceIdentifier": made[name].balancer, **more}
    )
    assert shift(LIVE) == {"live-cluster/traffic", "None"}
    assert shift(OTHER) is None
