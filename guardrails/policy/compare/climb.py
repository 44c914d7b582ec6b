"""An input on which a rule acts, found condition by condition, where no known situation has one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from guardrails.evaluate.bundle import Bundle
from guardrails.policy.compare.affected import EntryRule, Reads
from guardrails.policy.compare.situations import Document
from guardrails.policy.compare.variations import Variations, applied
from guardrails.policy.explain import Probes

# How many inputs are followed at once, and how many of those that are known are looked at first.
_FOLLOWED = 4
_STARTS = 250
_FOUND = 6


class Climber:
    """Changes inputs until the conditions of a rule hold, one after the other."""

    def __init__(self, bundle: Bundle, schema: Mapping[str, Any], starts: Sequence[Document]) -> None:
        """`starts` are inputs to begin with. Raises PolicyError."""
        self._probes, self._schema = Probes(bundle), schema
        self._starts = starts[:: max(1, len(starts) // _STARTS)]

    def reach(self, entry: EntryRule, reads: Reads) -> Iterator[Document]:
        """Inputs on which the conditions of a definition of the rule hold; `reads` is what they look at."""
        place = (entry.definition.file, entry.definition.line)
        for number, other in enumerate(self._probes.places()):
            if other == place:
                yield from self._reach_body(number, reads)

    def _reach_body(self, number: int, reads: Reads) -> Iterator[Document]:
        height = self._probes.length(number)
        ranked = sorted((-self._height(number, start, 0), index) for index, start in enumerate(self._starts))
        best = [(-reached, self._starts[index]) for reached, index in ranked[:_FOLLOWED]]
        for _ in range(height):
            if not best or best[0][0] >= height:
                break
            higher = self._higher(number, best, reads)
            if not higher:
                return
            best = higher
        yield from (document for reached, document in best if reached >= height)

    def _higher(self, number: int, best: Sequence[tuple[int, Document]], reads: Reads) -> list[tuple[int, Document]]:
        """The neighbors of these inputs on which more conditions hold, the best first."""
        found: list[tuple[int, Document]] = []
        seen: set[str] = set()
        for reached, document in best:
            for change in Variations(self._schema, reads, document):
                neighbor = applied(document, change)
                height = self._height(number, neighbor, reached)
                text = json.dumps(neighbor, sort_keys=True)
                if height > reached and text not in seen:
                    seen.add(text)
                    found.append((height, neighbor))
                if len(found) > _FOUND * _FOLLOWED:
                    break
        return sorted(found, key=lambda each: -each[0])[:_FOLLOWED]

    def _height(self, number: int, document: Document, known: int) -> int:
        """How many conditions hold, one after the other; at most `known` where the next one does not."""
        self._probes.look_at(document)
        height = known
        while height < self._probes.length(number) and self._probes.holds(number, height + 1):
            height += 1
        return height
