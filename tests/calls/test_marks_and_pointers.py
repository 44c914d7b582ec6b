"""A live tag and a pointer follow what users reach; where nothing shows that, moving them is the switch."""

from __future__ import annotations

import itertools

import pytest

import guardrails

POINTER = "/live"
MARK = {"key": "Live", "value": "true"}


class Shop:
    """Blue is live by what a test configures; green is complete beside it."""

    def __init__(self, aws, green: int = 2) -> None:
        self.aws, self.ec2, self.ssm = aws, aws.client("ec2"), aws.client("ssm")
        self.blue = aws.start_cluster("blue", 2, addresses=2)
        self.green = aws.start_cluster("green", green)
        self.mark(self.blue)
        self.ssm.put_parameter(Name=POINTER, Value="blue", Type="String")

    def mark(self, cluster) -> None:
        self.ec2.create_tags(Resources=list(cluster.instance_ids), Tags=[{"Key": "Live", "Value": "true"}])

    def unmark(self, cluster) -> None:
        self.ec2.delete_tags(Resources=list(cluster.instance_ids), Tags=[{"Key": "Live"}])

    def point(self, name: str) -> None:
        self.ssm.put_parameter(Name=POINTER, Value=name, Type="String", Overwrite=True)

    def move(self, number: int) -> None:
        self.ec2.associate_address(
            AllocationId=self.blue.allocation_ids[number],
            InstanceId=self.green.instance_ids[number],
            AllowReassociation=True,
        )

    def terminate(self, cluster) -> None:
        self.ec2.terminate_instances(InstanceIds=list(cluster.instance_ids))

    def step(self, name: str):
        """A step of a cutover, by its name."""
        return {
            "address 0": lambda: self.move(0),
            "address 1": lambda: self.move(1),
            "mark green": lambda: self.mark(self.green),
            "unmark blue": lambda: self.unmark(self.blue),
            "point at green": lambda: self.point("green"),
        }[name]


def attempt(step) -> set[str]:
    """The rules that denied a step; empty where it arrived."""
    try:
        step()
    except guardrails.CallDenied as error:
        return {each.rule for each in error.decision.violations}
    return set()


STEPS = {"eip": ("address 0", "address 1"), "tag": ("mark green", "unmark blue"), "ssm": ("point at green",)}


def walks():
    """Every order of the steps for up to three of them, every tenth for more."""
    for size in (1, 2, 3):
        for sources in itertools.combinations(STEPS, size):
            names = [name for source in sources for name in STEPS[source]]
            orders = [*itertools.permutations(names)]
            yield from ((sources, order) for order in orders[:: 1 if len(names) < 4 else 10])


@pytest.mark.cases(8)
@pytest.mark.parametrize(("sources", "order"), [*walks()], ids="-".join)
def test_no_order_of_the_steps_is_stuck(sources, order, aws, install):
    """What is denied passes after other steps; in the end green is protected and blue is free."""
    shop = Shop(aws)
    install(live={"sources": list(sources), "tag": MARK, "ssm_parameter": POINTER}, params={"rollback_window_s": 0})
    waiting = [*order]
    while waiting:
        left = [name for name in waiting if attempt(shop.step(name))]
        assert left != waiting, f"stuck at {left}"
        waiting = left
    assert attempt(lambda: shop.terminate(shop.green)) == {"live-cluster/terminate"}
    assert attempt(lambda: shop.terminate(shop.blue)) == set()
    assert aws.count("TerminateInstances") == 1


@pytest.mark.parametrize("sources", [("tag",), ("ssm",), ("tag", "ssm")], ids="-".join)
def test_no_switch_to_a_half_started_side(sources, aws, install):
    """Where tag and pointer are the switch, they do not move to a smaller cluster or one without machines."""
    shop = Shop(aws, green=1)
    install(live={"sources": list(sources), "tag": MARK, "ssm_parameter": POINTER})
    shop.mark(shop.green)
    before = aws.count("PutParameter")
    if "ssm" in sources:
        assert attempt(lambda: shop.point("green")) == {"protection/live-pointer"}
        assert attempt(lambda: shop.point("nobody")) == {"protection/live-pointer"}
        assert attempt(lambda: shop.point("")) == {"protection/live-pointer"}
    if "tag" in sources:
        assert attempt(lambda: shop.unmark(shop.blue)) == {"protection/retag"}
    assert (aws.count("PutParameter"), aws.count("DeleteTags")) == (before, 0)
