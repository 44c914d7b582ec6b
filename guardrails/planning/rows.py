"""The rows of a read's answer as they would be: what changed in its place, what ended left out, what is new last."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from guardrails.planning import filters
from guardrails.planning.kinds import Listing
from guardrails.values import frozen

Item = Mapping[str, Any]
# The tokens with which an answer names its next page, and a request asks for it.
TOKENS = ("NextToken", "nextToken", "NextMarker", "Marker", "marker", "ContinuationToken")


@frozen
class Page:
    """What the plan has of one kind: `changed` by id, None where it is gone. `earlier` are ids of pages before.

    `reservations` has the reservation of a new machine by its id.
    """

    changed: Mapping[str, Item | None]
    earlier: frozenset[str] = frozenset()
    reservations: Mapping[str, str] = {}


@frozen
class Rows:
    """The rows; `certain` is false where the plan does not know whether one belongs there.

    `shown` are ids as in `Page.earlier`.
    """

    rows: list[Any]
    certain: bool
    shown: frozenset[str]


def rows_of(listing: Listing, answer: Mapping[str, Any], page: Page, params: Item) -> Rows:
    """The rows of this answer. What is new is on the last page."""
    rows = list(answer.get(listing.member) or ())
    nested = listing.member == "Reservations"
    before = {item.get(listing.key) for row in rows for item in (row.get("Instances") or () if nested else [row])}
    fits = {name: filters.fits(item, params) for name, item in page.changed.items() if item is not None}
    now = {name: page.changed[name] for name, good in fits.items() if good or (good is None and name in before)}
    shown = {name: _shown(listing, item) for name, item in now.items() if item is not None}

    def replaced(items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            own = shown.get(item.get(listing.key, "")) if item.get(listing.key) in page.changed else item
            if own is not None:
                yield own

    last = not any(answer.get(token) for token in TOKENS)
    left = page.earlier | before
    new = {name: item for name, item in shown.items() if last and name not in left and item is not None}
    names = page.earlier | (before & page.changed.keys())
    if not nested:
        return Rows([*replaced(rows), *new.values()], None not in fits.values(), names)
    kept = [{**row, "Instances": [*replaced(row.get("Instances") or ())]} for row in rows]
    owner = next((row["OwnerId"] for row in rows if row.get("OwnerId")), "")
    whole = [*(row for row in kept if row["Instances"]), *_reservations(new, page.reservations, owner)]
    return Rows(whole, None not in fits.values(), names)


def _shown(listing: Listing, item: Item) -> Item | None:
    # A copy, because botocore and scripts change what they get.
    return _status(item) if listing.noun == "InstanceStatus" else copy.deepcopy(item)


def _reservations(new: Mapping[str, Item], names: Mapping[str, str], owner: str) -> Iterator[dict[str, Any]]:
    grouped: dict[str, list[Item]] = {}
    for name, item in new.items():
        grouped.setdefault(names.get(name, f"r-{name.removeprefix('i-')}"), []).append(item)
    for name, items in grouped.items():
        account = next((each["OwnerId"] for each in items if each.get("OwnerId")), owner)
        yield {"ReservationId": name, "OwnerId": account, "Groups": [], "Instances": items}


def _status(machine: Item) -> Item | None:
    """As DescribeInstanceStatus shows a machine; it leaves out those that do not run."""
    if machine.get("State", {}).get("Name") != "running":
        return None
    fine = {"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}
    return {
        "InstanceId": machine["InstanceId"],
        "InstanceState": machine["State"],
        "InstanceStatus": fine,
        "SystemStatus": fine,
        "AvailabilityZone": machine.get("Placement", {}).get("AvailabilityZone", ""),
    }
