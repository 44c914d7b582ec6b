"""What a source of liveness is, and how it reads cluster names from a string."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.values import Answer, Lookup, SourceReport


class Source(Protocol):
    """One kind of evidence of which cluster is live. `name` is the word for it in ``live.sources``."""

    # What it may ask beside `lookups`, without parameters.
    asks: tuple[Lookup, ...] = ()

    @property
    def name(self) -> str:
        """Unique among the sources."""
        ...

    def lookups(self, settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """The look-ups it needs, in addition to the machines of the region."""
        ...

    def followups(self, _settings: LiveSettings, _answers: Mapping[str, Answer], /) -> tuple[Lookup, ...]:
        """What the answers so far call for, together with what was asked for before; nothing for most sources."""
        return ()

    def observe(self, settings: LiveSettings, answers: Mapping[str, Answer], inventory: Inventory, /) -> SourceReport:
        """The clusters it names, and why. Never raises for evidence that is missing: the report names no cluster.

        It is silent where it could look and found nothing of its kind: no address, no load balancer.
        """
        ...


def cluster_names(value: str | None) -> tuple[str, ...]:
    """The cluster names in a string, sorted: separated by commas or lines; ``#`` starts a comment."""
    lines = [line.partition("#")[0] for line in (value or "").splitlines()]
    return tuple(sorted({name.strip() for line in lines for name in line.split(",") if name.strip()}))
