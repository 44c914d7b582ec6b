"""The cluster tag of what is otherwise followed to the machines that use it: its own tag says whose it is, too."""

from __future__ import annotations

from attrs import evolve, frozen

from guardrails.resolve.resources.resolver import Context, Resolver, last_part, named, tags_of
from guardrails.values import Call, Lookup, Target, TargetRef


@frozen
class _Own:
    """How the tags of a kind are asked for: by ids with this prefix in a filter, or one by one with a parameter."""

    lookup: Lookup
    prefix: str = ""
    parameter: str = ""

    def asked(self, name: str) -> Lookup | None:
        """The look-up for one of them; None for one that is not named by its id."""
        if self.parameter:
            return self.lookup.about(**{self.parameter: last_part(name)})
        if not name.startswith(self.prefix):
            return None
        return self.lookup.about(Filters=[{"Name": "resource-id", "Values": [name]}])

    def tags(self, name: str, context: Context) -> dict[str, str]:
        """Its own tags."""
        lookup = self.asked(name)
        items = context.items(lookup) if lookup else ()
        if self.parameter:
            return next((tags_of(item) for item in items), {})
        return tags_of({"Tags": [item for item in items if item.get("ResourceId") == name]})


_TAGS = Lookup("ec2", "DescribeTags", "Tags")
_PROFILE = Lookup("iam", "GetInstanceProfile", "InstanceProfile", empty_on=("NoSuchEntity",))
_KINDS = {
    "ami": _Own(_TAGS, "ami-"),
    "capacity-reservation": _Own(_TAGS, "cr-"),
    "dedicated-host": _Own(_TAGS, "h-"),
    "instance-profile": _Own(_PROFILE, parameter="InstanceProfileName"),
    "security-group": _Own(_TAGS, "sg-"),
}
KINDS = tuple(_KINDS)


def and_own(kind: str, base: Resolver) -> Resolver:
    """The resolver of a kind, which also carries the cluster of its own tag."""
    row = _KINDS[kind]

    def lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
        asked = (row.asked(name) for name in named(call, kind))
        return (*base.lookups(call, keys), *(lookup for lookup in asked if lookup))

    def resolve(ref: TargetRef, context: Context) -> Target:
        target = base.resolve(ref, context)
        return evolve(target, clusters=context.inventory.carried(row.tags(ref.id, context), target.clusters))

    return Resolver(resolve, (*base.asks, row.lookup), lookups, base.followups)
