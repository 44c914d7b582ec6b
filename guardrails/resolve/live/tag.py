"""The clusters of the machines that carry the live tag."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.config.settings import DEFAULT_MARK, LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.source import Source
from guardrails.resolve.region import Region
from guardrails.values import Answer, Lookup, SourceReport


class LiveTag(Source):
    """A machine with the tag of the setting `tag` (``Live=true`` by default) makes its cluster live."""

    name = "tag"

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """None: the machines of the region carry their tags."""
        return ()

    def observe(self, settings: LiveSettings, answers: Mapping[str, Answer], inventory: Inventory, /) -> SourceReport:
        """The clusters of the machines with that tag."""
        mark = settings.mark or DEFAULT_MARK
        tagged = [machine for machine in inventory.with_tag(mark.key, mark.value) if machine.present]
        clusters = tuple(sorted({machine.cluster for machine in tagged if machine.cluster}))
        count = "1 machine is" if len(tagged) == 1 else f"{len(tagged) or 'no'} machines are"
        sentence = f"{count} tagged {mark.key}={mark.value}"
        # Where machines have the tag with another value, someone keeps it here.
        silent = not tagged and not any(machine.present for machine in inventory.on("tag-key", mark.key))
        return SourceReport(self.name, clusters, Region.of(answers).observed_at, sentence, silent=silent)
