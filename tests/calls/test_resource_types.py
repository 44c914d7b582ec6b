"""The table of CloudFormation's types agrees with CloudFormation's own schemas, and with the catalogue."""

from __future__ import annotations

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


def entry(native):
    service, _, operation = native.partition(":")
    return CATALOGUE.service(service).operations.get(operation)


def schema(kind):
    return PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_identifiers_are_those_of_the_schemas(kind):
    """The parts of the identifier stand in the order of CloudFormation's schema of the type."""
    assert TYPES[kind].id == tuple(part.rpartition("/")[2] for part in schema(kind)["primaryIdentifier"])


def test_every_type_is_in_one_class():
    """Every type of the services is in the table or harmless: a newer CloudFormation's new types come up here."""
    known = {kind for kind in PROVIDER_SCHEMA_MANAGER.get_resource_types("us-east-1") if kind.startswith("AWS::")}
    known = {kind for kind in known if service_of(kind) in table().services}
    assert known == {*TYPES, *table().harmless}
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


def test_a_misspelt_key_is_an_error():
    """A row with a key that the table does not know is refused."""
    with pytest.raises(TypeError):
        ResourceType(id="Id", target={})
