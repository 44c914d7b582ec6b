"""Versions of OPA that must not decide, and one that a signed bundle should not be trusted to."""

from __future__ import annotations

import re

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_OLDEST = (1, 0, 0)
# `input.x in {"a", input.y}` never holds there, so a rule that needs it is silent. Fixed in 1.22.1.
_SILENT = (1, 21, 0), (1, 22, 0)
# https://github.com/advisories/GHSA-g2pf-6v5v-qcc8
_SIGNATURES = (1, 21, 3)


def refused(version: str) -> str:
    """Why a server of this version must not decide, to follow "OPA at URL"; "" where it may."""
    number = _number(version)
    if number is None:
        return ""
    if number < _OLDEST:
        return f"has version {version}, which does not read these policies; use 1.22.1 or later"
    if _SILENT[0] <= number <= _SILENT[1]:
        return (
            f"has version {version}, in which rules that compare the input with itself never apply, so a denial may be "
            "missing; use 1.22.1 or later"
        )
    return ""


def doubts(version: str, *, signed: bool) -> str:
    """What to know about a server of this version that may decide; "" where there is nothing.

    `signed` says that policies are to be signed here.
    """
    number = _number(version)
    if number is None:
        return f"does not say which version it has ({version or 'none'}), so known faults are not excluded"
    if signed and number < _SIGNATURES:
        return (
            f"has version {version}, whose check of signatures can be bypassed (GHSA-g2pf-6v5v-qcc8); use 1.22.1 or "
            "later"
        )
    return ""


def _number(version: str) -> tuple[int, ...] | None:
    found = _VERSION.match(version)
    return tuple(map(int, found.groups())) if found else None
