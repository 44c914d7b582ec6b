"""The clusters that a file names."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.source import Source, cluster_names
from guardrails.system import reading
from guardrails.values import Answer, Lookup, SourceReport


class File(Source):
    """The contents of the file of the setting `file` name the live cluster."""

    name = "file"

    def lookups(self, _settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """None: nothing is asked of AWS."""
        return ()

    def observe(self, settings: LiveSettings, _answers: Mapping[str, Answer], _: Inventory, /) -> SourceReport:
        """The clusters in the file as it is now; none where it cannot be read."""
        now = time.time()
        try:
            names = cluster_names(reading.text(Path(str(settings.file))))
        except (OSError, UnicodeDecodeError) as error:
            return SourceReport(self.name, (), now, f"{settings.file} {_problem(error)}")
        return SourceReport(self.name, names, now, f"{settings.file} names {', '.join(names) or 'no cluster'}")


def _problem(error: OSError | UnicodeDecodeError) -> str:
    if isinstance(error, FileNotFoundError):
        return "does not exist"
    return "is not text in UTF-8" if isinstance(error, UnicodeDecodeError) else f"cannot be read ({error.strerror})"
