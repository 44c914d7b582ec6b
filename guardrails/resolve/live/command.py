"""The clusters that a program prints."""

from __future__ import annotations

import os
import time

from guardrails.config.settings import LiveSettings
from guardrails.resolve import program
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.live.source import Source, cluster_names
from guardrails.resolve.live.ways import Answers
from guardrails.values import Lookup, SourceReport


class Command(Source):
    """What the program of the setting `command` prints names the live clusters.

    It has four fifths of the time that a look-up has. With an exit code that is not 0, or after that time, it is silent
    and the other sources decide; where it cannot be started, it is not known what is live.
    """

    name = "command"

    def lookups(self, settings: LiveSettings, /) -> tuple[Lookup, ...]:
        """What the program prints; none inside that program."""
        return () if program.MARKER in os.environ else (program.asking(settings.command),)

    def observe(self, settings: LiveSettings, answers: Answers, _: Inventory, /) -> SourceReport:
        """The clusters in its output, separated by commas or lines."""
        if program.MARKER in os.environ:
            sentence = "this process was started to find out which cluster is live, so it cannot ask for that"
            return SourceReport(self.name, (), time.time(), sentence, blind=True)
        answer = answers[program.asking(settings.command).key()]
        (result,) = answer.items
        if "problem" in result:
            failed = bool(result.get("failed"))
            return SourceReport(self.name, (), answer.observed_at, result["problem"], not failed, failed)
        names = cluster_names(result["output"])
        sentence = f"{settings.command[0]} names {', '.join(names) or 'no cluster'}"
        return SourceReport(self.name, names, answer.observed_at, sentence)
