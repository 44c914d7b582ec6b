"""Parts of two wholes with the same name: the stage "prod" of two APIs. A call means that of the whole that it names.

The tagging API's answer is canned: moto lists the tags of few services there.
"""

from __future__ import annotations

import json

import pytest

from tests.support import rest

pytestmark = pytest.mark.every(3)

ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
NAMES = ("blue", "green")
# What deletes the part, in which service's ARNs {} is the whole, and the part in it.
PARTS = [
    ("apigateway", "delete_stage", "apigateway", "/restapis/{}", "/stages/prod",
     {"restApiId": "{}", "stageName": "prod"}),
    ("apigatewayv2", "delete_stage", "apigateway", "/apis/{}", "/stages/$default",
     {"ApiId": "{}", "StageName": "$default"}),
    ("keyspaces", "delete_table", "cassandra", "/keyspace/{}/", "table/orders",
     {"keyspaceName": "{}", "tableName": "orders"}),
    ("timestream-write", "delete_table", "timestream", "database/{}", "/table/orders",
     {"DatabaseName": "{}", "TableName": "orders"}),
    ("appmesh", "delete_virtual_node", "appmesh", "mesh/{}", "/virtualNode/web",
     {"meshName": "{}", "virtualNodeName": "web"}),
    ("appmesh", "delete_route", "appmesh", "mesh/m/virtualRouter/{}", "/route/main",
     {"meshName": "m", "virtualRouterName": "{}", "routeName": "main"}),
]  # fmt: skip
IDS = [f"{service}.{method}.{number}" for number, (service, method, *_) in enumerate(PARTS)]


@pytest.fixture
def site(aws, places, install, monkeypatch):
    """Blue is live, green is not; both have a machine."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    install(live={"eip_addresses": [places["blue"].public_ip]})
    return places


def tag(aws, places, service, owners):
    """The tagging API lists these resources of a service with their clusters, and the machines."""
    machines = {ARN.format("ec2", f"instance/{places[name].machine}"): name for name in NAMES}
    rows = {**{ARN.format(service, resource): name for resource, name in owners.items()}, **machines}
    mapping = [{"ResourceARN": arn, "Tags": [{"Key": "Cluster", "Value": name}]} for arn, name in rows.items()]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": mapping}))


def arrives(aws, service, method, params, name):
    """Whether the call arrives for the whole of this cluster."""
    filled = {key: value.format(name) for key, value in params.items()}
    return rest.attempt(aws, service, method, filled) is None


@pytest.mark.parametrize(("service", "method", "of", "whole", "part", "params"), PARTS, ids=IDS)
@pytest.mark.parametrize("tagged", [(), ("green",), ("blue",), ("blue", "green")], ids=",".join)
def test_only_the_part_of_the_whole_it_names(tagged, service, method, of, whole, part, params, site, aws):
    """Whichever of the two parts has a tag of its own, the live one stays and the other one may go."""
    wholes = {whole.format(name): name for name in NAMES}
    tag(aws, site, of, {**wholes, **{whole.format(name) + part: name for name in tagged}})
    assert not arrives(aws, service, method, params, "blue")
    assert arrives(aws, service, method, params, "green")


@pytest.mark.parametrize(("service", "method", "of", "whole", "part", "params"), PARTS, ids=IDS)
def test_a_part_of_an_untagged_whole(service, method, of, whole, part, params, site, aws):
    """Where no whole has a tag, the live part stays, and the tag of the one says nothing about the other."""
    tag(aws, site, of, {whole.format("blue") + part: "blue"})
    assert not arrives(aws, service, method, params, "blue")
    assert arrives(aws, service, method, params, "green")


def test_a_whole_with_the_name_of_a_part(site, aws):
    """Green's table, database or mesh of the name of a part of the live cluster's does not stand for it."""
    for service, method, of, whole, part, params in PARTS[2:5]:
        name = part.rpartition("/")[2]
        tag(aws, site, of, {whole.format("blue"): "blue", whole.format("green"): "green", whole.format(name): "green"})
        assert not arrives(aws, service, method, params, "blue"), service
        assert arrives(aws, service, method, params, "green"), service


def test_a_snapshot_of_the_cluster_it_names(site, aws):
    """A snapshot of Redshift's is in its cluster, without a word between: of two, the named cluster's counts."""
    call = ("redshift", "delete_cluster_snapshot")
    for owner in NAMES:
        clusters = {f"cluster:{name}": name for name in NAMES}
        tag(aws, site, "redshift", {**clusters, f"snapshot:{owner}/of-{owner}": owner})
        for name in NAMES:
            params = {"SnapshotClusterIdentifier": name, "SnapshotIdentifier": f"of-{owner}"}
            denied = rest.attempt(aws, *call, params)
            assert (denied is None) == (name == "green"), (owner, name, denied)
        denied = rest.attempt(aws, *call, {"SnapshotIdentifier": f"of-{owner}"})
        assert (denied is None) == (owner == "green"), denied


FUNCTIONS = ("{}", "{}:prod", "function:{}", "123456789012:{}", "123456789012:function:{}:prod",
             "eu-west-1:123456789012:function:{}", "eu-west-1:123456789012:{}", "eu-west-1:function:{}",
             "arn:aws:lambda:{}", "arn:aws:lambda:eu-west-1:123456789012:function:{}:1")  # fmt: skip


def test_each_form_of_a_functions_name(site, aws):
    """Lambda takes a name behind any of the parts of an ARN: each form means the same function."""
    tag(aws, site, "lambda", {f"function:{name}-fn": name for name in NAMES})
    params = {"ReservedConcurrentExecutions": 0}
    for form in FUNCTIONS:
        for name in NAMES:
            spelled = {"FunctionName": form.format(f"{name}-fn"), **params}
            denied = rest.attempt(aws, "lambda", "put_function_concurrency", spelled)
            assert (denied is None) == (name == "green"), (form, name, denied)


def test_a_private_domain_name(site, aws):
    """The ARN of a private domain name of API Gateway ends with an id that calls name in a parameter of its own."""
    tag(aws, site, "apigateway", {f"/domainnames/{name}.example+abc123": name for name in NAMES})
    for name in (*NAMES, "other"):
        params = {"domainName": f"{name}.example", "domainNameId": "abc123"}
        denied = rest.attempt(aws, "apigateway", "delete_domain_name", params)
        assert (denied is None) == (name != "blue"), denied


def test_names_with_a_date(site, aws):
    """A name that ends with eight digits is no id: two APIs may have such a stage."""
    stage = "v-20240101"
    tag(aws, site, "apigateway", {"/restapis/blue": "blue", f"/restapis/green/stages/{stage}": "green"})
    for name in NAMES:
        denied = rest.attempt(aws, "apigateway", "delete_stage", {"restApiId": name, "stageName": stage})
        assert (denied is None) == (name == "green"), denied


def test_an_arn_of_a_part(site, aws):
    """The ARN of a version of a state machine, or of a gateway's volume, begins with that of what it is a part of."""
    for service, method, of, whole, part, parameter, more in (
        ("stepfunctions", "delete_state_machine", "states", "stateMachine:{}", ":prod", "stateMachineArn", {}),
        ("storagegateway", "delete_volume", "storagegateway", "gateway/sgw-{}", "/volume/vol-1", "VolumeARN", {}),
    ):
        tag(aws, site, of, {whole.format(name): name for name in NAMES})
        for name in NAMES:
            arn = ARN.format(of, whole.format(name) + part)
            denied = rest.attempt(aws, service, method, {parameter: arn, **more})
            assert (denied is None) == (name == "green"), (service, name, denied)
