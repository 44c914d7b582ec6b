"""For every governed operation: whatever its look-ups lack, a call that complete answers would deny is not allowed.

The calls are made from the catalogue and the service models, the look-ups answered from a shop with a live and a
staging side. The same at a server, with requests counted, is in test_failing_lookups.py.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrails.resolve import contradictions
from guardrails.resolve.resources import ec2_volumes, registry
from guardrails.values import Target
from tests.faults.decisions import FAULTS, Case, Shop, World, cases, open_shop
from tests.faults.shop import BLUE, GREEN, known

# Of these an answer is left, but not about this shop.
_LIES = ("empty", "foreign")


@frozen
class Believed:
    """Answers that are believed although they hide the live side, where all of these look-ups lie at once.

    The reason says what else AWS could be asked, or that the world which these answers describe has nothing to harm.
    """

    lookups: frozenset[str]
    services: tuple[str, ...]
    reason: str

    def covers(self, case: Case, faults: Mapping[str, str]) -> bool:
        lies = {lookup for lookup, fault in faults.items() if fault in _LIES}
        return lies >= self.lookups and (not self.services or case.service in self.services)


def believed(lookups: str, services: str, reason: str) -> Believed:
    return Believed(frozenset(lookups.split()), tuple(services.split()), reason)


BELIEVED = (
    believed("DescribeAddresses DescribeInstances", "", "an account without machines has no live cluster to harm"),
    believed("DescribeListeners DescribeTargetGroups", "", "a balancer without listeners and groups serves nobody"),
    believed("DescribeAddresses", "autoscaling ecs elb elbv2", "no source names a cluster that could lose users"),
    believed("DescribeAddresses", "globalaccelerator route53", "the addresses that it points at are not followed"),
    believed("DescribeEndpointGroup", "globalaccelerator", "an endpoint group may have no endpoints"),
    believed("ListEndpointGroups", "globalaccelerator", "a listener may have no endpoint groups"),
    believed("ListListeners", "globalaccelerator", "an accelerator may have no listeners"),
    believed("ListInstanceProfilesForRole", "iam", "a role may be in no instance profile"),
    believed("ListResourceRecordSets", "route53", "a zone may have no records, but those of its own name"),
    believed("DescribeTransitGatewayAttachments", "ec2", "a transit gateway may have no attachments"),
    believed("DescribeChangeSet", "cloudformation", "a change set names machines that the region does not show"),
    believed("DescribeTargetHealth", "elbv2", "a new rule may send requests to an empty group"),
    believed("GetResources", "application-autoscaling", "what is scaled may have no cluster tag"),
)

# Calls on the staging side that need confirmation or are denied with complete answers, and why.
ASKED_OR_DENIED = {
    "autoscaling:DetachInstances (no machine is named)": "without a name it may mean everything",
    "autoscaling:EnterStandby (no machine is named)": "without a name it may mean everything",
    "ec2:AssociateRouteTable": "a gateway or an address pool, whose users no look-up shows",
}
# The same for kinds of calls, by an effect or by the type of a target.
ASKED_OR_DENIED_KINDS = {
    "opaque": "what a command, a session, a document or an automation does cannot be known",
    "organization-target": "it acts on every machine of the accounts below it",
    "region": "it acts on every machine of the region or the account",
}


@frozen
class Denied:
    """A call on the live side that is denied with complete answers, and the operations of the look-ups it makes."""

    case: Case
    lookups: tuple[str, ...]


def decided(shop: Shop, side, other):
    """(case, decision, look-ups) of every call on a side that the shop knows all about, with complete answers."""
    for case in cases(side, other):
        world = World()
        decision = shop.decide(case, world)
        if decision is not None and world.asked <= known():
            yield case, decision, tuple(sorted(world.asked))


def types(decision):
    """The types of what a call acts on, as the catalogue has them."""
    return {target.type for target in decision.call.targets}


@pytest.fixture(scope="module")
def shop():
    return open_shop()


@pytest.fixture(scope="module")
def denied(shop):
    """The calls on the live side that must not pass, which are most of those with a harmful effect.

    A launch is left out: it harms nothing that is there.
    """
    found = [
        Denied(case, asked)
        for case, decision, asked in decided(shop, BLUE, GREEN)
        if not decision.allowed and set(decision.call.effects) != {"capacity"}
    ]
    assert len(found) > 300
    return found


def holes(shop, denied, faults=FAULTS):
    """(call, look-up, fault) of each that passes while a single look-up has a fault."""
    return [
        (str(each.case), lookup, fault)
        for each in denied
        for lookup, fault in itertools.product(each.lookups, faults)
        if not any(known.covers(each.case, {lookup: fault}) for known in BELIEVED)
        if shop.decide(each.case, World({lookup: fault})).allowed
    ]


def test_the_shop_answers_look_ups():
    """The shop answers what the resolvers ask most; calls that need anything else are left out of these tests."""
    assert len({lookup.operation for lookup in registry.asks()} & known()) > 40


def test_no_single_fault_lets_a_denied_call_pass(shop, denied):
    """Every call, every look-up of it, missing, empty, of another account, or old: what was denied is not allowed."""
    assert holes(shop, denied) == []


@settings(max_examples=300)
@given(data=st.data())
def test_no_set_of_faults_lets_a_denied_call_pass(shop, denied, data):
    """The same for sets of look-ups, each with a fault of its own."""
    each = data.draw(st.sampled_from(denied))
    faults = data.draw(st.dictionaries(st.sampled_from(each.lookups), st.sampled_from(FAULTS), min_size=1))
    if not any(known.covers(each.case, faults) for known in BELIEVED):
        assert not shop.decide(each.case, World(faults)).allowed, (str(each.case), faults)


def test_the_other_side_passes(shop):
    """The same calls on the staging side pass, except those of the reviewed table."""
    refused = {
        str(case)
        for case, decision, _ in decided(shop, GREEN, GREEN)
        if not decision.allowed and not {*decision.call.effects, *types(decision)} & ASKED_OR_DENIED_KINDS.keys()
    }
    assert refused <= ASKED_OR_DENIED.keys()


def test_it_can_fail(shop, denied, monkeypatch):
    """A resolver that takes an unknown volume for an unused one is found, and so is believing contradictions."""
    disks = [each for each in denied if str(each.case) == "ec2:DeleteVolume"]
    nets = [each for each in denied if str(each.case) == "ec2:DeleteNatGateway"]
    assert holes(shop, disks + nets) == []
    monkeypatch.setattr(
        ec2_volumes, "unknown", lambda ref, kind: Target(ref.id, kind, ref.role, resolved=True, clusters=())
    )
    assert ("ec2:DeleteVolume", "DescribeVolumes", "empty") in holes(shop, disks)
    monkeypatch.setattr(contradictions, "among", lambda *_: ())
    assert ("ec2:DeleteNatGateway", "DescribeRouteTables", "empty") in holes(shop, nets)
