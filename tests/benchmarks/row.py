"""One line of the table that `python -m tests.benchmarks` prints."""

from __future__ import annotations

from attrs import frozen


@frozen
class Row:
    """What was measured, the figure (a ratio or a count of one run), and the command that makes this row alone.

    `cpu`, `requests` and `fsyncs` stand beside the figure where they were measured. A row with a `goal` says whether it
    is `met`.
    """

    what: str
    figure: str
    command: str
    cpu: str = ""
    requests: str = ""
    fsyncs: str = ""
    goal: str = ""
    met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """As a line of the table."""
        verdict = "" if self.met is None else ": met" if self.met else ": missed"
        return self.what, self.figure, self.cpu, self.requests, self.fsyncs, self.goal + verdict, f"`{self.command}`"

    @property
    def line(self) -> str:
        """As a line for people."""
        return " | ".join(filter(None, self.cells))
