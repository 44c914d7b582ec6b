"""The cluster tag of what is otherwise followed to the machines that use it: its own tag says whose it is, too."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import evolve

from guardrails.resolve.resources import ec2_tags
from guardrails.resolve.resources.resolver import Context, Resolver, last_part, named, tags_of
from guardrails.values import Call, Lookup, Target, TargetRef, frozen


@frozen
class _Own:
    """How the tags of a kind are asked for: by ids with this prefix, or one by one with a parameter.

    `answered` is the member of an item that repeats the parameter: AWS answers about each that exists.
    """

    lookup: Lookup = ec2_tags.TAGS
    prefix: str = ""
    parameter: str = ""
    answered: str = ""

    def asked(self, name: str) -> Lookup:
        """The look-up for one that is named by a parameter."""
        short = last_part(name).rpartition("/")[2]
        return evolve(self.lookup, params={**self.lookup.params, self.parameter: short})

    def lookups(self, names: tuple[str, ...], keys: tuple[str, ...]) -> Iterator[Lookup]:
        """The look-ups for all of them; one that is not named by its id has none."""
        if self.parameter:
            yield from (self.asked(name) for name in names)
        else:
            yield from ec2_tags.about((name for name in names if name.startswith(self.prefix)), keys)

    def tags(self, name: str, names: tuple[str, ...], context: Context) -> dict[str, str] | None:
        """Its own tags; None where they are not known."""
        if not self.parameter:
            ids = [each for each in names if each.startswith(self.prefix)]
            return ec2_tags.tags(ids, name, context) if name in ids else {}
        lookup = self.asked(name)
        items = context.items(lookup)
        if self.answered:
            items = tuple(each for each in items if each.get(self.answered) == lookup.params[self.parameter])
            return next((tags_of(item) for item in items), None)
        return next((tags_of(item) for item in items), {})


_PROFILE = Lookup("iam", "GetInstanceProfile", "InstanceProfile", empty_on=("NoSuchEntity",))


def _route53(kind: str, missing: str) -> _Own:
    tags = Lookup("route53", "ListTagsForResource", "ResourceTagSet", {"ResourceType": kind}, empty_on=(missing,))
    return _Own(tags, parameter="ResourceId", answered="ResourceId")


_KINDS = {
    "ami": _Own(prefix="ami-"),
    "capacity-reservation": _Own(prefix="cr-"),
    "dedicated-host": _Own(prefix="h-"),
    "health-check": _route53("healthcheck", "NoSuchHealthCheck"),
    "hosted-zone": _route53("hostedzone", "NoSuchHostedZone"),
    "instance-profile": _Own(_PROFILE, parameter="InstanceProfileName"),
    "security-group": _Own(prefix="sg-"),
}
KINDS = tuple(_KINDS)


def and_own(kind: str, base: Resolver) -> Resolver:
    """The resolver of a kind, which also carries the cluster of its own tag."""
    row = _KINDS[kind]

    def lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
        return (*base.lookups(call, keys), *row.lookups(named(call, kind), keys))

    def resolve(ref: TargetRef, context: Context) -> Target:
        target = base.resolve(ref, context)
        tags = row.tags(ref.id, named(context.call, kind), context)
        if tags is None:
            return evolve(target, resolved=False)
        return evolve(target, clusters=context.inventory.carried(tags, target.clusters), tags={**target.tags, **tags})

    return Resolver(resolve, (*base.asks, row.lookup), lookups, base.followups)
