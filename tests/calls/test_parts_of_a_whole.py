"""Parts that a call names by an id of their own, and that few people tag: they are what they are a part of.

The tests say what the simulated AWS answers: moto knows few of them.
"""

from __future__ import annotations

import json

import pytest

from tests.support import rest

ARN = "arn:aws:{}:eu-west-1:123456789012:{}"
UUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
NAMES = ("blue", "green")
WHOLES = (("lambda", "function:{}"), ("sqs", "{}"), ("dynamodb", "table/{}"), ("vpc-lattice", "service/svc-{}"),
          ("vpc-lattice", "servicenetwork/sn-{}"), ("fsx", "file-system/fs-{}"), ("directconnect", "dxcon/dxcon-{}"),
          ("es", "domain/{}"))  # fmt: skip
FUNCTION, QUEUE = ARN.format("lambda", "function:{}"), ARN.format("sqs", "{}")
SERVICE = {"serviceArn": ARN.format("vpc-lattice", "service/svc-{}")}
NETWORK = {"serviceNetworkArn": ARN.format("vpc-lattice", "servicenetwork/sn-{}")}
# REST services name a method and a path.
MAPPING = f"GET /2015-03-31/event-source-mappings/{UUID}"
DISABLED = ("lambda", "update_event_source_mapping", {"UUID": UUID, "Enabled": False})
# The call, the look-up, and what it answers of a part of each cluster.
CASES = [
    (DISABLED, MAPPING, {"FunctionArn": FUNCTION, "EventSourceArn": QUEUE.format("orders")}),
    (DISABLED, MAPPING, {"FunctionArn": FUNCTION.format("app") + ":1", "EventSourceArn": QUEUE}),
    (("lambda", "delete_event_source_mapping", {"UUID": UUID}), MAPPING,
     {"FunctionArn": FUNCTION.format("app"), "EventSourceArn": ARN.format("dynamodb", "table/{}/stream/2026-11-30")}),
    (("vpc-lattice", "delete_service_network_service_association",
      {"serviceNetworkServiceAssociationIdentifier": "snsa-0123456789abcdef0"}),
     "GET /servicenetworkserviceassociations/snsa-0123456789abcdef0",
     {**SERVICE, "serviceNetworkArn": "arn:aws:vpc-lattice:x"}),
    (("vpc-lattice", "delete_service_network_vpc_association",
      {"serviceNetworkVpcAssociationIdentifier": "snva-0123456789abcdef0"}),
     "GET /servicenetworkvpcassociations/snva-0123456789abcdef0", NETWORK),
    (("fsx", "delete_volume", {"VolumeId": "fsvol-0123456789abcdef0"}), "DescribeVolumes",
     {"Volumes": [{"FileSystemId": "fs-{}"}]}),
    (("fsx", "delete_storage_virtual_machine", {"StorageVirtualMachineId": "svm-0123456789abcdef0"}),
     "DescribeStorageVirtualMachines", {"StorageVirtualMachines": [{"FileSystemId": "fs-{}"}]}),
    (("directconnect", "start_bgp_failover_test", {"virtualInterfaceId": "dxvif-f0000000"}),
     "DescribeVirtualInterfaces", {"virtualInterfaces": [{"connectionId": "dxcon-{}"}]}),
    (("opensearch", "delete_vpc_endpoint", {"VpcEndpointId": "aos-0123"}),
     "POST /2021-01-01/opensearch/vpcEndpoints/describe",
     {"VpcEndpoints": [{"DomainArn": ARN.format("es", "domain/{}")}]}),
]  # fmt: skip


@pytest.fixture
def world(aws, places, install):
    """Blue is live; the tagging API lists what each cluster has, and no part of it."""
    rows = [(name, ARN.format(service, resource.format(name))) for name in NAMES for service, resource in WHOLES]
    rows += [(name, ARN.format("ec2", f"instance/{places[name].machine}")) for name in NAMES]
    mapping = [{"ResourceARN": arn, "Tags": [{"Key": "Cluster", "Value": name}]} for name, arn in rows]
    aws.reply("GetResources", json.dumps({"ResourceTagMappingList": mapping}))
    install(live={"eip_addresses": [places["blue"].public_ip]})
    return aws


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{call[1]}-{n}" for n, (call, *_) in enumerate(CASES)])
def test_a_part_is_its_whole_s(world, case, name):
    """What belongs to the live function, queue, table, network, disk or domain stays; green's may go."""
    call, asked, answer = CASES[case]
    world.reply(asked, json.dumps(answer).replace("{}", name))
    assert (rest.attempt(world, *call) is None) == (name == "green")


def test_a_part_that_may_not_be_described(world):
    """Where the look-up is refused, nothing is sent, and the message names the permission."""
    world.answer(MAPPING, 403, "AccessDeniedException", "not authorized")
    denied = rest.attempt(world, *DISABLED)
    assert "allow the IAM action lambda:GetEventSourceMapping" in str(denied)


def test_a_part_that_is_gone(world):
    """What AWS does not know is no part of the live cluster: the call is sent, and AWS says so."""
    world.answer(MAPPING, 404, "ResourceNotFoundException", "not there")
    assert rest.attempt(world, *DISABLED) is None


def test_a_part_with_a_tag_of_its_own(world):
    """Its own tag says whose it is, and AWS is not asked."""
    arn = ARN.format("lambda", f"event-source-mapping:{UUID}")
    mapping = [{"ResourceARN": arn, "Tags": [{"Key": "Cluster", "Value": "green"}]}]
    world.reply("GetResources", json.dumps({"ResourceTagMappingList": mapping}))
    assert rest.attempt(world, "lambda", "delete_event_source_mapping", {"UUID": UUID}) is None
    assert world.count(MAPPING) == 0
