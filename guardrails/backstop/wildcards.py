"""Shorter lists of IAM actions: ``ec2:Terminate*`` where everything that begins so is wanted."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from guardrails.backstop.actions import Reference

_WORD = re.compile(r"[A-Z][a-z0-9]*|[a-z0-9]+")


def shortened(actions: Iterable[str], reference: Reference) -> list[str]:
    """These actions, sorted, with a wildcard for each whole group of names that begin with the same words.

    No wildcard matches an action of the reference that is not among them, and none stands for one action alone.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for action in actions:
        prefix, _, name = action.partition(":")
        wanted[prefix].add(name)
    return [
        f"{prefix}:{name}" for prefix in sorted(wanted) for name in _covering(wanted[prefix], reference.every(prefix))
    ]


def _covering(wanted: set[str], every: frozenset[str]) -> Iterator[str]:
    done: set[str] = set()
    for name in sorted(wanted):
        if name in done:
            continue
        start = next((each for each in _starts(name) if _pure(each, wanted, every)), None)
        if start is None:
            yield name
        else:
            done |= {each for each in wanted if each.startswith(start)}
            yield f"{start}*"


def _starts(name: str) -> Iterator[str]:
    """Its first words, shortest first; all of them at last."""
    return (name[: word.end()] for word in _WORD.finditer(name))


def _pure(start: str, wanted: set[str], every: frozenset[str]) -> bool:
    # IAM compares without regard to case.
    matched = {name for name in every if name.lower().startswith(start.lower())}
    return len(matched & wanted) > 1 and matched <= wanted
