"""``guardrails demo``: the outage of 9 October 2023 on simulated AWS, first without the guard, then with it.

The operator's script is an ordinary boto3 script in its own process, guarded by ``guardrails run``. Every claim is
checked on the server, by the requests that arrived and the machines that are running.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from rich.console import Console

from guardrails.demo import balancer_story, story
from guardrails.demo.balancer_stage import BalancerStage
from guardrails.demo.report import Report
from guardrails.demo.stage import Stage
from guardrails.testing import SimulatedAWS
from guardrails.values import Mode

__all__ = ["SHOPS", "Shop", "run"]

Shop = Literal["addresses", "balancer"]


def _addresses(aws: SimulatedAWS, folder: Path, mode: Mode, report: Report) -> None:
    story.tell(Stage(aws, folder, mode), report)


def _balancer(aws: SimulatedAWS, folder: Path, mode: Mode, report: Report) -> None:
    balancer_story.tell(BalancerStage(aws, folder, mode), report)


# How users come to each: by Elastic IPs, or through a load balancer.
SHOPS: Mapping[Shop, Callable[[SimulatedAWS, Path, Mode, Report], None]] = {
    "addresses": _addresses,
    "balancer": _balancer,
}


def run(
    console: Console,
    fmt: Literal["pretty", "json"] = "pretty",
    *,
    mode: Mode = "enforce",
    shop: Shop = "addresses",
) -> int:
    """Replay the outage and print it as it happens, or as one JSON document at the end; returns 0 if every claim held.

    Needs no credentials and takes about half a minute. With a `mode` that blocks nothing, claims fail.
    """
    report = Report(console if fmt == "pretty" else None)
    with tempfile.TemporaryDirectory(prefix="guardrails-demo-") as folder, SimulatedAWS() as aws:
        SHOPS[shop](aws, Path(folder), mode, report)
    if fmt == "json":
        # console.print would wrap the document at the width of the terminal.
        console.out(report.as_json(mode, shop), highlight=False)
    else:
        report.show_claims(console)
    return 0 if report.held else 1
