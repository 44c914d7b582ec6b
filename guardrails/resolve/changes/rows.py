"""Read ``SERVICE.json``: ``{"service": botocore's name, "operations": {name: [row]}}``, by the catalogue's key.

A row is a look-up and what its answer says about parameters of the call:

    lookup    the operation
    service   another service than the file's
    items     the member of its answer that holds what is looked for; @ for all of the answer
    params    {parameter: JMESPath over the call's parameters}
    each      JMESPath from the list of items to those that matter
    where     {JMESPath over an item: JMESPath over the call's parameters}, which must be equal
    covers    the parameters that the row is for; all where it is missing
    idle      JMESPath over the same as in `harmless`: true where the whole call changes nothing, or hurts no one
    empty_on  error codes that say that nothing is there
    harmless  {parameter: JMESPath over `new`, `old`, `items`, `params` that is true where the new value harms no one}
    forms     {meaning of a form in the catalogue: JMESPath over `params`, `old`, `items` that is true where that form
              harms no one}, for a parameter that several forms look at
    also      another look-up, as a row: the one item that answers it is `also` in `harmless`
    besides   further look-ups, as rows with `idle`: all of them must be true, too, before the call changes nothing

`old` is the item, null unless there is exactly one. A parameter that is not in `harmless` is compared by the expression
under ``*``, else with the item's member of the same name. What the look-up names is not compared. compare.py has the
functions.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from attrs import field
from jmespath.exceptions import JMESPathError

from guardrails.resolve.changes.compare import search, true
from guardrails.resolve.region import INSTANCES, Region
from guardrails.values import Answer, Call, Lookup, frozen

# Only says how AWS answers, or makes the call a rehearsal.
_NEVER_A_CHANGE = frozenset(("DryRun", "ClientToken", "clientToken", "clientRequestToken", "Reason"))
# ``Name``, ``[Name]``, ``Name || 'default'``
_NAME = re.compile(r"\[?(?P<name>\w+)]?(?: \|\| '\w+')?")


def _row(document: Mapping[str, Any] | None) -> Row | None:
    return Row(**document) if document else None


def _rows(documents: Iterable[Mapping[str, Any]]) -> tuple[Row, ...]:
    return tuple(Row(**document) for document in documents)


def _listed(asked: Lookup, answers: Mapping[str, Answer]) -> Iterable[Mapping[str, Any]] | None:
    answer = answers.get(asked.key())
    if answer is None and asked.key() == INSTANCES.key():
        # Of a large region, the machines that were asked for.
        return Region.of(answers).reservations
    return answer.items if answer else None


@frozen
class Row:
    """One look-up for an operation, and how to compare its answer with the call's parameters."""

    lookup: str
    items: str
    service: str
    region: str = ""
    params: Mapping[str, str] = field(factory=dict)
    each: str = "@"
    where: Mapping[str, str] = field(factory=dict)
    covers: frozenset[str] = field(default=frozenset(), converter=frozenset)
    harmless: Mapping[str, str] = field(factory=dict)
    idle: str = ""
    empty_on: tuple[str, ...] = field(default=(), converter=tuple)
    forms: Mapping[str, str] = field(factory=dict)
    also: Row | None = field(default=None, converter=_row)
    besides: tuple[Row, ...] = field(default=(), converter=_rows)

    @property
    def names(self) -> frozenset[str]:
        """The parameters by which the call says what it changes; they hold nothing else."""
        expressions = (*self.params.values(), *self.where.values())
        return frozenset(match["name"] for match in map(_NAME.fullmatch, expressions) if match)

    def ask(self, params: Mapping[str, Any]) -> Lookup | None:
        """The look-up for a call; None where it gives nothing that the row covers, or does not say what it changes."""
        if self.covers and not self.covers & params.keys():
            return None
        try:
            values = {name: search(expression, params) for name, expression in self.params.items()}
        except JMESPathError:
            return None
        if not all(_given(value) for value in values.values()):
            return None
        return Lookup(
            self.service, self.lookup, self.items, values, empty_on=self.empty_on, region=self.region, optional=True
        )

    def asks(self, params: Mapping[str, Any]) -> tuple[Lookup, ...]:
        """The look-ups for a call: its own, and what tells more about it."""
        asked = (row.ask(params) for row in (self, self.also, *self.besides) if row)
        return tuple(lookup for lookup in asked if lookup)

    def seen(self, params: Mapping[str, Any], answers: Mapping[str, Answer]) -> dict[str, Any] | None:
        """What the expressions look at; None where the look-up was not made, or not answered."""
        asked = self.ask(params)
        listed = _listed(asked, answers) if asked else None
        if listed is None:
            return None
        items = [item for item in search(self.each, [*listed]) or [] if self._meant(item, params)]
        also = self.also.seen(params, answers) if self.also else None
        old = items[0] if len(items) == 1 else None
        return {"items": items, "old": old, "params": params, "also": also and also["old"]}

    def harms_no_one(self, seen: Mapping[str, Any]) -> frozenset[str]:
        """The parameters whose values leave what is there as it is, or change it in a way that hurts no one."""
        return frozenset(
            name
            for name, value in seen["params"].items()
            if not self.covers or name in self.covers
            if true(self._harmless(name), {**seen, "new": value})
        )

    def spared_forms(self, seen: Mapping[str, Any]) -> frozenset[str]:
        """The meanings of the forms that harm no one."""
        return frozenset(meaning for meaning, expression in self.forms.items() if true(expression, seen))

    def changes_nothing(self, seen: Mapping[str, Any], answers: Mapping[str, Answer]) -> bool:
        """Whether the call leaves everything as it is, by what the row says of calls without a value to compare."""
        if not (self.idle and true(self.idle, seen)):
            return False
        others = [(row, row.seen(seen["params"], answers)) for row in self.besides]
        return all(view is not None and row.changes_nothing(view, answers) for row, view in others)

    def _harmless(self, name: str) -> str:
        return self.harmless.get(name) or self.harmless.get("*") or f"same(new, old.{name})"

    def _meant(self, item: Mapping[str, Any], params: Mapping[str, Any]) -> bool:
        return all(search(mine, item) == search(theirs, params) for mine, theirs in self.where.items())


