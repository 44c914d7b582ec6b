"""The table of CloudFormation's types agrees with CloudFormation's own schemas, and with the catalogue."""

from __future__ import annotations

import json
import re

import jmespath
import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from guardrails.aws.cloudformation import ResourceType, properties, refs, service_of, table
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.classify import Evidence, classify
from guardrails.resolve.resources import registry
from guardrails.values import Call

CATALOGUE = Catalogue()
TYPES = table().types
AT_ONCE = {"terminate", "stop", "storage", "traffic", "network", "ip", "scale-in", "replace"}
# IAM's names of services where CloudFormation has another.
PREFIXES = {"certificatemanager": "acm", "docdb": "rds", "efs": "elasticfilesystem", "emr": "elasticmapreduce",
            "applicationautoscaling": "application-autoscaling", "autoscalingplans": "autoscaling-plans",
            "elasticloadbalancingv2": "elasticloadbalancing", "msk": "kafka", "neptune": "rds",
            "networkfirewall": "network-firewall", "opensearchservice": "es", "stepfunctions": "states",
            "vpclattice": "vpc-lattice"}  # fmt: skip
WITH_POINTER = Evidence(frozenset({"Cluster"}), "x")
CREATES = re.compile("Add|Assign|Associate|Attach|Authorize|Create|Enable|Import|Put|Register|Set|Start|Update.*Config")
# Their handlers call these operations on what they create, which no one uses yet.
ON_THEIR_OWN = {
    "AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table", "AWS::ECR::Repository",
    "AWS::ECR::RepositoryCreationTemplate", "AWS::ElasticLoadBalancing::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::LoadBalancer", "AWS::IAM::Role", "AWS::IAM::User", "AWS::KMS::Key",
    "AWS::Lambda::Function", "AWS::Lightsail::Instance", "AWS::NetworkFirewall::Firewall",
    "AWS::Route53Resolver::FirewallDomainList", "AWS::Route53Resolver::FirewallRuleGroup",
    "AWS::S3::AccessPoint", "AWS::VpcLattice::TargetGroup",
    # A new address, for an instance that it takes none from.
    "AWS::Lightsail::StaticIp",
}  # fmt: skip


def entry(native):
    service, _, operation = native.partition(":")
    return CATALOGUE.service(service).operations.get(operation)


