"""How long machines took to start here, as runs of `guardrails rebuild` measured it."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from guardrails.system.files import make_folder
from guardrails.values import frozen

_KEPT = 2000
# Between a request and a machine that passes its status checks, where nothing was measured. AWS gives no figure.
RANGE_S = (60.0, 600.0)


@frozen
class Boot:
    """`running` and `ready` are seconds from the launch: (median, 90th percentile) of `count` launches.

    Ready is running with both status checks passed. Without a history, the two figures are the ends of a wide range.
    """

    count: int
    running: tuple[float, float]
    ready: tuple[float, float]

    @property
    def sentence(self) -> str:
        """What it is based on."""
        if not self.count:
            low, high = (each / 60 for each in RANGE_S)
            return f"boot not measured here yet: usually {low:.0f} to {high:.0f} min"
        return f"boot {minutes(self.ready[1])} (p90 of {self.count} launches, median {minutes(self.ready[0])})"


UNMEASURED = Boot(0, RANGE_S, RANGE_S)


def minutes(seconds: float) -> str:
    """``40 s`` below 90 seconds, then minutes."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


def measured(path: Path, types: frozenset[str]) -> Boot:
    """What the history says of these instance types; of all types where it has none of them."""
    rows = _rows(path)
    rows = [row for row in rows if row["type"] in types] or rows
    if not rows:
        return UNMEASURED
    return Boot(
        len(rows), _percentiles([row["running_s"] for row in rows]), _percentiles([row["ready_s"] for row in rows])
    )


def remember(path: Path, type_: str, launched_at: float, running_s: float, ready_s: float) -> None:
    """Add a launch. Never raises: a history that cannot be written costs no machine."""
    row = {"type": type_, "at": launched_at, "running_s": round(running_s, 1), "ready_s": round(ready_s, 1)}
    try:
        make_folder(path.parent)
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    except OSError:
        return


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows that can be read, the newest last."""
    try:
        lines = path.read_text("utf-8").splitlines()[-_KEPT:]
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
            rows.append(
                {**row, "running_s": float(row["running_s"]), "ready_s": float(row["ready_s"]), "type": row["type"]}
            )
        except (ValueError, KeyError, TypeError):
            # A line that was being written when the power failed.
            continue
    return rows


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2], ordered[math.ceil(0.9 * len(ordered)) - 1]
