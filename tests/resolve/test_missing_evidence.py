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

from guardrails.config.settings import SOURCES, LiveSettings
from guardrails.resolve import contradictions, live
from guardrails.resolve.resources import ec2_volumes, registry
from guardrails.values import Target
from tests.faults.decisions import FAULTS, Case, Shop, World, cases, open_shop
from tests.faults.shop import BLUE, GREEN, known, name_of


@frozen
class Believed:
    """Answers that are believed although they hide the live side, where all of these look-ups have such a fault.

    Each reason says why nothing else contradicts them: no other look-up shows what they would have shown.
    """

    lookups: frozenset[str]
    faults: tuple[str, ...]
    reason: str

    def covers(self, faults: Mapping[str, str]) -> bool:
        return {name for name, fault in faults.items() if fault in self.faults} >= self.lookups


def empty(lookups: str, reason: str) -> Believed:
    return Believed(frozenset(lookups.split()), ("empty",), reason)


def empty_or_foreign(lookups: str, reason: str) -> Believed:
    return Believed(frozenset(lookups.split()), ("empty", "foreign"), reason)


BELIEVED = (
    # Nothing is there that could be harmed.
    empty("DescribeAddresses DescribeInstances", "an account without machines has no live cluster to harm"),
    empty("DescribeAddresses", "an account without Elastic IPs looks the same where no interface is read"),
    empty("DescribeListeners DescribeTargetGroups", "a balancer without listeners and groups serves nobody"),
    # One call lists what uses the resource, and AWS has no other that does; one that nothing uses may be deleted.
    empty("ListListeners", "only this call names the listeners of an accelerator; a new one has none"),
    empty("ListEndpointGroups", "only this call names the endpoint groups of a listener; a new one has none"),
    empty("ListHostedZones", "an account without hosted zones has no records that use anything"),
    empty("DescribeTrustStoreAssociations", "only this call names the balancers that use a trust store"),
    empty("DescribeTargetHealth", "a rule is written before anything is registered with its group"),
    empty_or_foreign(
        "DescribeUserGroups", "only this call names the user groups of a user, and most users are in none"
    ),
    empty_or_foreign("ListDistributions", "only distributions name their aliases, and a new alias is on none"),
    empty_or_foreign("DescribeCacheClusters", "only caches name their parameter group"),
    empty_or_foreign("DescribeVpnConnections", "only connections name their customer gateway"),
    empty_or_foreign("DescribeIpamPools", "only pools name their address manager"),
    empty_or_foreign("GetIpamPoolAllocations", "only this call names what has addresses of a pool"),
    empty_or_foreign("DescribeIpamPrefixListResolverTargets", "only this call names the prefix lists of a resolver"),
    empty_or_foreign("DescribeRouteServerEndpoints", "only endpoints name their route server"),
    empty_or_foreign("DescribeSecondaryInterfaces", "only interfaces name their secondary network"),
    empty_or_foreign("DescribeVerifiedAccessEndpoints", "only endpoints name their group and instance"),
    empty_or_foreign("DescribeVerifiedAccessInstances", "only instances name their trust providers"),
    empty_or_foreign("DescribeLocalGatewayRouteTableVpcAssociations", "only associations name their route table"),
    empty_or_foreign("DescribeTransitGatewayAttachments", "only attachments name their policy table and route table"),
    empty_or_foreign("GetTransitGatewayMulticastDomainAssociations", "only this call names the subnets of a domain"),
    # The answer is about the resource that was asked for, and says of another account what could be true of this one.
    Believed(frozenset(["DescribeLaunchTemplateVersions"]), ("foreign",), "a version of its number, from other parts"),
    Believed(frozenset(["ListResourceRecordSets"]), ("foreign",), "the zone of a policy's records has another name"),
)

OF_EVERY_CALL = ("DescribeInstances", "DescribeAddresses", "DescribeTargetGroups", "DescribeTargetHealth",
                 "DescribeListeners", "DescribeRules", "elbv2:DescribeLoadBalancers")  # fmt: skip
