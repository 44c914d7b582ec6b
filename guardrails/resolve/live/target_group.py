"""The clusters that users reach through load balancers with target groups."""

from __future__ import annotations

from guardrails.config.settings import LiveSettings
from guardrails.resolve.balancers import GROUPS
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live import ways, which_listeners
from guardrails.resolve.live.reached import Reached, first_of
from guardrails.resolve.live.source import Source
from guardrails.resolve.live.ways import Answers, Way
from guardrails.values import Lookup, SourceReport


class TargetGroups(Source):
    """A machine behind a listener that forwards to its target group makes its cluster live.

    The setting `listeners` names the listeners that count. Otherwise internet-facing balancers count, and internal ones
    where no other names a cluster: their listeners on ports 80 and 443, or all of them where there is none on those.
    """

    name = "target-group"
    asks = ways.ASKS

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The target groups of the region."""
        return (GROUPS,)

    def followups(self, settings: LiveSettings, answers: Answers, /) -> tuple[Lookup, ...]:
        """Health, listeners and balancers of the groups in use, then the rules."""
        return which_listeners.lookups(settings, answers)

    def observe(self, settings: LiveSettings, answers: Answers, inventory: Inventory, /) -> SourceReport:
        """The clusters of the machines that get requests."""
        oldest = min(answers[lookup.key()].observed_at for lookup in which_listeners.lookups(settings, answers))
        tiers = list(ways.tiers(settings, answers))
        doubtful = ways.unproved([way for tier in tiers for way in tier], answers)
        if doubtful:
            sentence = f"{first_of(doubtful)} forwards to a group that is said to be empty, which AWS does not confirm"
            return SourceReport(self.name, (), oldest, sentence, blind=True)
        reached, internal = ways.counting(tiers, answers, inventory)
        if reached is not None:
            sentence = reached.sentence("is behind", inventory.cluster_tag)
            sentence += _aside(internal, reached, answers, inventory)
            return SourceReport(self.name, reached.clusters, oldest, sentence)
        missing = ways.missing_listeners(settings, answers)
        if missing:
            # What the configuration names and AWS does not have is a mistake, not silence.
            return SourceReport(self.name, (), oldest, f"no load balancer has the listener {first_of(missing)}")
        # What was not asked is not empty.
        asked = which_listeners.counted(settings, answers) == ways.in_use(answers)
        silent = asked and not ways.anything_registered(answers)
        sentence = "no load balancer with registered targets" if silent else "no listener forwards to a cluster"
        return SourceReport(self.name, (), oldest, sentence, silent)


def _aside(internal: list[Way], reached: Reached, answers: Answers, inventory: Inventory) -> str:
    """Which clusters are behind balancers that do not count, "" for none.

    Only where the machines are known: nothing is asked for this.
    """
    others = {*ways.served(internal, answers, inventory).clusters} - {*reached.clusters} if inventory.whole else set()
    names = " and ".join(sorted(others))
    return f"; {names} only behind internal ones, which do not count (live.listeners decides)" if others else ""
