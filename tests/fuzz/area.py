"""What an area of the fuzzer gets, and what it reports."""

from __future__ import annotations

import time
from collections import Counter

from attrs import define, field

# Of findings of one kind only so many are kept: the first ones show what is wrong.
_SHOWN = 3


@define
class Run:
    """One run of an area: its seed, how long it may take, and what it has found.

    `counts` are figures for people, such as how many operations were reached.
    """

    area: str
    seed: int
    seconds: float
    counts: Counter[str] = field(factory=Counter)
    findings: dict[str, list[str]] = field(factory=dict)
    _started: float = field(factory=time.monotonic)

    @property
    def time_left(self) -> bool:
        """Whether another example may begin."""
        return self.took < self.seconds

    @property
    def took(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._started

    def found(self, kind: str, example: str) -> None:
        """Something that must not be."""
        self.counts["findings"] += 1
        examples = self.findings.setdefault(kind, [])
        if len(examples) < _SHOWN:
            examples.append(example)

    def __str__(self) -> str:
        figures = ", ".join(f"{number:,} {what}" for what, number in self.counts.items() if what != "findings")
        lines = [f"{self.area}: {figures}; {len(self.findings)} findings in {self.took:.0f} s (seed {self.seed})"]
        for kind, examples in self.findings.items():
            lines += [f"  {kind}", *(f"    {example}" for example in examples)]
        return "\n".join(lines)
