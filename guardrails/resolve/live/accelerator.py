"""The clusters of the machines that accelerators of Global Accelerator send users to.

https://docs.aws.amazon.com/global-accelerator/latest/dg/about-endpoint-groups.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live import endpoints
from guardrails.resolve.live.reached import Reached, first_of
from guardrails.resolve.live.source import Source
from guardrails.resolve.live.ways import Answers
from guardrails.resolve.resources.globalaccelerator import ACCELERATORS, GROUPS, LISTENERS
from guardrails.resolve.resources.trail import Node
from guardrails.values import Lookup, SourceReport, frozen

# eu-west-1 of eu-west-1a, and of a Local Zone such as us-west-2-lax-1a: us-west-2.
_REGION = re.compile(r"[a-z]+(-[a-z]+)+?-\d+")
_KINDS = {"i-": "instance", "eipalloc-": "eip", "subnet-": "subnet"}


@frozen
class _Endpoint:
    """An endpoint that gets users; `place` is what a person can look up."""

    id: str
    region: str
    place: str

    @property
    def node(self) -> Node:
        """Where following it starts."""
        return next((kind for prefix, kind in _KINDS.items() if self.id.startswith(prefix)), "load-balancer"), self.id


class Accelerators(Source):
    """A machine behind an endpoint with a weight, in a group with a traffic dial above 0, makes its cluster live.

    An endpoint is a machine, an Elastic IP or a load balancer. Endpoints of other regions are those regions' machines.
    """

    name = "accelerator"
    asks = (ACCELERATORS, LISTENERS, GROUPS, *endpoints.ASKS)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The accelerators of the account."""
        return (ACCELERATORS,)

    def followups(self, _settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """Their listeners, endpoint groups, and what the endpoints are."""
        nodes = [each.node for each in _endpoints(answers)]
        return (*_questions(answers), *(lookup for node in nodes for lookup in endpoints.lookups(node, answers)))

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the machines behind those endpoints."""
        asked = (ACCELERATORS, *_questions(answers))
        oldest = min(answers[lookup.key()].observed_at for lookup in asked)
        machines = inventory.known or inventory.machines
        zones = (_REGION.match(machine.zone or "") for machine in machines.values())
        here = {zone[0] for zone in zones if zone}
        reached, unclear, any_here = Reached(), list[str](), False
        for endpoint in _endpoints(answers):
            if here and endpoint.region not in here:
                continue
            any_here = True
            there = endpoints.follow(endpoint.node, endpoint.place, settings, answers, inventory)
            reached.update(there.reached)
            if not there.reached.places and not there.reached.strays:
                unclear.append(f"{endpoint.place} leads to {first_of(there.unclear or [endpoint.id])}")
        if unclear:
            sentence = f"{first_of(unclear)}, which no look-up follows to a machine"
            return SourceReport(self.name, (), oldest, sentence, blind=True)
        sentence = reached.sentence("is behind", inventory.cluster_tag) or "no accelerator has an endpoint here"
        return SourceReport(self.name, reached.clusters, oldest, sentence, silent=not any_here)


def _questions(answers: Answers) -> list[Lookup]:
    accelerators = _items(ACCELERATORS, answers)
    listeners = [LISTENERS.about(AcceleratorArn=each["AcceleratorArn"]) for each in accelerators if _enabled(each)]
    groups = [GROUPS.about(ListenerArn=each["ListenerArn"]) for lookup in listeners for each in _items(lookup, answers)]
    return [*listeners, *groups]


def _enabled(accelerator: Mapping[str, Any]) -> bool:
    return accelerator.get("Enabled") is not False


def _endpoints(answers: Answers) -> Iterator[_Endpoint]:
    """The endpoints that get users."""
    for accelerator in filter(_enabled, _items(ACCELERATORS, answers)):
        name = accelerator.get("Name") or accelerator["AcceleratorArn"]
        for listener in _items(LISTENERS.about(AcceleratorArn=accelerator["AcceleratorArn"]), answers):
            for group in _items(GROUPS.about(ListenerArn=listener["ListenerArn"]), answers):
                region, dial = str(group.get("EndpointGroupRegion")), group.get("TrafficDialPercentage", 100.0)
                for each in group.get("EndpointDescriptions") or () if dial > 0 else ():
                    weight = each.get("Weight", 128)
                    if weight > 0:
                        place = f"accelerator {name}, {region} at {dial:g} %, weight {weight}"
                        yield _Endpoint(str(each["EndpointId"]), region, place)


def _items(lookup: Lookup, answers: Answers) -> tuple[Mapping[str, Any], ...]:
    answer = answers.get(lookup.key())
    return answer.items if answer else ()
