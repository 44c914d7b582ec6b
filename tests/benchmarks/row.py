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
