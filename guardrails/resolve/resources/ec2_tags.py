"""The own tags of anything in EC2, by its id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import evolve

from guardrails.resolve.question import FILTER_VALUES
from guardrails.resolve.resources.resolver import Context, tags_of
from guardrails.values import Lookup

TAGS = Lookup("ec2", "DescribeTags", "Tags")


def about(ids: Iterable[str], keys: Iterable[str]) -> Iterator[Lookup]:
    """The look-ups for the tags of these ids, and for some tagged machines, which show whether an answer is whole."""
    wanted = sorted({*ids})
    for start in range(0, len(wanted), FILTER_VALUES):
        yield TAGS.about(Filters=[{"Name": "resource-id", "Values": wanted[start : start + FILTER_VALUES]}])
    if wanted:
        yield _sample(keys)


def tags(ids: Iterable[str], name: str, context: Context) -> dict[str, str] | None:
    """The tags of one of the ids that were asked about; None where the answers do not show them all."""
    keys = context.inventory.ownership.tags
    answers = [context.items(lookup) for lookup in about(ids, keys)]
    shown = {str(item.get("ResourceId")) for item in context.items(_sample(keys))}
    context.inventory.meet(shown)
    machines = context.inventory.known.values()
    tagged = {each.id for each in machines if each.present and not {*keys}.isdisjoint(each.tags)}
    if tagged and tagged.isdisjoint(shown):
        return None
    return tags_of({"Tags": [item for items in answers for item in items if item.get("ResourceId") == name]})


def _sample(keys: Iterable[str]) -> Lookup:
    filters = {"resource-type": ["instance"], "key": [*keys]}
    asked = TAGS.about(Filters=[{"Name": name, "Values": values} for name, values in filters.items()])
    return evolve(asked, sample=True)
