"""The clusters that a file names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.source import cluster_names
from guardrails.values import Answer, Lookup, SourceReport


class File:
    """The contents of the file of the setting `file` name the live cluster."""

    name = "file"

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """None: nothing is asked of AWS."""
        return ()

    def observe(self, settings: LiveSettings, _answers: Mapping[str, Answer], _: Inventory, /) -> SourceReport:
        """The clusters in the file as it is now; none where it cannot be read."""
        now = time.time()
        try:
            names = cluster_names(Path(str(settings.file)).read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            return SourceReport(self.name, (), now, f"{settings.file} cannot be read ({type(error).__name__})")
        return SourceReport(self.name, names, now, f"{settings.file} names {', '.join(names) or 'no cluster'}")
