"""How many machines of each cluster run before and after a planned call that starts, ends or tags some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from guardrails.planning.effects import INSTANCES, Effect
from guardrails.planning.entry import Left
from guardrails.planning.world import Item
from guardrails.values import Lookup

_RUNNING = INSTANCES.about(Filters=[{"Name": "instance-state-name", "Values": ["pending", "running"]}])
_UP = ("pending", "running")


def left(
    effect: Effect,
    find: Callable[[Lookup], tuple[Item, ...]],
    named: Callable[[Mapping[str, str]], str | None],
    live: Collection[str],
) -> Iterator[Left]:
    """The clusters whose number of running machines the call changes. Clusters are those of tags."""
    changed = {each.id: each.item for each in effect.changes if each.noun == "Instance"}
    if not changed:
        return
    before = {one["InstanceId"]: one for each in find(_RUNNING) for one in each.get("Instances") or ()}
    after = {**before, **changed}
    numbers = _counted(before.values(), named), _counted(after.values(), named)
    for cluster in sorted({*numbers[0], *numbers[1]}):
        if numbers[0][cluster] != numbers[1][cluster]:
            yield Left(cluster, cluster in live, numbers[0][cluster], numbers[1][cluster])


def _counted(machines: Iterable[Item | None], named: Callable[[Mapping[str, str]], str | None]) -> Counter[str]:
    up = [each for each in machines if each and each.get("State", {}).get("Name") in _UP]
    return Counter(filter(None, (_cluster(each, named) for each in up)))


def _cluster(machine: Item, named: Callable[[Mapping[str, str]], Any]) -> str:
    tags = {str(tag["Key"]): str(tag.get("Value") or "") for tag in machine.get("Tags") or ()}
    return str(named(tags) or "")