def _given(value: Any) -> bool:
    values: Iterable[Any] = value if isinstance(value, list) else [value]
    return bool(value) and None not in values


def rows_of(service: str, operation: str) -> tuple[Row, ...]:
    """The rows of an operation; `service` is the catalogue's key."""
    return _service(service).get(operation, ())


@cache
def _service(key: str) -> Mapping[str, tuple[Row, ...]]:
    file = resources.files(__package__).joinpath(f"{key}.json")
    if not file.is_file():
        return {}
    document = json.loads(file.read_text("utf-8"))
    return {
        operation: tuple(Row(**{"service": document["service"], **row}) for row in rows)
        for operation, rows in document["operations"].items()
    }


def asks() -> tuple[Lookup, ...]:
    """Every look-up of these files, without its parameters."""
    files = [file.name for file in resources.files(__package__).iterdir() if file.name.endswith(".json")]
    rows = [row for file in sorted(files) for rows in _service(file.removesuffix(".json")).values() for row in rows]
    rows += [other for row in rows for other in (row.also, *row.besides) if other]
    return tuple(Lookup(row.service, row.lookup, row.items, region=row.region, optional=True) for row in rows)


def left_alone(call: Call, answers: Mapping[str, Answer]) -> frozenset[str]:
    """The parameters that change nothing that could hurt anyone, and those that name what it changes."""
    found: set[str] = set()
    for row, seen in _seen(call, answers):
        if not row.idle:
            found |= row.names | _NEVER_A_CHANGE | row.harms_no_one(seen)
    return frozenset(found)


def spared_forms(call: Call, answers: Mapping[str, Answer]) -> frozenset[str]:
    """The meanings of the call's forms that harm no one."""
    return frozenset(meaning for row, seen in _seen(call, answers) for meaning in row.spared_forms(seen))


def changes_nothing(call: Call, answers: Mapping[str, Answer]) -> bool:
    """Whether the call as a whole leaves everything as it is."""
    return any(row.changes_nothing(seen, answers) for row, seen in _seen(call, answers))


def _seen(call: Call, answers: Mapping[str, Answer]) -> Iterator[tuple[Row, Mapping[str, Any]]]:
    for row in rows_of(call.service, call.operation):
        seen = row.seen(call.clear_params, answers)
        if seen is not None:
            yield row, seen
