"""Keep the items of clusters small: claims that are old are counted instead of named."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from guardrails.memory.dynamodb import ledger
from guardrails.memory.dynamodb.table import ConditionFailed, Item, Key, Table
from guardrails.memory.store import Asked, StateUnavailable


def compact(table: Table, asked: Asked, ledgers: Mapping[str, Item], now: float) -> None:
    """Compact the items of these clusters, as they were just read, where that is worth a request."""
    for cluster, item in ledgers.items():
        found = ledger.compaction(cluster, item, now, asked.kept_s)
        if found is not None:
            _replace(table, ledger.key(asked.scope, cluster), found)


def _replace(table: Table, key: Key, found: ledger.Compaction) -> None:
    """Count claims instead of keeping them, unless another host has done it by now."""
    names = {f"n{number}": name for number, name in enumerate((*found.claims, *found.outdated, *found.counts))}
    short = {name: short for short, name in names.items()}
    expression = "REMOVE " + ", ".join(f"#{short[name]}" for name in (*found.claims, *found.outdated))
    if found.counts:
        expression += " ADD " + ", ".join(f"#{short[name]} :{short[name]}" for name in found.counts)
    values = {short[name]: count for name, count in found.counts.items()}
    condition = " AND ".join(f"attribute_exists(#{short[name]})" for name in found.claims) or None
    # Nothing depends on it; the next call tries again.
    with suppress(ConditionFailed, StateUnavailable):
        table.update(key, expression, values, names, condition=condition)
