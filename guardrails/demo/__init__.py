"""``guardrails demo``: the outage of 9 October 2023 on simulated AWS, first as it was, then with the guard.

The operator's script is an ordinary boto3 script in a process of its own; the guard comes to it with ``guardrails
run``. Every claim is checked at the server: by the requests that arrived there and by the machines that run there.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from rich.console import Console

from guardrails.demo.report import Report
from guardrails.demo.stage import Stage
from guardrails.demo.story import tell
from guardrails.testing import SimulatedAWS
from guardrails.values import Mode

__all__ = ["run"]


def run(console: Console, fmt: Literal["pretty", "json"] = "pretty", *, mode: Mode = "enforce") -> int:
    """Play the outage and print it as it happens, or as one JSON document at the end; 0 only if every claim held.

    Needs no credentials and takes about ten seconds. With a `mode` that blocks nothing, claims fail: the demo can.
    """
    report = Report(console if fmt == "pretty" else None)
    with tempfile.TemporaryDirectory(prefix="guardrails-demo-") as folder, SimulatedAWS() as aws:
        tell(Stage(aws, Path(folder), mode), report)
    if fmt == "json":
        # Not console.print: it would wrap the document at the width of the terminal.
        console.out(report.as_json(mode), highlight=False)
    else:
        report.show_claims(console)
    return 0 if report.held else 1
