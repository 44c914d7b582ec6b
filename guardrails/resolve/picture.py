"""What the answers show of a call: its targets, what is live, what it does to users. Nothing of the past is in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guardrails.config.settings import LiveSettings
from guardrails.resolve import live, shifts
from guardrails.resolve.balancers import members_of_groups
from guardrails.resolve.capacity import capacity
from guardrails.resolve.changes import narrow
from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.resolve.lists import Lists
from guardrails.resolve.ownership import NAMED, Ownership
from guardrails.resolve.region import Region
from guardrails.resolve.resources.registry import targets_of
from guardrails.values import Answer, Call, Capacity, Live, LookupFailure, Shift, Target, frozen


@frozen
class Picture:
    """What one set of answers shows. `call` is narrowed to what it changes."""

    call: Call
    inventory: Inventory
    seen: Live
    targets: tuple[Target, ...]
    shift: Shift | None
    capacity: Capacity | None
    lists: Lists


def inventory_of(
    settings: LiveSettings, ownership: Ownership, answers: Mapping[str, Answer], region: Region
) -> Inventory:
    """The machines of the region that the answers show, with what is attached to them."""
    addresses = answers[ADDRESSES.key()].items if ADDRESSES.key() in answers else ()
    # Only if every decision asks for that.
    registered = members_of_groups(answers) if "target-group" in settings.sources else []
    return Inventory(region, addresses, ownership, registered)


def picture(
    settings: LiveSettings,
    call: Call,
    answers: Mapping[str, Answer],
    inventory: Inventory,
    failures: Iterable[LookupFailure] = (),
    *,
    region: str,
) -> Picture:
    """The picture of a region. What it takes and the inventory or the lists do not have is then open there."""
    lists = Lists(answers)
    seen = live.observe(settings, answers, inventory, region)
    targets = targets_of(call, answers, inventory, seen.clusters, settings.ssm_parameter, lists)
    situation = shifts.Situation(call, answers, inventory, seen, settings)
    moved, targets = shifts.shift(situation), shifts.unseating(shifts.losing(targets, situation), situation)
    clusters = {*seen.clusters, *(name for target in targets for name in target.clusters)}
    for name in clusters | ({*moved.before, *moved.after} if moved else set[str]()):
        inventory.members_of(name)
    if any(inventory.kinds.get(name) != NAMED for name in seen.clusters):
        # Beside clusters that tags name, others do not show by themselves what users reach.
        _meet_a_named_cluster(inventory)
    call = narrow.narrow(call, answers)
    room = capacity.facts(call, answers, failures, inventory, targets, seen.clusters)
    return Picture(call, inventory, seen, targets, moved, room, lists)


def _meet_a_named_cluster(inventory: Inventory) -> None:
    """Have a cluster that a tag names among those that are known whole, if the region has any."""
    if any(inventory.kinds.get(name) == NAMED for name in inventory.clusters):
        return
    for name in sorted(str(each.cluster) for each in inventory.tagged())[:1]:
        inventory.members_of(name)