# Calls on the staging side that need confirmation or are denied with complete answers, and why.
OF_A_BUDGET = "the budget takes permissions away later, without the guard being asked"
ASKED_OR_DENIED = {
    "autoscaling:DetachInstances (no machine is named)": "without a name it may mean everything",
    "autoscaling:EnterStandby (no machine is named)": "without a name it may mean everything",
    "ecs:DeleteExpressGatewayService": "its ARN would name its cluster, and the test has only a name",
    "ecs:UpdateExpressGatewayService": "its ARN would name its cluster, and the test has only a name",
    "autoscaling:CreateAutoScalingGroup": "one of its target groups is made up",
    "autoscaling:CreateAutoScalingGroup (the machines of the new group join these load balancers)": "the same",
    "monitoring:PutCompositeAlarm (the alarm executes a scaling policy)": "the ARN of the policy is made up",
    "monitoring:PutLogAlarm (the alarm executes a scaling policy)": "the ARN of the policy is made up",
    "monitoring:PutMetricAlarm (the alarm executes a scaling policy)": "the ARN of the policy is made up",
    "servicecatalog:TerminateProvisionedProduct (the stack behind it is deleted)": "one of its products is made up",
    "servicecatalog:UpdateProvisionedProduct": "one of its products is made up",
    "route53:ChangeResourceRecordSets (records are replaced if they exist)": "a name outside the zone of the call",
    f"budgets:CreateBudgetAction ({OF_A_BUDGET})": "one of its roles is made up",
    f"budgets:UpdateBudgetAction ({OF_A_BUDGET})": "the same",
    "ec2:AssociateRouteTable": "a gateway or an address pool, whose users no look-up shows",
}
# The same for kinds of calls, by an effect or by the type of a target.
ASKED_OR_DENIED_KINDS = {
    "opaque": "what a command, a session, a document or an automation does cannot be known",
    "organization-target": "it acts on every machine of the accounts below it",
    "cfn-resource": "a type of Cloud Control that the test made up",
    "other-ec2": "a part of the address manager that no look-up follows",
    "event-endpoint": "a global endpoint, whose users no look-up shows",
    "kms-custom-key-store": "a key store, whose users no look-up shows",
    "ga-attachment": "what it lets other accounts use",
    "ecs-service-deployment": "its service is named by a part of its ARN, which the test does not have",
    "registered-domain": "the test has no hosted zone of its name, and names may lead anywhere",
    "region": "it acts on every machine of the region or the account",
    "sap-application": "the tagging API of the test does not list it, and without a tag it may be on any machine",
}


@frozen
class Denied:
    """A call on the live side that is denied with complete answers, and the look-ups that it makes.

    Two of one `kind` do the same to targets of the same types.
    """

    case: Case
    lookups: tuple[str, ...]
    kind: tuple[object, ...]


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
        Denied(case, asked, (frozenset(decision.call.effects), frozenset(types(decision))))
        for case, decision, asked in decided(shop, BLUE, GREEN)
        if not decision.allowed and set(decision.call.effects) != {"capacity"}
    ]
    assert len(found) > 500
    return found


def holes(shop, denied, faults=FAULTS):
    """(call, look-up, fault) of each that passes while a single look-up has a fault.

    Every call makes those of the sources of liveness: they are tried on one call of a kind.
    """
    first = {each.kind: each for each in reversed(denied)}
    return [
        (str(each.case), lookup, fault)
        for each in denied
        for lookup, fault in itertools.product(each.lookups, faults)
        if lookup not in OF_EVERY_CALL or first[each.kind] is each
        if not any(known.covers({lookup: fault}) for known in BELIEVED)
        if shop.decide(each.case, World({lookup: fault})).allowed
    ]


def test_the_shop_answers_look_ups(shop):
    """No governed operation needs a look-up that the shop does not answer."""
    of_sources = live.asks(LiveSettings(sources=SOURCES))
    assert {name_of(lookup) for lookup in (*registry.asks(), *of_sources)} <= known()
    covered = set()
    for case in cases(BLUE, GREEN):
        world = World()
        if shop.decide(case, world) is not None:
            assert world.asked <= known(), case
            covered.add((case.service, case.operation))
    assert len(covered) > 650


@pytest.mark.long  # the property below takes a sample of these
def test_no_single_fault_lets_a_denied_call_pass(shop, denied):
    """Every call, every look-up of it, missing, empty, of another account, or old: what was denied is not allowed."""
    assert holes(shop, denied) == []


SETS = [
    ("rds:FailoverDBCluster", {"DescribeAddresses": "foreign", "DescribeInstances": "foreign",
                               "DescribeTargetHealth": "foreign", "DescribeDBClusters": "stale"}),
    ("dynamodb:UpdateTable (deletion protection is switched off)",
     {"DescribeAddresses": "foreign", "DescribeInstances": "foreign", "GetResources": "foreign"}),
    # The same where no load balancer shows another account.
    ("dynamodb:UpdateTable (deletion protection is switched off)",
     {"DescribeAddresses": "foreign", "DescribeInstances": "foreign", "GetResources": "foreign",
      "DescribeTargetGroups": "empty", "elbv2:DescribeLoadBalancers": "empty"}),
    ("cloudfront:UpdateDistributionWithStagingConfig",
     {"GetResources": "empty", "ListResourceRecordSets": "empty", "ListHostedZones": "foreign"}),
    ("cloudfront:DeleteDistribution", {"GetResources": "empty", "ListHostedZones": "empty"}),
]  # fmt: skip


@pytest.mark.parametrize(("call", "faults"), SETS)
def test_these_sets_of_faults_let_nothing_pass(call, faults, shop, denied):
    """Sets of faults that agree with each other: another account's answers, and names whose records are elsewhere."""
    each = next(each for each in denied if str(each.case) == call)
    assert not shop.decide(each.case, World(faults)).allowed


PLACE = st.integers(0, 10_000)


@settings(max_examples=300)
@given(which=PLACE, chosen=st.lists(st.tuples(PLACE, st.sampled_from(FAULTS)), min_size=1))
def test_no_set_of_faults_lets_a_denied_call_pass(shop, denied, which, chosen):
    """The same for sets of look-ups, each with a fault of its own."""
    each = denied[which % len(denied)]
    faults = {each.lookups[place % len(each.lookups)]: fault for place, fault in chosen}
    if not any(known.covers(faults) for known in BELIEVED):
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
