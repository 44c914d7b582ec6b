"""The output of the demo: steps as they happen, claims in a table at the end, or everything as JSON."""

from __future__ import annotations

import json
import time
from typing import Any

from attrs import asdict, field
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from guardrails.values import frozen

_STYLES = {"operator": "bold", "guard": "cyan", "AWS": "yellow", "demo": "dim"}
_WORDS = {"DOWN": "bold red", "BLOCKED": "bold green", "up": "green"}


@frozen
class Step:
    """Something that happened, `at_s` seconds after the start: who did what, with what result."""

    at_s: float
    act: str
    who: str
    what: str
    result: str = ""


@frozen
class Claim:
    """A statement about the guard: the expected value, and the one seen on the simulated AWS."""

    text: str
    expected: int | str
    seen: int | str
    held: bool = field(init=False)

    @held.default
    def _compare(self) -> bool:
        return self.expected == self.seen


class Report:
    """Collects steps and claims; with a console it prints each step at once."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._started = time.monotonic()
        self._act = ""
        self.steps: list[Step] = []
        self.claims: list[Claim] = []

    @property
    def held(self) -> bool:
        """True if there are claims and all of them held."""
        return bool(self.claims) and all(claim.held for claim in self.claims)

    def act(self, title: str) -> None:
        """Begin an act."""
        self._act = title
        if self._console is not None:
            self._console.print()
            self._console.print(Text(title, style="bold"))

    def step(self, who: str, what: str, result: str = "") -> None:
        """Something happened just now."""
        step = Step(round(time.monotonic() - self._started, 1), self._act, who, what, result)
        self.steps.append(step)
        if self._console is not None:
            self._console.print(_line(step))

    def claim(self, text: str, expected: int | str, seen: int | str) -> None:
        """Compare what is expected with what was seen."""
        self.claims.append(Claim(text, expected, seen))

    def show_claims(self, console: Console) -> None:
        """The table of claims, and the result."""
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        table.add_column("claim", ratio=1)
        for column in ("expected", "seen"):
            table.add_column(column, justify="right")
        table.add_column("")
        for claim in self.claims:
            verdict = Text("held", style="green") if claim.held else Text("FAILED", style="bold red")
            table.add_row(Text(claim.text), str(claim.expected), str(claim.seen), verdict)
        console.print()
        console.print(Text("What the simulated AWS saw", style="bold"))
        console.print(table)
        failed = sum(not claim.held for claim in self.claims)
        count = len(self.claims)
        text = f"{failed} of {count} claims FAILED" if failed else f"all {count} claims held"
        console.print()
        console.print(Text(f"{text}, in {self._seconds():.1f} s", style="bold red" if failed else "bold green"))

    def as_json(self, mode: str, shop: str) -> str:
        """One document: ``{"shop", "mode", "held", "seconds", "steps": [...], "claims": [...]}``."""
        document: dict[str, Any] = {
            "demo": "the outage of 2023-10-09",
            "shop": shop,
            "mode": mode,
            "held": self.held,
            "seconds": round(self._seconds(), 1),
            "steps": [asdict(step) for step in self.steps],
            "claims": [asdict(claim) for claim in self.claims],
        }
        return json.dumps(document, indent=2)

    def _seconds(self) -> float:
        return time.monotonic() - self._started


def _line(step: Step) -> RenderableType:
    # One table per step, so that each is shown when it happens; fixed widths align them.
    table = Table.grid(padding=(0, 1), expand=False)
    table.add_column(width=6, justify="right")
    table.add_column(width=8)
    table.add_column(ratio=1, overflow="fold")
    text = Text(step.what)
    for word, style in _WORDS.items():
        text.highlight_regex(rf"\b{word}\b", style)
    if step.result:
        text.append(f"\n{step.result}")
    table.add_row(Text(f"{step.at_s:.1f} s", style="dim"), Text(step.who, style=_STYLES.get(step.who, "")), text)
    return table
