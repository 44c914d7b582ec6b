"""How a freeze is kept: a table of JSON's kinds, which anyone who may write to the memory can have changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

import attrs

from guardrails.values import Freeze


def written(freeze: Freeze) -> dict[str, Any]:
    """The freeze as a table."""
    return {**attrs.asdict(freeze), "effects": list(freeze.effects)}


def read(table: Mapping[str, Any]) -> Freeze:
    """The freeze from its table. Raises ValueError where it is not one."""
    names = ("id", "reason", "by", "host")
    try:
        texts = {name: table[name] for name in names}
        effects, since, until = tuple(table["effects"]), float(table["since"]), float(table["until"])
    except (LookupError, TypeError, AttributeError) as error:
        raise ValueError("a freeze in it cannot be read") from error
    if not all(isinstance(text, str) for text in (*texts.values(), *effects)):
        raise ValueError("a freeze in it cannot be read")
    return Freeze(**texts, effects=effects, since=since, until=until)


def readable(tables: Iterable[Mapping[str, Any]]) -> Iterator[Freeze]:
    """Those that are freezes."""
    for table in tables:
        with suppress(ValueError):
            yield read(table)


def in_force(freezes: Iterable[Freeze], now: float) -> tuple[Freeze, ...]:
    """Those that have not ended at `now`, the next to end first."""
    return tuple(sorted((each for each in freezes if each.until > now), key=lambda each: (each.until, each.id)))
