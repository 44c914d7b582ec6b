"""What names the live cluster beside what users come through: a parameter, or a tag of machines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from guardrails.cutover.kinds.kind import Clients
from guardrails.cutover.plan import State


class Pointer:
    """The Kind of parameters that name the live cluster, by the parameter's name. The state is the value."""

    def read(self, clients: Clients, ids: Iterable[str]) -> Mapping[str, State]:
        """What it names now."""
        return {name: clients("ssm").get_parameter(Name=name)["Parameter"]["Value"] for name in ids}

    def write(self, clients: Clients, id: str, now: State, wanted: State) -> None:  # noqa: A002, ARG002
        """Name another one."""
        clients("ssm").put_parameter(Name=id, Value=wanted, Overwrite=True)

    def same(self, one: State, other: State) -> bool:
        """The same value."""
        return bool(one == other)

    def ours(self, now: State, states: Sequence[State]) -> bool:
        """No other value than those of the cutover."""
        return now in states


class Mark:
    """The Kind of a tag that marks live machines, by ``KEY=VALUE``. The state are the ids of those that have it."""

    def read(self, clients: Clients, ids: Iterable[str]) -> Mapping[str, State]:
        """The machines that have it now."""
        return {mark: _marked(clients, *mark.split("=", 1)) for mark in ids}

    def write(self, clients: Clients, id: str, now: State, wanted: State) -> None:  # noqa: A002
        """First mark those that lack it, then take it from the others: at every moment some have it."""
        key, value = id.split("=", 1)
        missing, others = sorted({*wanted} - {*now}), sorted({*now} - {*wanted})
        if missing:
            clients("ec2").create_tags(Resources=missing, Tags=[{"Key": key, "Value": value}])
        if others:
            clients("ec2").delete_tags(Resources=others, Tags=[{"Key": key, "Value": value}])

    def same(self, one: State, other: State) -> bool:
        """On the same machines."""
        return {*one} == {*other}

    def ours(self, now: State, states: Sequence[State]) -> bool:
        """On no other machines than those of the cutover."""
        return {*now} <= {machine for state in states for machine in state}


def _marked(clients: Clients, key: str, value: str) -> list[str]:
    pages = (
        clients("ec2").get_paginator("describe_instances").paginate(Filters=[{"Name": f"tag:{key}", "Values": [value]}])
    )
    return sorted(
        machine["InstanceId"]
        for page in pages
        for reservation in page["Reservations"]
        for machine in reservation["Instances"]
        if machine["State"]["Name"] not in ("terminated", "shutting-down")
    )
