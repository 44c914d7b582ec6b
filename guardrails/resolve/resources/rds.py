"""RDS: databases, clusters of databases and their snapshots carry the cluster of their own tag.

One without it is followed to what it is part of, and to the networks from where it can be reached (rds_trails.py).
The tag comes with the description, so that one that AWS does not show is unknown, and not one without a tag.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html
"""

from __future__ import annotations

from attrs import evolve

from guardrails.resolve.resources.ends import asks, followed
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, named, tags_of, unknown
from guardrails.resolve.resources.trail import Trails, walk
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef, frozen


@frozen
class _Kind:
    """How a type is asked for. `filter` takes the identifiers, `names` is the member that has them."""

    lookup: Lookup
    filter: str
    names: str


_KINDS = {
    "db-instance": _Kind(Lookup("rds", "DescribeDBInstances", "DBInstances"), "db-instance-id", "DBInstanceIdentifier"),
    "db-cluster": _Kind(Lookup("rds", "DescribeDBClusters", "DBClusters"), "db-cluster-id", "DBClusterIdentifier"),
    "db-snapshot": _Kind(Lookup("rds", "DescribeDBSnapshots", "DBSnapshots"), "db-snapshot-id", "DBSnapshotIdentifier"),
    "db-cluster-snapshot": _Kind(
        Lookup("rds", "DescribeDBClusterSnapshots", "DBClusterSnapshots"),
        "db-cluster-snapshot-id",
        "DBClusterSnapshotIdentifier",
    ),
}


def _identifier(name: str) -> str:
    """RDS keeps identifiers in lower case, whatever they were written in. An automatic snapshot's has a colon."""
    return name.split(":", 6)[-1].lower() if name.startswith("arn:") else name.lower()


def _resolver(kind: str, row: _Kind, trails: Trails) -> Resolver:
    def lookup(call: Call) -> Lookup:
        # A filter, not an identifier: one that is unknown is no error, and several go into one request.
        values = sorted({_identifier(name) for name in named(call, kind)})
        return row.lookup.about(Filters=[{"Name": row.filter, "Values": values}])

    def resolve(ref: TargetRef, context: Context) -> Target:
        item = context.first(lookup(context.call), row.names, _identifier(ref.id))
        if item is None:
            return unknown(ref, kind)
        tags = tags_of(item, "TagList")
        clusters = context.inventory.carried(tags)
        marked = context.inventory.ownership.named(tags) is not None
        facts: TargetFacts = {"marked": marked}
        target = Target(ref.id, kind, ref.role, resolved=True, clusters=clusters, tags=tags, facts=facts)
        if marked or kind in trails:
            return target if marked else followed(target, (kind, _identifier(ref.id)), context, trails)
        return evolve(target, facts={**facts, "traced": False, "look_at": ["what was restored from it"]})

    def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
        walks = (
            [walk((kind, _identifier(name)), trails, answers) for name in named(call, kind)] if kind in trails else []
        )
        return tuple(evolve(each, optional=True) for result in walks for each in result.pending.values())

    more = asks(kind, trails) if kind in trails else ()
    return Resolver(resolve, (row.lookup, *more), lambda call, _keys: (lookup(call),), followups)


def resolvers(trails: Trails) -> dict[str, Resolver]:
    """The resolvers of these kinds; `trails` is the table that what has no tag is followed through."""
    return {kind: _resolver(kind, row, trails) for kind, row in _KINDS.items()}