def all_types():
    return sorted(kind for kind in PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1") if kind.startswith("AWS::"))


def schema(kind):
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_identifiers_are_those_of_the_schemas(kind):
    """The parts of the identifier stand in the order of CloudFormation's schema of the type."""
    assert TYPES[kind].id == tuple(part.rpartition("/")[2] for part in schema(kind)["primaryIdentifier"])


def test_every_type_is_in_one_class():
    """Every type of the services is in the table or harmless: a newer CloudFormation's new types come up here."""
    known = {kind for kind in all_types() if service_of(kind) in table().services}
    assert known == {*TYPES, *table().harmless}
    assert not {*table().created} & known
    assert not {*TYPES} & table().harmless


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_operations_are_the_catalogues(kind):
    """Deleting a type is a governed operation on targets of the types that this operation has."""
    row = TYPES[kind]
    for native in filter(None, (row.delete, row.create, row.update)):
        service, _, operation = native.partition(":")
        found = CATALOGUE.service(service)
        assert operation in found.operations or operation in found.harmless, native
    assert set(row.targets) <= registry.known_types()
    if row.delete:
        effects = {*entry(row.delete).effects, *(e for form in entry(row.delete).forms for e in form.effects)}
        assert row.later is not bool(effects & AT_ONCE)
        assert {target.type for target in entry(row.delete).targets} >= {*row.targets} - {"internet-gateway"}
    for path in (*row.targets.values(), row.create_with):
        jmespath.compile(path)


@pytest.mark.parametrize("kind", sorted(kind for kind, row in TYPES.items() if row.targets))
def test_identifiers_name_targets(kind):
    """A whole identifier names every target of the row; its parts may be joined, or those of a JSON object."""
    row = TYPES[kind]
    values = {part: f"the-{part}" for part in row.id}
    assert {ref.type for ref in refs(row, values)} == {*row.targets}
    assert properties(row, "|".join(values.values())) == values


@pytest.mark.parametrize("kind", sorted(kind for kind, row in TYPES.items() if row.delete))
def test_deletions_are_judged_like_the_operation(kind):
    """Through Cloud Control, every deletion has the effects, severity and types of target of the service's own."""
    row = TYPES[kind]
    identifier = "|".join(f"the-{part}" for part in row.id)
    call = Call("cloudcontrolapi", "DeleteResource", {"TypeName": kind, "Identifier": identifier}, "eu-west-1", "")
    evidence = Evidence(frozenset({"Cluster"}), f"the-{row.id[0]}")
    judged, native = classify(call, CATALOGUE, evidence), entry(row.delete)
    assert judged is not None
    assert {target.type for target in judged.targets} == {*row.targets}
    assert set(judged.effects) >= set(native.effects)
    assert judged.severity == native.severity or not native.effects


@pytest.mark.parametrize("kind", sorted(table().harmless))
def test_harmless_types_are_left_alone(kind):
    """Types that hurt no running cluster are ungoverned, whatever is done to them."""
    for operation in ("CreateResource", "UpdateResource", "DeleteResource"):
        call = Call("cloudcontrolapi", operation, {"TypeName": kind, "Identifier": "x"}, "eu-west-1", "")
        assert classify(call, CATALOGUE, Evidence()) is None


def governed_in_creation(kind):
    """The service's own governed operations that creating a resource of this type may call, by its schema."""
    service = service_of(kind).rpartition("::")[2].lower()
    wanted = PREFIXES.get(service, service)
    handlers = schema(kind).get("handlers") or {}
    for permission in (handlers.get("create") or {}).get("permissions") or ():
        prefix, _, operation = permission.partition(":")
        if prefix.lower() != wanted or not CREATES.match(operation):
            continue
        for key in CATALOGUE.services:
            found = CATALOGUE.service(key)
            if found.signing_name in (wanted, {"cloudwatch": "monitoring"}.get(wanted)):
                governed = found.operations.get(operation)
                if governed and {*governed.all_effects} & (AT_ONCE | {"admit"}):
                    yield f"{key}:{operation}"


def test_every_creation_is_judged_like_the_operation():
    """A type whose creation calls an operation that is governed has a row that says so, or a reason not to."""
    found = {kind: sorted({*governed_in_creation(kind)}) for kind in all_types()}
    unmapped = {kind: natives for kind, natives in found.items() if natives and table().creation(kind) is None}
    assert {*unmapped} == ON_THEIR_OWN


def sample(node, definitions, depth=0):
    """A value in the form that a schema describes, with all of its properties."""
    node = {**node, **definitions[node["$ref"].rpartition("/")[2]]} if "$ref" in node else node
    for variant in ("oneOf", "anyOf"):
        node = {**node, **node[variant][0]} if "type" not in node and node.get(variant) else node
    kinds = node.get("type") or "object"
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if depth > 6 or "enum" in node:
        return next(iter(node.get("enum") or ("x",)))
    if kind == "array":
        return [sample(node.get("items") or {}, definitions, depth + 1)]
    if kind == "object":
        return {name: sample(each, definitions, depth + 1) for name, each in (node.get("properties") or {}).items()}
    return {"boolean": True, "integer": 1, "number": 1}.get(kind, "x")


# What hurts no one in the form that the sample has, and what is harmless in any form.
SAMPLES_HURT_NO_ONE = {
    "AWS::EC2::SecurityGroupEgress", "AWS::EC2::SecurityGroupIngress", "AWS::EC2::VPCGatewayAttachment",
    "AWS::EC2::VolumeAttachment", "AWS::ECS::CapacityProvider", "AWS::EKS::AccessEntry", "AWS::EKS::Addon",
    "AWS::Lambda::EventSourceMapping", "AWS::RDS::DBProxyTargetGroup",
    "AWS::Redshift::ScheduledAction", "AWS::Route53::DNSSEC", "AWS::Scheduler::Schedule",
}  # fmt: skip


def test_every_creation_can_be_read():
    """A state in the form of the type's schema, with policies as objects, is read and judged like its own call."""
    harmless = set()
    for kind in sorted({*TYPES, *table().created}):
        row = table().creation(kind)
        if row is None:
            continue
        state = sample({"type": "object", **schema(kind)}, schema(kind).get("definitions") or {})
        state |= {name: {"Effect": "Deny"} for name in state if name in ("PolicyDocument", "ResourcePolicy")}
        params = {"TypeName": kind, "DesiredState": json.dumps(state)}
        judged = classify(Call("cloudcontrolapi", "CreateResource", params, "eu-west-1", ""), CATALOGUE, WITH_POINTER)
        if judged is None:
            harmless.add(kind)
        else:
            assert (judged.native, {*judged.effects} - {*entry(row.create).all_effects}) == (row.create, set()), kind
    assert harmless == SAMPLES_HURT_NO_ONE


def test_a_misspelt_key_is_an_error():
    """A row with a key that the table does not know is refused."""
    with pytest.raises(TypeError):
        ResourceType(id="Id", target={})
