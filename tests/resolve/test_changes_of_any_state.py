"""Properties: whatever the present state is, repeating it changes nothing, and one harmful difference is a change."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.classify import Evidence, classify
from guardrails.resolve.changes.narrow import lookups, narrow
from guardrails.resolve.changes.records import leave_traffic
from guardrails.values import Answer, Call

CATALOGUE, EVIDENCE = Catalogue(), Evidence()


def left(service: str, operation: str, params: dict[str, Any], item: dict[str, Any] | None) -> tuple[str, ...]:
    """The effects that are left of a call where AWS describes this item (None: nothing)."""
    call = classify(Call(service, operation, params, "eu-west-1", ""), CATALOGUE, EVIDENCE)
    assert call is not None
    (lookup,) = lookups(call)
    return narrow(call, {lookup.key(): Answer(() if item is None else (item,), 0.0)}).effects


SUBNETS = st.lists(st.sampled_from([f"subnet-{n}" for n in range(6)]), min_size=1, unique=True)
MIX = st.fixed_dictionaries(
    {
        "LaunchTemplate": st.fixed_dictionaries({
            "LaunchTemplateSpecification": st.fixed_dictionaries({
                "LaunchTemplateId": st.just("lt-1"), "Version": st.sampled_from(["1", "$Latest", "$Default"])}),
            "Overrides": st.lists(
                st.fixed_dictionaries({"InstanceType": st.sampled_from(["a", "b", "c"])}), unique_by=str),
        }),
        "InstancesDistribution": st.fixed_dictionaries({
            "OnDemandPercentageAboveBaseCapacity": st.integers(1, 99), "SpotInstancePools": st.integers(3, 9)}),
    }
)  # fmt: skip
GROUPS = st.fixed_dictionaries(
    {
        "AutoScalingGroupName": st.just("web"),
        "DesiredCapacity": st.integers(1, 50),
        "MaxSize": st.integers(50, 99),
        "subnets": SUBNETS,
        "MixedInstancesPolicy": MIX,
        "TerminationPolicies": st.lists(st.sampled_from(["Default", "OldestInstance"]), unique=True, min_size=1),
        "HealthCheckType": st.sampled_from(["EC2", "ELB"]),
        "HealthCheckGracePeriod": st.integers(0, 900),
        "MaxInstanceLifetime": st.sampled_from([0, 86400, 864000]),
        "CapacityRebalance": st.booleans(),
        "NewInstancesProtectedFromScaleIn": st.booleans(),
    }
)


def _mix(group: dict[str, Any], **distribution: int) -> dict[str, Any]:
    mix = group["MixedInstancesPolicy"]
    return {**mix, "InstancesDistribution": {**mix["InstancesDistribution"], **distribution}}


HARMFUL = {
    "DesiredCapacity": lambda group: group["DesiredCapacity"] - 1,
    "MaxSize": lambda group: group["DesiredCapacity"] - 1,
    "VPCZoneIdentifier": lambda group: ",".join([*group["subnets"][1:], "subnet-9"]),
    "MixedInstancesPolicy": lambda group: _mix(group, OnDemandPercentageAboveBaseCapacity=0),
    "MaxInstanceLifetime": lambda group: 90000,
    "TerminationPolicies": lambda _: ["NewestInstance"],
}


@given(GROUPS, st.sampled_from(sorted(HARMFUL)), st.randoms(use_true_random=False))
def test_any_group(group: dict[str, Any], member: str, random: Any) -> None:
    """Of a group repeated whole or in part, in any order, nothing is left; of one harmful difference, something is."""
    subnets = group["subnets"]
    described = {**group, "VPCZoneIdentifier": ",".join(subnets)}
    wanted = {key: value for key, value in group.items() if key != "subnets"}
    wanted["VPCZoneIdentifier"] = ", ".join(random.sample(subnets, len(subnets)))
    operation = ("autoscaling", "UpdateAutoScalingGroup")
    assert left(*operation, wanted, described) == ()
    assert left(*operation, wanted, None) != ()
    assert left(*operation, wanted, {key: described[key] for key in ("AutoScalingGroupName",)}) != ()
    wanted[member] = HARMFUL[member](group)
    assert left(*operation, wanted, described) != ()


NAMES = st.sampled_from([f"arn:tg/{n}" for n in range(5)])
WEIGHTS = st.dictionaries(NAMES, st.integers(1, 100), min_size=2, max_size=4)


def _actions(weights: dict[str, int]) -> list[dict[str, Any]]:
    groups = [{"TargetGroupArn": name, "Weight": weight} for name, weight in weights.items()]
    return [{"Type": "forward", "ForwardConfig": {"TargetGroups": groups}}]


@given(WEIGHTS, st.randoms(use_true_random=False))
def test_any_listener(weights: dict[str, int], random: Any) -> None:
    """The same weights in any order leave nothing; one weight less, or one group less, is a change."""
    described = {"ListenerArn": "arn:l", "Port": 80, "Protocol": "HTTP", "DefaultActions": _actions(weights)}
    described["DefaultActions"][0] |= {"Order": 1}
    names = random.sample(sorted(weights), len(weights))
    operation = ("elbv2", "ModifyListener")

    def wanted(new: dict[str, int]) -> dict[str, Any]:
        return {"ListenerArn": "arn:l", "Port": 80, "DefaultActions": _actions(new)}

    assert left(*operation, wanted({name: weights[name] for name in names}), described) == ()
    assert left(*operation, wanted({**weights, names[0]: weights[names[0]] - 1}), described) != ()
    assert left(*operation, wanted({name: weights[name] for name in names[1:]}), described) != ()
    assert left(*operation, wanted(weights), None) != ()


VALUES = st.lists(st.integers(1, 254).map(lambda n: f"192.0.2.{n}"), min_size=1, max_size=4, unique=True)
ROUTING = st.sampled_from([{}, {"Weight": 7, "SetIdentifier": "a"}, {"Failover": "PRIMARY", "SetIdentifier": "a"}])


@given(VALUES, ROUTING, st.integers(1, 3600), st.randoms(use_true_random=False))
def test_any_record(values: list[str], routing: dict[str, Any], ttl: int, random: Any) -> None:
    """The same values in any order, with any TTL, leave everyone where they are; one value less does not."""
    record = {"Name": "www.example.org.", "Type": "A", "TTL": 300, **routing}
    present = {**record, "ResourceRecords": [{"Value": value} for value in values]}

    def stays(new: list[str], action: str = "UPSERT", **more: Any) -> bool:
        wanted = {**record, "ResourceRecords": [{"Value": value} for value in new], "TTL": ttl, **more}
        return leave_traffic("www.example.org", "A", [{"Action": action, "ResourceRecordSet": wanted}], [present])

    assert stays(random.sample(values, len(values)))
    assert stays([*values, "198.51.100.1"])
    assert not stays(values[1:])
    assert not stays([*values[1:], "198.51.100.1"])
    assert not stays(values, "DELETE")
    assert not stays(values, SetIdentifier="other")
    assert not stays(values, HealthCheckId="1")


def test_a_call_that_is_not_compared_stays_as_it_is() -> None:
    """A call of an operation without a row, and one whose state was not looked up, keep all their effects."""
    params = {"InstanceIds": ["i-1"]}
    call = classify(Call("ec2", "TerminateInstances", params, "eu-west-1", ""), CATALOGUE, EVIDENCE)
    assert call is not None
    assert lookups(call) == ()
    assert narrow(call, {}) is call
    update = classify(evolve(call, operation="ModifyFleet", params={"FleetId": "f"}), CATALOGUE, EVIDENCE)
    assert update is not None
    assert narrow(update, {}).effects == update.effects
