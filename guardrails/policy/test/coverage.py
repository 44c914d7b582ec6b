"""Which lines of policies their tests evaluate."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import PurePath
from typing import Any

from attrs import define, field

from guardrails.values import frozen


@frozen
class FileCoverage:
    """How many `lines` of a file are code, and the numbers of those that no test evaluates."""

    file: str
    lines: int
    missing: tuple[int, ...]

    @property
    def percent(self) -> float:
        """100 for a file without code."""
        return _percent(self.lines - len(self.missing), self.lines)


@define
class Coverage:
    """Collects the reports of engines about `wanted` files; files of tests are left out."""

    wanted: Collection[str]
    _covered: dict[str, set[int]] = field(factory=dict)
    _code: dict[str, set[int]] = field(factory=dict)

    def add(self, report: Mapping[str, Any]) -> None:
        """Add the report of one engine."""
        for entry in report["files"]:
            file = str(entry["path"])
            if file in self.wanted and not PurePath(file).stem.endswith("_test"):
                self._covered.setdefault(file, set()).update(entry["covered"])
                self._code.setdefault(file, set()).update(entry["covered"], entry["not_covered"])

    def files(self) -> list[FileCoverage]:
        """Each file with code, in order."""
        return [
            FileCoverage(file, len(lines), tuple(sorted(lines - self._covered[file])))
            for file, lines in sorted(self._code.items())
            if lines
        ]

    @property
    def percent(self) -> float:
        """Over the lines of all files."""
        files = self.files()
        lines = sum(file.lines for file in files)
        return _percent(lines - sum(len(file.missing) for file in files), lines)


def _percent(part: int, whole: int) -> float:
    return 100.0 * part / whole if whole else 100.0
