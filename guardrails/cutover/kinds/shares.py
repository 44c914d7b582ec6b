"""Weights: whole numbers, of which a tenth must be one, too."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction


def changing(before: Mapping[str, int], after: Mapping[str, int]) -> set[str]:
    """Those whose part of all the weights is another one after than before."""
    parts = [
        {name: Fraction(weight, sum(weights.values()) or 1) for name, weight in weights.items()}
        for weights in (before, after)
    ]
    return {name for name in {*before, *after} if parts[0].get(name) != parts[1].get(name)}


def scaled(weights: Mapping[str, int], old: str, most: int) -> dict[str, int] | None:
    """All weights times the same number, so that each percent of `old` is a whole one; None beyond `most`.

    A smaller factor that leaves a tenth whole is enough where a percent does not fit.
    """
    for part in (100, 10):
        if weights[old] % part == 0:
            return dict(weights)
        made = {name: weight * part for name, weight in weights.items()}
        if max(made.values()) <= most:
            return made
    return None
