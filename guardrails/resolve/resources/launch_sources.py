"""What Auto Scaling groups start machines from: templates and their versions, images, snapshots, profiles, keys.

From a group to its launch templates or its configuration, and from the images these name to their snapshots.
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import jmespath
from attrs import evolve, frozen

from guardrails.resolve.resources.autoscaling import clusters_of_group
from guardrails.resolve.resources.resolver import (
    Answers,
    Context,
    Item,
    Resolver,
    merged,
    named,
    same_name,
    strings,
)
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_GROUPS = Lookup("autoscaling", "DescribeAutoScalingGroups", "AutoScalingGroups")
_CONFIGURATIONS = Lookup("autoscaling", "DescribeLaunchConfigurations", "LaunchConfigurations")
_VERSIONS = Lookup(
    "ec2",
    "DescribeLaunchTemplateVersions",
    "LaunchTemplateVersions",
    empty_on=(
        "InvalidLaunchTemplateId.NotFound",
        "InvalidLaunchTemplateId.VersionNotFound",
        "InvalidLaunchTemplateName.NotFoundException",
    ),
)
_IMAGES = Lookup("ec2", "DescribeImages", "Images", empty_on=("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable"))
_TEMPLATES = """[[LaunchTemplate], [MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification],
    MixedInstancesPolicy.LaunchTemplate.Overrides[].LaunchTemplateSpecification][]"""
# Where a launch template's data or a launch configuration names them.
_NAMES = {
    "ami": "ImageId",
    "key-pair": "KeyName",
    "instance-profile": "[IamInstanceProfile, IamInstanceProfile.Name, IamInstanceProfile.Arn]",
    "placement-group": "[Placement.GroupName, Placement.GroupId]",
    "snapshot": "BlockDeviceMappings[].Ebs.SnapshotId",
}
ASKS = (_GROUPS, _CONFIGURATIONS, _VERSIONS, _IMAGES)
KINDS = (*_NAMES, "launch-template", "launch-configuration")


@frozen
class _Source:
    """What a group starts machines from: a version of a launch template, or a launch configuration."""

    kind: str
    item: Item

    @property
    def data(self) -> Item:
        data: Item = self.item.get("LaunchTemplateData") or self.item
        return data


def _version(specification: Item) -> Lookup:
    by = "LaunchTemplateId" if specification.get("LaunchTemplateId") else "LaunchTemplateName"
    return _VERSIONS.about(**{by: specification.get(by), "Versions": [specification.get("Version") or "$Default"]})


def _specifications(group: Item) -> list[Item]:
    return [each for each in jmespath.search(_TEMPLATES, group) or () if each]


def _sources(group: Item, answers: Answers) -> Iterator[_Source]:
    for specification in _specifications(group):
        answer = answers.get(_version(specification).key())
        yield from (_Source("launch-template", item) for item in (answer.items if answer else ()))
    for item in answers[_CONFIGURATIONS.key()].items if _CONFIGURATIONS.key() in answers else ():
        if item.get("LaunchConfigurationName") == group.get("LaunchConfigurationName"):
            yield _Source("launch-configuration", item)


def _images(answers: Answers) -> Lookup | None:
    groups = answers[_GROUPS.key()].items
    ids = {name for group in groups for source in _sources(group, answers) for name in strings("ImageId", source.data)}
    known = sorted(each for each in ids if each.startswith("ami-"))
    return _IMAGES.about(ImageIds=known) if known else None


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    if _GROUPS.key() not in answers:
        return ()
    groups = answers[_GROUPS.key()].items
    versions = {_version(each).key(): _version(each) for group in groups for each in _specifications(group)}
    images = _images(answers) if named(call, "snapshot") else None
    return (*versions.values(), *([images] if images else ()))


def _names(source: _Source, kind: str, call: Call) -> Iterable[str]:
    """What a source names of this kind."""
    if kind == "launch-configuration":
        return strings("[LaunchConfigurationName, LaunchConfigurationARN]", source.item)
    if kind != "launch-template":
        return strings(_NAMES[kind], source.data)
    versions = call.params.get("Versions")
    if versions and str(source.item.get("VersionNumber")) not in versions:
        # The call is about other versions.
        return ()
    return strings("[LaunchTemplateId, LaunchTemplateName]", source.item)


def _snapshots(source: _Source, answers: Answers) -> Iterator[str]:
    images = _images(answers)
    answer = answers.get(images.key()) if images else None
    for image in answer.items if answer else ():
        if image.get("ImageId") == source.data.get("ImageId"):
            yield from strings(_NAMES["snapshot"], image)


def _starts(ref: TargetRef, kind: str, context: Context) -> set[str]:
    """The clusters whose groups start machines from it."""
    clusters: set[str] = set()
    for group in context.items(_GROUPS):
        if _unread(group, kind, context.answers):
            # What cannot be read may name it.
            clusters |= {*clusters_of_group(group, context.inventory)}
        for source in _sources(group, context.answers):
            names = [*_names(source, kind, context.call)] if source.kind == kind or kind in _NAMES else []
            names += _snapshots(source, context.answers) if kind == "snapshot" else ()
            if any(same_name(ref.id, name) for name in names):
                clusters |= {*clusters_of_group(group, context.inventory)}
    return clusters


def _unread(group: Item, kind: str, answers: Answers) -> bool:
    """Whether a version that the group starts machines from, or its image, is not shown where that matters."""
    if kind == "launch-configuration":
        return False
    lookups = [_version(each) for each in _specifications(group)]
    if any(lookup.key() not in answers or not answers[lookup.key()].items for lookup in lookups):
        return True
    images = _images(answers) if kind == "snapshot" else None
    shown = {item.get("ImageId") for item in answers[images.key()].items} if images and images.key() in answers else ()
    names = {name for source in _sources(group, answers) for name in strings("ImageId", source.data)}
    return kind == "snapshot" and not {name for name in names if name.startswith("ami-")} <= {*shown}


def and_started(kind: str, base: Resolver) -> Resolver:
    """The resolver of a kind, which also carries the clusters whose groups start machines from it."""

    def resolve(ref: TargetRef, context: Context) -> Target:
        target, starts = base.resolve(ref, context), _starts(ref, kind, context)
        facts: TargetFacts = {**target.facts, "starts": sorted(starts)}
        return evolve(target, clusters=merged(target.clusters, starts), facts=facts)

    return Resolver(
        resolve,
        (*base.asks, *ASKS),
        lambda call, keys: (*base.lookups(call, keys), _GROUPS, _CONFIGURATIONS),
        lambda call, answers: (*base.followups(call, answers), *_followups(call, answers)),
    )
