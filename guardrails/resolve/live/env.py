"""The clusters that an environment variable names."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.source import Source, cluster_names
from guardrails.values import Answer, Lookup, SourceReport


class Variable(Source):
    """The value of the environment variable of the setting `env` names the live cluster."""

    name = "env"

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """None: nothing is asked of AWS."""
        return ()

    def observe(self, settings: LiveSettings, _answers: Mapping[str, Answer], _: Inventory, /) -> SourceReport:
        """The clusters in its value now; none where it is not set."""
        value = os.environ.get(str(settings.env))
        sentence = f"{settings.env} is not set" if value is None else f"{settings.env}={value}"
        return SourceReport(self.name, cluster_names(value), time.time(), sentence)
