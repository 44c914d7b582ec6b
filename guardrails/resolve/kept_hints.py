"""Hints that outlive a process: a script's first call asks at once what an earlier run asked last.

They are in a file beside the memory of this host. A file that cannot be read or written costs round trips, and nothing
else. It names look-ups only, so an edited one can make the guard ask AWS for more, and for nothing but that.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from guardrails.resolve.question import Question
from guardrails.system.files import FOR_US
from guardrails.values import Lookup
from guardrails.waiting.clock import monotonic

# What only reads; a request without a body that says what to do.
_READS = re.compile(r"(Describe|List|Get)[A-Z][A-Za-z0-9]+")
_MOST_BYTES = 1_000_000
_PLACES = 16
# A process that works on one cluster after another need not write each time.
_PAUSE_S = 60.0
_LOOKUP = ("service", "operation", "items", "params", "empty_on", "region", "optional", "sample")
Kept = tuple[tuple[Lookup, ...], frozenset[Question]]


class KeptHints:
    """The hints in the file at `path`, by the name of the place."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: dict[str, tuple[Kept, float]] = {}

    def read(self, place: str) -> Kept:
        """The look-ups and questions of an earlier process there; none where the file has none."""
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            one = self._places()[place]
            return tuple(map(_lookup, one["lookups"])), frozenset(_question(*each) for each in one["questions"])
        return (), frozenset()

    def write(self, place: str, kept: Kept) -> None:
        """Keep these for the next process, unless it would find them or others written a moment ago."""
        before, at = self._written.get(place, (((), frozenset()), -_PAUSE_S))
        if kept == before or monotonic() - at < _PAUSE_S:
            return
        self._written[place] = kept, monotonic()
        lookups, questions = kept
        one = {
            "lookups": [{name: getattr(lookup, name) for name in _LOOKUP} for lookup in lookups],
            "questions": sorted([each.filter, each.value] for each in questions),
        }
        with suppress(OSError, ValueError, TypeError):
            self._replace(json.dumps({**self._others(place), place: one}))

    def _others(self, place: str) -> dict[str, Any]:
        with suppress(OSError, ValueError):
            others = [(name, each) for name, each in self._places().items() if name != place]
            return dict(others[-(_PLACES - 1) :])
        return {}

    def _places(self) -> Mapping[str, Any]:
        with self._path.open("rb") as file:
            read = json.loads(file.read(_MOST_BYTES))
        if not isinstance(read, dict):
            raise ValueError("it is not an object")
        return read

    def _replace(self, text: str) -> None:
        part = self._path.with_name(f"{self._path.name}.{os.getpid()}.{threading.get_ident()}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FOR_US, 0o600), "w") as file:
                file.write(text)
            part.replace(self._path)
        finally:
            part.unlink(missing_ok=True)


def _lookup(item: Mapping[str, Any]) -> Lookup:
    known: dict[str, Any] = {name: item[name] for name in _LOOKUP}
    known["empty_on"] = tuple(known["empty_on"])
    if not (known["service"] and _READS.fullmatch(known["operation"]) and isinstance(known["params"], dict)):
        raise ValueError("it is not a look-up")
    return Lookup(**known)


def _question(name: str, value: str) -> Question:
    if not (isinstance(name, str) and isinstance(value, str)):
        raise TypeError("a filter and a value are strings")
    return Question(name, value)
