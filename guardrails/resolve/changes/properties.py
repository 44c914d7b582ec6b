"""Changes of a resource's properties, as change sets and Cloud Control show them: which of them may harm someone.

``aws/cloudformation_properties.json`` has a row for each type whose properties can change without harm:

    harmless   {property: JMESPath over `new`, `old`, `now`, `params` that is true where the new value harms no one}
    like       an operation of the service (rows.py) that judges the properties that `harmless` does not name
    now        the look-up for what others may have changed since, such as sizes: `params` are JMESPath over the
               properties and `id`, and `now` is the one item of its answer

`old` and `params` are all properties before and after. A property that is in no list must stay as it is; so must the
properties of every other type. Names under ``harmless`` at the top change nothing that runs.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from attrs import field

from guardrails.aws.cloudformation import read_table
from guardrails.resolve.changes.compare import same, true
from guardrails.resolve.changes.rows import Row, rows_of
from guardrails.values import Lookup, frozen

# CloudFormation writes this where it will know the value later.
_NOT_KNOWN_YET = "{{changeSet:"
Properties = Mapping[str, Any]


def _row(document: Mapping[str, Any] | None) -> Row | None:
    return Row(**document) if document else None


@frozen
class _Type:
    harmless: Mapping[str, str] = field(factory=dict)
    like: str = ""
    now: Row | None = field(default=None, converter=_row)

    def expression(self, name: str) -> str:
        rows = rows_of(*self.like.split(":")) if self.like else ()
        inherited = (row.harmless[name] for row in rows if name in row.harmless)
        return self.harmless.get(name) or self.harmless.get("*") or next(inherited, "`false`")


@frozen
class _Table:
    types: Mapping[str, _Type]
    harmless: frozenset[str]


@cache
def _table() -> _Table:
    document = read_table("cloudformation_properties.json")
    types = {kind: _Type(**row) for kind, row in document["types"].items()}
    return _Table(types, frozenset(document["harmless"]))


def has_row(kind: str) -> bool:
    """Whether the table says what changing a resource of this type does."""
    return kind in _table().types


def always_harmless(kind: str, name: str) -> bool:
    """Whether no value of this property can harm anyone."""
    row = _table().types.get(kind, _Type())
    return name in _table().harmless or row.expression(name) == "`true`"


def present(kind: str, physical_id: str, after: Properties) -> Lookup | None:
    """The look-up for a resource of this type as it is now; None where no property needs it."""
    row = _table().types.get(kind, _Type()).now
    return row.ask({**after, "id": physical_id}) if row else None


def harmful(
    kind: str, before: Properties, after: Properties, evidence: Collection[str], now: Mapping[str, Any] | None
) -> list[str]:
    """The names of the properties whose change may harm someone; `evidence` are the keys of tags that count."""
    row = _table().types.get(kind, _Type())
    return [
        name
        for name in sorted({*before, *after})
        if not _unchanged(before.get(name), after.get(name))
        if name not in _table().harmless
        if not (_kept_tags(before.get(name), after.get(name), evidence) if name.endswith("Tags") else _passes(
            row.expression(name), name, before, after, now))
    ]  # fmt: skip


def _unchanged(old: Any, new: Any) -> bool:
    if _NOT_KNOWN_YET in json.dumps(new):
        return False
    return old == new or same(new, old)


def _passes(expression: str, name: str, before: Properties, after: Properties, now: Mapping[str, Any] | None) -> bool:
    values = {"new": after.get(name), "old": before, "items": [before], "params": after, "now": now}
    return true(expression, values)


def _kept_tags(old: Any, new: Any, evidence: Collection[str]) -> bool:
    """Whether the tags that say what is live stay; those of an unknown form do not."""
    before, after = _tags(old), _tags(new)
    if before is None or after is None:
        return not evidence
    return all(before.get(key) == after.get(key) and _NOT_KNOWN_YET not in str(after.get(key)) for key in evidence)


def _tags(value: Any) -> dict[str, Any] | None:
    """``{key: value}`` of a map or of a list of Key and Value."""
    if isinstance(value, Mapping):
        return dict(value)
    if value is None:
        return {}
    if not isinstance(value, list) or not all(isinstance(item, Mapping) and "Key" in item for item in value):
        return None
    return {item["Key"]: item.get("Value") for item in value}
