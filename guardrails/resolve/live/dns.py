"""The clusters that DNS names lead to, through the records of the account's hosted zones."""

from __future__ import annotations

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.resolve.live import endpoints
from guardrails.resolve.live.dns_records import HEALTH, ZONES, Trace, trace
from guardrails.resolve.live.reached import Reached, first_of
from guardrails.resolve.live.source import Source
from guardrails.resolve.live.ways import Answers
from guardrails.resolve.resources.route53_zones import RECORDS
from guardrails.values import Lookup, SourceReport


class Records(Source):
    """A machine that a name of the setting `records` leads to makes its cluster live.

    By address, by the name of a balancer, with the weights of its rules, or by what else AWS gives names to. Each name
    has to lead to a machine: one that does not is a mistake in the list, or the look-ups show too little.
    """

    name = "dns"
    asks = (ZONES, RECORDS, HEALTH, *endpoints.ASKS)

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The account's hosted zones, and the Elastic IPs."""
        return (ZONES, ADDRESSES)

    def followups(self, settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """The records of each name, and what they lead to."""
        if ZONES.key() not in answers:
            return ()
        traces = [trace(name, answers) for name in settings.records]
        pending = [lookup for each in traces for lookup in each.pending]
        names = [end.value for each in traces for end in each.ends if not end.is_address]
        return (*pending, *(lookup for name in names for lookup in endpoints.lookups(("dns", name), answers)))

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters that the names lead to."""
        oldest = min(answer.observed_at for key, answer in answers.items() if key.startswith("route53:"))
        reached, problems = Reached(), list[str]()
        for name in settings.records:
            traced = trace(name, answers)
            there, unclear = _followed(traced, settings, answers, inventory)
            reached.update(there)
            if not there.places and not there.strays:
                problems.append(_problem(name, traced, unclear))
        if problems:
            return SourceReport(self.name, (), oldest, "; ".join(problems), blind=True)
        sentence = reached.sentence("is behind", inventory.cluster_tag)
        return SourceReport(self.name, reached.clusters, oldest, sentence)


def _followed(
    traced: Trace, settings: LiveSettings, answers: Answers, inventory: Inventory
) -> tuple[Reached, list[str]]:
    """The machines that a name leads to, and what no look-up follows."""
    reached, unclear = Reached(), list[str]()
    for end in traced.ends:
        if end.is_address:
            machines = inventory.at_address(end.value)
            reached.add(machines, f"{end.place}, {end.value}")
            unclear += [] if machines else [end.value]
        else:
            there = endpoints.follow(("dns", end.value), end.place, settings, answers, inventory)
            reached.update(there.reached)
            unclear += there.unclear
    return reached, unclear


def _problem(name: str, traced: Trace, unclear: list[str]) -> str:
    if not traced.ends:
        return f"no hosted zone of the account has a record {name}"
    if unclear:
        return f"the record {name} leads to {first_of(unclear)}, which no look-up follows to a machine"
    return f"the record {name} leads to no machine"
