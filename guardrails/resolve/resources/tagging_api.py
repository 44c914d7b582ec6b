"""The Resource Groups Tagging API: resources of any service, by the tags that they carry."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from guardrails.resolve.ownership import STACK
from guardrails.resolve.resources.resolver import Answers, Context, Item, last_part
from guardrails.values import Lookup

TAGGED = Lookup("resourcegroupstaggingapi", "GetResources", "ResourceTagMappingList")


def tagged_with(keys: Iterable[str], services: Iterable[str] = ()) -> tuple[Lookup, ...]:
    """Everything with one of these tags, of these services or of all: a look-up for each tag."""
    filters = {"ResourceTypeFilters": [*services]} if services else {}
    return tuple(TAGGED.about(TagFilters=[{"Key": key}], **filters) for key in keys)


def in_stacks(services: Iterable[str] = ()) -> tuple[Lookup, ...]:
    """Everything that stacks created, for what has no configured tag. It may fail: then that stays unknown."""
    return tuple(evolve(each, optional=True) for each in tagged_with([STACK], services))


def tagged(context: Context, services: Iterable[str] = (), region: str = "") -> list[Item]:
    """What those look-ups returned, as far as they were answered; each resource once."""
    keys = (*context.inventory.ownership.tags, STACK)
    lookups = [evolve(each, region=region) for each in tagged_with(keys, [*services])]
    answers = [context.items(lookup) for lookup in lookups if lookup.key() in context.answers]
    return [*{item["ResourceARN"]: item for items in answers for item in items}.values()]


def samples(keys: Iterable[str]) -> tuple[Lookup, ...]:
    """Some machines with each of these tags, if there are any."""
    return tuple(evolve(each, sample=True) for each in tagged_with(keys, ["ec2:instance"]))


def believable(context: Context) -> bool:
    """Whether an answer without the resource means that it has no tag: one of the tagged machines is shown, too."""
    inventory = context.inventory
    shown = {
        last_part(item["ResourceARN"]) for lookup in samples(inventory.ownership.tags) for item in context.items(lookup)
    }
    inventory.meet(shown)
    own = {each.id for each in inventory.known.values() if each.present and inventory.ownership.named(each.tags)}
    return not own or not own.isdisjoint(shown)


def answered(answers: Answers, but: Iterable[Lookup]) -> list[Item]:
    """What the tagging API returned, to other look-ups than these."""
    others = {lookup.key() for lookup in but}
    asked = [key for key in answers if key.startswith("resourcegroupstaggingapi:") and key not in others]
    return [item for key in asked for item in answers[key].items]
