"""Capacity that is proved before anything starts: targeted On-Demand Capacity Reservations that end by themselves.

A reservation is charged like running machines until it ends or is cancelled; machines in it are charged once.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-capacity-reservations.html
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from guardrails.errors import CallDenied
from guardrails.rebuild.placement import Subnet
from guardrails.rebuild.progress import Progress
from guardrails.rebuild.reading import CannotRead, Reader
from guardrails.rebuild.send import Stopped
from guardrails.values import frozen

_PRICES = "https://aws.amazon.com/ec2/pricing/on-demand/"


@frozen
class Wanted:
    """Machines of a type in a zone, and the keys of the steps that start them."""

    type: str
    zone: str
    count: int
    keys: tuple[str, ...]


def wanted(progress: Progress, places: Mapping[str, Subnet]) -> list[Wanted]:
    """What to reserve. Raises Stopped where a subnet is not known; Spot machines and groups are left out."""
    counts: Counter[tuple[str, str]] = Counter()
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    for step in (step for wave in progress.left for step in wave):
        if step.operation != "RunInstances" or step.params.get("InstanceMarketOptions"):
            continue
        subnet = places.get(step.params["SubnetId"])
        if subnet is None:
            raise Stopped(
                f"the zone of subnet {step.params['SubnetId']} is not known, so nothing can be reserved there"
            )
        counts[step.params["InstanceType"], subnet.zone] += step.count
        keys[step.params["InstanceType"], subnet.zone].append(step.key)
    return [Wanted(*at, count, tuple(keys[at])) for at, count in sorted(counts.items())]


def price(pricing: Reader, region: str, every: Iterable[Wanted], minutes: int) -> str:
    """What the reservations cost at most, by AWS's list of prices; says so where a price is not known."""
    total = 0.0
    for each in every:
        hourly = _hourly(pricing, region, each.type)
        if hourly is None:
            return f"price unknown: look it up at {_PRICES}"
        total += hourly * each.count * minutes / 60
    return f"at most {total:.2f} USD for {minutes} min (Linux, list price), the machines' own running time included"


def _hourly(pricing: Reader, region: str, type_: str) -> float | None:
    terms = {
        "regionCode": region, "instanceType": type_, "operatingSystem": "Linux", "tenancy": "Shared",
        "preInstalledSw": "NA", "capacitystatus": "Used",
    }  # fmt: skip
    filters = [{"Type": "TERM_MATCH", "Field": name, "Value": value} for name, value in terms.items()]
    try:
        products = pricing.all("pricing", "get_products", "PriceList", ServiceCode="AmazonEC2", Filters=filters)
        prices = {
            float(dimension["pricePerUnit"]["USD"])
            for product in map(json.loads, map(str, products))
            for term in product["terms"]["OnDemand"].values()
            for dimension in term["priceDimensions"].values()
        }
    except (CannotRead, ValueError, KeyError, TypeError, AttributeError):
        return None
    # Several prices, or none, leave open which one it is.
    return prices.pop() if len(prices) == 1 else None


def reserve(
    reader: Reader, progress: Progress, every: Iterable[Wanted], minutes: int, clock: Callable[[], float]
) -> None:
    """Reserve all of it, or nothing. The ids are written to the run's file. Raises Stopped."""
    end = datetime.fromtimestamp(clock() + minutes * 60, UTC)
    for each in every:
        try:
            answer = reader.client("ec2").create_capacity_reservation(
                InstanceType=each.type,
                InstancePlatform="Linux/UNIX",
                AvailabilityZone=each.zone,
                InstanceCount=each.count,
                InstanceMatchCriteria="targeted",
                EndDateType="limited",
                EndDate=end,
                ClientToken=f"guardrails-{progress.id}-{each.type}-{each.zone}-{end:%H%M%S}",
            )
        except (ClientError, BotoCoreError, CallDenied) as error:
            why = error.paragraph if isinstance(error, CallDenied) else str(error)
            left = cancel(reader, progress)
            also = f"; {left}" if left else ""
            raise Stopped(
                f"{each.count} {each.type} in {each.zone} could not be reserved ({why}); nothing was started{also}",
                denied=isinstance(error, CallDenied),
            ) from error
        for key in each.keys:
            progress.reservations[key] = answer["CapacityReservation"]["CapacityReservationId"]
        progress.write()


def cancel(reader: Reader, progress: Progress) -> str:
    """Cancel what was reserved; returns a sentence about what could not be cancelled, and ends by itself later."""
    left = []
    for name in sorted(set(progress.reservations.values())):
        try:
            reader.client("ec2").cancel_capacity_reservation(CapacityReservationId=name)
        except (ClientError, BotoCoreError, CallDenied) as error:
            left.append(f"{name} ({_code(error)})")
            continue
        progress.reservations = {key: each for key, each in progress.reservations.items() if each != name}
    if progress.path.exists():
        progress.write()
    return f"cancel these reservations yourself, or wait for their end: {', '.join(left)}" if left else ""


def _code(error: Any) -> str:
    return str(error.response["Error"].get("Code")) if isinstance(error, ClientError) else type(error).__name__
