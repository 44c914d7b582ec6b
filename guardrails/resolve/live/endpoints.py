"""What a name or an id of AWS leads to: through load balancers by their listeners and weights, else as trails lead.

For sources that start elsewhere, at a DNS record or an accelerator.
"""

from __future__ import annotations

from attrs import define, field

from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import CLASSIC, IN_SERVICE, registered_with, target_id
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live import elb, ways
from guardrails.resolve.live.reached import Reached
from guardrails.resolve.live.ways import Answers
from guardrails.resolve.resources.ends import asks
from guardrails.resolve.resources.following import TRAILS
from guardrails.resolve.resources.resolver import last_part
from guardrails.resolve.resources.trail import REGISTERED, Node, walk
from guardrails.values import Lookup

# What balancers do with requests is not in the trails: those lead to everything that is registered.
_BALANCERS = ("load-balancer", "classic-elb")
_TRAILS = {kind: trail for kind, trail in TRAILS.items() if kind not in _BALANCERS}
_MACHINES = {"instance": ("instance",), REGISTERED: ("instance", "private-ip"), "tag": ("tag",), "eni": ("eni",)}
ASKS = (*asks("dns", _TRAILS), *asks("eip", _TRAILS), *ways.ASKS, CLASSIC, IN_SERVICE)


@define
class Endpoint:
    """The machines behind a name or an id, and what no look-up follows.

    `machines` are their ids, or addresses behind balancers; `unhealthy` are those that fail the checks of a balancer.
    """

    reached: Reached = field(factory=Reached)
    unclear: list[str] = field(factory=list)
    machines: set[str] = field(factory=set)
    unhealthy: set[str] = field(factory=set)


def lookups(node: Node, answers: Answers) -> tuple[Lookup, ...]:
    """What has to be asked to follow it, as far as the answers show."""
    walked = walk(node, _TRAILS, answers)
    kinds = {kind for kind, _ in walked.ends}
    more = [*walked.pending.values()]
    if "load-balancer" in kinds:
        more += ways.lookups(answers)
    if "classic-elb" in kinds:
        names = {name for kind, name in walked.ends if kind == "classic-elb"}
        more += [CLASSIC, *(elb.health_of(each) for each in _classic(answers) if each["LoadBalancerName"] in names)]
    return tuple(more)


def follow(node: Node, place: str, settings: LiveSettings, answers: Answers, inventory: Inventory) -> Endpoint:
    """The machines behind it, for whom `place` is where that shows."""
    result = Endpoint()
    walked = walk(node, _TRAILS, answers, inventory.ownership)
    result.unclear += [*walked.lost, *(f"{lookup.permission} (it failed)" for lookup in walked.pending.values())]
    for cluster in walked.clusters:
        result.reached.places[cluster].add(place)
    for kind, name in sorted(walked.ends):
        if kind == "load-balancer":
            _through_groups(result, name, place, settings, answers, inventory)
        elif kind == "classic-elb":
            _through_classic(result, name, place, answers, inventory)
        elif kind in _MACHINES:
            machines = [machine for each in _MACHINES[kind] for machine in inventory.on(each, name)]
            result.reached.add(machines, place)
            result.machines |= {machine.id for machine in machines}
            result.unclear += [] if machines else [name]
        else:
            result.unclear.append(name)
    return result


def _classic(answers: Answers) -> list[elb.Balancer]:
    return elb.with_machines(answers)


def _through_groups(
    result: Endpoint, name: str, place: str, settings: LiveSettings, answers: Answers, inventory: Inventory
) -> None:
    arns = {arn for group in ways.in_use(answers) for arn in group["LoadBalancerArns"] if last_part(arn) == name}
    found = [way for arn in sorted(arns) for way in ways.of_balancer(settings, answers, arn)]
    doubtful = ways.unproved(found, answers)
    result.unclear += sorted(doubtful) if found else [f"the load balancer {name}"]
    for cluster, places in ways.served(found, answers, inventory).places.items():
        result.reached.places[cluster] |= {f"{place}, {each}" for each in places}
    result.reached.strays |= ways.served(found, answers, inventory).strays
    for way in found:
        answer = answers.get(registered_with(way.group).key())
        for item in answer.items if answer else ():
            healthy = (item.get("TargetHealth") or {}).get("State") == "healthy"
            (result.machines if healthy else result.unhealthy).add(target_id(item))


def _through_classic(result: Endpoint, name: str, place: str, answers: Answers, inventory: Inventory) -> None:
    balancers = [each for each in _classic(answers) if each["LoadBalancerName"] == name]
    result.unclear += [] if balancers else [f"the load balancer {name}"]
    for balancer in balancers:
        if not elb.understood(balancer, answers, inventory):
            result.unclear.append(elb.place_of(balancer))
        for machine, state in elb.states(balancer, answers).items():
            (result.machines if state == "InService" else result.unhealthy).add(machine)
        there = elb.behind(balancer, answers, inventory)
        result.reached.strays |= there.strays
        for cluster, places in there.places.items():
            result.reached.places[cluster] |= {f"{place}, {each}" for each in places}
