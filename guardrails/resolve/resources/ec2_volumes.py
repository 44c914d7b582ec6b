"""Volumes: they carry the clusters of the machines that they are on."""

from __future__ import annotations

from guardrails.resolve.question import FILTER_VALUES
from guardrails.resolve.resources.resolver import Context, Resolver, merged, named, tags_of, uncertain, unknown
from guardrails.values import Call, Lookup, Target, TargetRef

_VOLUMES = Lookup("ec2", "DescribeVolumes", "Volumes")


def _lookup(call: Call) -> Lookup:
    ids = sorted(named(call, "volume"))
    if len(ids) > FILTER_VALUES:
        return _VOLUMES
    # A filter, not VolumeIds: an unknown id does not make the look-up of the others fail.
    return _VOLUMES.about(Filters=[{"Name": "volume-id", "Values": ids}])


def _volume(ref: TargetRef, context: Context) -> Target:
    volume = context.first(_lookup(context.call), "VolumeId", ref.id)
    if volume is None:
        return unknown(ref, "volume")
    inventory, tags = context.inventory, tags_of(volume)
    holders = [attachment.get("InstanceId") for attachment in volume.get("Attachments") or []]
    carried = {inventory.cluster_of(holder) for holder in holders} | inventory.clusters_on("volume", ref.id)
    missing = inventory.missing(holders)
    return Target(
        ref.id,
        "volume",
        ref.role,
        resolved=not missing,
        clusters=merged(carried) or inventory.carried(tags),
        tags=tags,
        state=volume.get("State"),
        facts={
            "instances": [holder for holder in holders if holder],
            **uncertain(inventory.untagged_on("volume", ref.id), missing),
        },
    )


RESOLVERS = {"volume": Resolver(_volume, (_VOLUMES,), lambda call, _keys: (_lookup(call),))}
