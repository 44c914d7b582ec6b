"""Which clusters are reached, and where a person can see that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from attrs import define, field

from guardrails.resolve.machine import Machine


@define
class Reached:
    """The machines that were found, by cluster, with the places that lead to them; `strays` are in no cluster."""

    places: dict[str, set[str]] = field(factory=lambda: defaultdict(set))
    strays: set[str] = field(factory=set)

    def add(self, machines: Iterable[Machine], place: str) -> None:
        """These machines are reached through this place."""
        for machine in machines:
            if machine.cluster:
                self.places[machine.cluster].add(place)
            else:
                self.strays.add(machine.id)

    def update(self, other: Reached) -> None:
        """Add what another one has."""
        for cluster, places in other.places.items():
            self.places[cluster] |= places
        self.strays |= other.strays

    @property
    def clusters(self) -> tuple[str, ...]:
        """Their names, sorted."""
        return tuple(sorted(self.places))

    def sentence(self, verb: str, cluster_tag: str) -> str:
        """``blue is behind web-prod:443, rule default, weight 100; 1 machine has no Cluster tag``."""
        parts = [f"{cluster} {verb} {first_of(where)}" for cluster, where in sorted(self.places.items())]
        if self.strays:
            count = "1 machine has" if len(self.strays) == 1 else f"{len(self.strays)} machines have"
            parts.append(f"{count} no {cluster_tag} tag")
        return "; ".join(parts)


def first_of(places: Iterable[str]) -> str:
    """The first place, and the number of the others."""
    first, *more = sorted(places)
    return f"{first} and {len(more)} more" if more else first
