"""What Auto Scaling groups start machines from: templates and their versions, images, snapshots, profiles, keys.

From a group to its launch templates or its configuration, and from the images these name to their snapshots.
https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import jmespath
from attrs import evolve

from guardrails.resolve.question import FILTER_VALUES
from guardrails.resolve.region import Region
from guardrails.resolve.resources.autoscaling import GROUPS, clusters_of_group
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
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef, frozen

CONFIGURATIONS = Lookup("autoscaling", "DescribeLaunchConfigurations", "LaunchConfigurations")
VERSIONS = Lookup(
    "ec2",
    "DescribeLaunchTemplateVersions",
    "LaunchTemplateVersions",
    empty_on=(
        "InvalidLaunchTemplateId.NotFound",
        "InvalidLaunchTemplateId.VersionNotFound",
        "InvalidLaunchTemplateName.NotFoundException",
    ),
)
_IMAGES = Lookup("ec2", "DescribeImages", "Images")
_WITNESSES = 50
# How a template names a parameter that holds the image, and the kinds for which that matters.
_PARAMETER = "resolve:ssm:"
_BY_IMAGE = ("ami", "snapshot")
_TEMPLATES = """[[LaunchTemplate], [MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification],
    MixedInstancesPolicy.LaunchTemplate.Overrides[].LaunchTemplateSpecification][]"""
OVERRIDDEN = "MixedInstancesPolicy.LaunchTemplate.Overrides[].ImageId"
# Where a launch template's data or a launch configuration names them.
_NAMES = {
    "ami": "ImageId",
    "key-pair": "KeyName",
    "instance-profile": "[IamInstanceProfile, IamInstanceProfile.Name, IamInstanceProfile.Arn]",
    "placement-group": "[Placement.GroupName, Placement.GroupId]",
    "snapshot": "BlockDeviceMappings[].Ebs.SnapshotId",
}
_SECURITY_GROUPS = "[SecurityGroupIds, SecurityGroups, NetworkInterfaces[].Groups[]][]"
ASKS = (GROUPS, CONFIGURATIONS, VERSIONS, _IMAGES)
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


def _version(specification: Item, **more: bool) -> Lookup:
    by = "LaunchTemplateId" if specification.get("LaunchTemplateId") else "LaunchTemplateName"
    numbers = [specification.get("Version") or "$Default"]
    return VERSIONS.about(**{by: specification.get(by), "Versions": numbers, **more})


def versions(groups: Iterable[Item]) -> tuple[Lookup, ...]:
    """About the versions of launch templates that these groups start machines from."""
    asked = (_version(each) for group in groups for each in _specifications(group))
    return tuple({lookup.key(): lookup for lookup in asked}.values())


def named_in(item: Item, kind: str) -> tuple[str, ...]:
    """What a version of a launch template, or a launch configuration, names of this kind."""
    expression = _SECURITY_GROUPS if kind == "security-group" else _NAMES[kind]
    return strings(expression, item.get("LaunchTemplateData") or item)


def _read(specification: Item) -> Lookup:
    """The same version, with the image that its parameter names. It may fail: then the image is unknown."""
    return evolve(_version(specification, ResolveAlias=True), optional=True)


def _by_parameter(lookup: Lookup, answers: Answers) -> bool:
    """Whether a parameter of Parameter Store names the image of a version in this answer."""
    answer = answers.get(lookup.key())
    data = [item.get("LaunchTemplateData") or {} for item in (answer.items if answer else ())]
    return any(str(each.get("ImageId") or "").startswith(_PARAMETER) for each in data)


def _specifications(group: Item) -> list[Item]:
    return [each for each in jmespath.search(_TEMPLATES, group) or () if each]


def _sources(group: Item, answers: Answers) -> Iterator[_Source]:
    for specification in _specifications(group):
        for lookup in (_version(specification), _read(specification)):
            answer = answers.get(lookup.key())
            yield from (_Source("launch-template", item) for item in (answer.items if answer else ()))
    # Some types of machines may have an image of their own.
    yield from (_Source("override", {"ImageId": image}) for image in strings(OVERRIDDEN, group))
    for item in answers[CONFIGURATIONS.key()].items if CONFIGURATIONS.key() in answers else ():
        if item.get("LaunchConfigurationName") == group.get("LaunchConfigurationName"):
            yield _Source("launch-configuration", item)


def _image_ids(group: Item, answers: Answers) -> set[str]:
    """The images that it starts machines from, but those that a parameter names."""
    names = {name for source in _sources(group, answers) for name in strings("ImageId", source.data)}
    return {name for name in names if name.startswith("ami-")}


def _images(answers: Answers) -> tuple[Lookup, ...]:
    """About the images of all groups, and some of machines: at least one is shown where the answer can be believed.

    By a filter: a single id that no longer exists would make the whole request fail.
    """
    named_ids = {name for group in answers[GROUPS.key()].items for name in _image_ids(group, answers)}
    running = {machine["ImageId"] for machine in Region.of(answers).machines() if machine.get("ImageId")} - named_ids
    ids = [*sorted(named_ids), *sorted(running)[:_WITNESSES]] if named_ids else []
    parts = [ids[start : start + FILTER_VALUES] for start in range(0, len(ids), FILTER_VALUES)]
    return tuple(_IMAGES.about(Filters=[{"Name": "image-id", "Values": part}]) for part in parts)


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    if GROUPS.key() not in answers:
        return ()
    groups = answers[GROUPS.key()].items
    asked = {lookup.key(): lookup for lookup in versions(groups)}
    if named(call, *_BY_IMAGE):
        specifications = [each for group in groups for each in _specifications(group)]
        by_parameter = [each for each in specifications if _by_parameter(_version(each), answers)]
        asked |= {_read(each).key(): _read(each) for each in by_parameter}
    return (*asked.values(), *(_images(answers) if named(call, "snapshot") else ()))


def _names(source: _Source, kind: str, call: Call) -> Iterable[str]:
    """What a source names of this kind."""
    if kind == "launch-configuration":
        return strings("[LaunchConfigurationName, LaunchConfigurationARN]", source.item)
    if kind != "launch-template":
        return strings(_NAMES[kind], source.data)
    only = call.params.get("Versions")
    if only and str(source.item.get("VersionNumber")) not in only:
        # The call is about other versions.
        return ()
    return strings("[LaunchTemplateId, LaunchTemplateName]", source.item)


def _snapshots(source: _Source, answers: Answers) -> Iterator[str]:
    for lookup in _images(answers):
        for image in answers[lookup.key()].items if lookup.key() in answers else ():
            if image.get("ImageId") == source.data.get("ImageId"):
                yield from strings(_NAMES["snapshot"], image)


def _unbelieved(answers: Answers) -> set[str]:
    """The images that were asked for in vain: none of a whole request is shown. A single one that is not is gone."""
    unknown: set[str] = set()
    for lookup in _images(answers):
        asked = {*lookup.params["Filters"][0]["Values"]}
        shown = {item.get("ImageId") for item in answers[lookup.key()].items} if lookup.key() in answers else set()
        unknown |= asked if asked.isdisjoint(shown) else set()
    return unknown


def _starts(ref: TargetRef, kind: str, context: Context) -> set[str]:
    """The clusters whose groups start machines from it."""
    clusters: set[str] = set()
    for group in context.items(GROUPS):
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
    specifications = _specifications(group)
    lookups = [_version(each) for each in specifications]
    if kind in _BY_IMAGE:
        read = [_read(each) for each in specifications if _by_parameter(_version(each), answers)]
        if any(_by_parameter(lookup, answers) for lookup in read):
            return True
        lookups += read
    if any(lookup.key() not in answers or not answers[lookup.key()].items for lookup in lookups):
        return True
    return kind == "snapshot" and not _image_ids(group, answers).isdisjoint(_unbelieved(answers))


def and_started(kind: str, base: Resolver) -> Resolver:
    """The resolver of a kind, which also carries the clusters whose groups start machines from it."""

    def resolve(ref: TargetRef, context: Context) -> Target:
        target, starts = base.resolve(ref, context), _starts(ref, kind, context)
        facts: TargetFacts = {**target.facts, "starts": sorted(starts)}
        return evolve(target, clusters=merged(target.clusters, starts), facts=facts)

    return Resolver(
        resolve,
        (*base.asks, *ASKS),
        lambda call, keys: (*base.lookups(call, keys), GROUPS, CONFIGURATIONS),
        lambda call, answers: (*base.followups(call, answers), *_followups(call, answers)),
    )
