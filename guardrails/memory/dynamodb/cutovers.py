"""The latest cutover of each account and region: one item, written only by a host that has just read it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from guardrails.memory.cutovers import NONE, Kept
from guardrails.memory.dynamodb.table import ConditionFailed, Table


class CutoverTable:
    """The Cutovers in a DynamoDB table."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def read(self, scope: str) -> Kept:
        """What is kept now. Raises StateUnavailable."""
        item = self._table.items([_key(scope)]).get(_key(scope))
        if item is None:
            return NONE
        try:
            return Kept(json.loads(item["document"]), int(item["revision"]))
        except (LookupError, TypeError, ValueError) as error:
            fix = f"look at what the cutover left, and delete the item {_key(scope)[0]}"
            raise self._table.unavailable("the cutover in it cannot be read", fix) from error

    def write(self, scope: str, document: Mapping[str, Any], revision: int) -> bool:
        """Keep this in place of what has that revision. Raises StateUnavailable."""
        values = {"document": json.dumps(document), "next": revision + 1}
        condition = "attribute_not_exists(#r)"
        if revision:
            values["revision"], condition = revision, "#r = :revision"
        try:
            self._table.update(
                _key(scope),
                "SET #d = :document, #r = :next",
                values,
                {"d": "document", "r": "revision"},
                condition=condition,
            )
        except ConditionFailed:
            return False
        return True

    def now(self) -> float:
        """The time by AWS's clock. Raises StateUnavailable."""
        return self._table.now(time.time())


def _key(scope: str) -> tuple[str, str]:
    return f"cut#{scope.replace('/', '#')}", "0"
