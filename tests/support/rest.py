"""Calls of services whose requests name no operation, only a method and a path."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

import guardrails
from guardrails.testing import SimulatedAWS

_OF_ENDPOINTS = ("POST /2021-01-01/opensearch/vpcEndpoints/describe", "POST /2015-01-01/es/vpcEndpoints/describe")
_READS = ("GET ", "HEAD ", "Describe", "List", "Get", "BatchGet", *_OF_ENDPOINTS)


def attempt(aws: SimulatedAWS, service: str, method: str, params: dict[str, Any]) -> set[str] | None:
    """The rules that denied a call, None where a request that changes something arrived, whatever moto said to it."""
    client = aws.client(service)
    before = changes(aws, client)
    try:
        getattr(client, method)(**params)
    except guardrails.CallDenied as error:
        assert changes(aws, client) == before, method
        return {violation.rule for violation in error.decision.violations} | {str(error.decision.unavailable)}
    except ClientError:
        pass
    # botocore repeats what moto does not know.
    assert changes(aws, client) > before, method
    return None


def without_wholes(aws: SimulatedAWS) -> None:
    """Let AWS know of no whole that a part belongs to; moto does not answer these look-ups."""
    for operation, code in (
        ("DescribeStorageVirtualMachines", "StorageVirtualMachineNotFound"),
        ("DescribeVolumes", "VolumeNotFound"),
    ):
        aws.answer(operation, 400, code, "not there")
    aws.reply("DescribeVirtualInterfaces", '{"virtualInterfaces": []}')
    for operation in _OF_ENDPOINTS:
        aws.reply(operation, '{"VpcEndpoints": []}')


def changes(aws: SimulatedAWS, client: Any) -> int:
    """How many requests of the client's service arrived that do not only read."""
    name = client.meta.service_model.signing_name
    return sum(
        request.service == name and not request.operation.rpartition(".")[2].startswith(_READS)
        for request in aws.requests
    )
