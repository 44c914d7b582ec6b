"""Targets that one of AWS's descriptions ties to machines, networks or volumes: a table with a row for each type.

A resource carries the clusters of what it is tied to, and the cluster of its own tag.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve, frozen

from guardrails.resolve.resources.ec2_occupants import ASKS, Occupants, in_subnets, in_vpc, occupied
from guardrails.resolve.resources.resolver import Context, Resolver, last_part, strings, tags_of, unknown
from guardrails.values import Lookup, Target, TargetRef


@frozen
class Description:
    """Where to find a resource among the items of a look-up, as JMESPath.

    `names` finds its names. `ties` maps kinds of the inventory (``vpc``, ``instance`` …) to what finds such ids. Where
    it `may_be_unused`, a name that no item has is resolved: nothing depends on it.
    """

    lookup: Lookup
    names: str
    ties: Mapping[str, str]
    tags: str = "Tags"
    may_be_unused: bool = False


def described(rows: Mapping[str, Description]) -> dict[str, Resolver]:
    """The resolvers of a table, by type."""
    return {kind: _resolver(kind, row) for kind, row in rows.items()}


def _resolver(kind: str, row: Description) -> Resolver:
    def resolve(ref: TargetRef, context: Context) -> Target:
        items = context.named(row.lookup, row.names, last_part(ref.id))
        if not items and not row.may_be_unused:
            return unknown(ref, kind)
        tags: dict[str, str] = {}
        occupants = Occupants()
        for item in items:
            tags |= tags_of(item, row.tags)
            for tie, expression in row.ties.items():
                for name in strings(expression, item):
                    occupants |= _tied(tie, name, context)
        target = occupied(ref, kind, occupants, context, tags)
        return target if items else evolve(target, facts={"traced": False})

    networks = ASKS if {"vpc", "subnet"} & row.ties.keys() else ()
    return Resolver(resolve, (row.lookup, *(ask for ask in networks if ask != row.lookup)))


def _tied(tie: str, name: str, context: Context) -> Occupants:
    """What a resource is tied to by one id: a network with everything in it, or machines."""
    if tie == "vpc":
        return in_vpc(name, context)
    if tie == "subnet":
        return in_subnets([name], context)
    inventory = context.inventory
    missing = inventory.missing([name]) if tie == "instance" else ()
    return Occupants(
        frozenset(inventory.clusters_on(tie, name)), frozenset(inventory.untagged_on(tie, name)), frozenset(missing)
    )
