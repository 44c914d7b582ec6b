"""Security groups and images with a cluster's tag that nothing uses: deleting one takes nothing from that cluster.

AWS shows who uses them: machines, network interfaces, rules of other groups, and what Auto Scaling groups and launch
templates start machines with. If one of these look-ups fails, the tag alone counts.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from guardrails.resolve.lists import INTERFACES
from guardrails.resolve.resources.autoscaling import GROUPS
from guardrails.resolve.resources.launch_sources import CONFIGURATIONS, OVERRIDDEN, VERSIONS, named_in, versions
from guardrails.resolve.resources.resolver import Answers, Context, Resolver, judged, named, strings
from guardrails.values import Call, Lookup, Target, TargetRef

_SECURITY_GROUPS = Lookup("ec2", "DescribeSecurityGroups", "SecurityGroups")
# Of every template the version that is used where none is named, and the newest.
_TEMPLATES = VERSIONS.about(Versions=["$Default", "$Latest"])
_FILTERS: Mapping[str, tuple[tuple[Lookup, str], ...]] = {
    "security-group": (
        (INTERFACES, "group-id"),
        (_SECURITY_GROUPS, "ip-permission.group-id"),
        (_SECURITY_GROUPS, "egress.ip-permission.group-id"),
    ),
    "ami": (),
}
_DELETED_BY = {"security-group": "ec2:DeleteSecurityGroup", "ami": "ec2:DeregisterImage"}
# Another parameter may delete more, such as the snapshots of an image.
_HARMLESS = frozenset(("DryRun", "GroupId", "ImageId"))
KINDS = tuple(_DELETED_BY)


def _asked(kind: str, name: str) -> tuple[Lookup, ...]:
    using = [lookup.about(Filters=[{"Name": by, "Values": [name]}]) for lookup, by in _FILTERS[kind]]
    return tuple(_may_fail(each) for each in (*using, _TEMPLATES, GROUPS, CONFIGURATIONS))


def _may_fail(lookup: Lookup) -> Lookup:
    return evolve(lookup, optional=True)


def _versions(answers: Answers) -> tuple[Lookup, ...]:
    answer = answers.get(_may_fail(GROUPS).key())
    return tuple(_may_fail(each) for each in versions(answer.items if answer else ()))


def _applies(kind: str, call: Call) -> bool:
    return call.name == _DELETED_BY[kind] and {*call.params} <= _HARMLESS


def _is_unused(kind: str, name: str, context: Context) -> bool:
    """Whether every look-up was answered, and shows no user."""
    asked, pinned = _asked(kind, name), _versions(context.answers)
    if any(lookup.key() not in context.answers for lookup in (*asked, *pinned)):
        return False
    *using, templates, groups, configurations = (context.items(lookup) for lookup in asked)
    started_with = [context.items(lookup) for lookup in pinned]
    if any(using) or not all(started_with) or context.inventory.on(kind, name):
        return False
    names = {
        each for items in (templates, configurations, *started_with) for item in items for each in named_in(item, kind)
    }
    # A group may give single machine types another image than its template.
    names |= {each for group in groups for each in strings(OVERRIDDEN, group)}
    # The parameter that a template reads an image's id from may hold this one.
    return name not in names and not any(each.startswith("resolve:") for each in names)


def unless_unused(kind: str, base: Resolver) -> Resolver:
    """The resolver of a kind, which spares one that nothing uses where the call deletes it."""

    def followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
        more = base.followups(call, answers)
        if not _applies(kind, call):
            return more
        asked = [lookup for name in named(call, kind) for lookup in _asked(kind, name)]
        return (*more, *asked, *_versions(answers))

    def resolve(ref: TargetRef, context: Context) -> Target:
        target = base.resolve(ref, context)
        own = context.inventory.ownership.named(target.tags)
        if not (_applies(kind, context.call) and target.resolved and {*target.clusters} == {own}):
            return target
        if target.facts.get("untagged") or not _is_unused(kind, ref.id, context):
            return target
        return judged(target, None, "nothing uses it")

    asks = (*base.asks, *(lookup for lookup, _ in _FILTERS[kind]), VERSIONS, GROUPS, CONFIGURATIONS)
    return Resolver(resolve, asks, base.lookups, followups, base.parts)
