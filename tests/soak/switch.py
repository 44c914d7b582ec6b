"""Moves addresses under the guard: ``python -m tests.soak.switch CONFIG ALLOCATION=MACHINE …``."""

from __future__ import annotations

import sys

import boto3

import guardrails


def main() -> None:
    config, *moves = sys.argv[1:]
    guardrails.install(config)
    ec2 = boto3.client("ec2")
    for move in moves:
        address, _, machine = move.partition("=")
        ec2.associate_address(AllocationId=address, InstanceId=machine, AllowReassociation=True)


if __name__ == "__main__":
    main()
