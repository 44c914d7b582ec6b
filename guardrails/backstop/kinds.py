"""The kinds of protection that AWS has and that can be switched without touching anything else: rows of kinds.json.

A row names the look-up that lists the resources (`each` and `id` are JMESPath over its answer, `only` says which of
them can have this protection, `where` for which of those it is right to switch it on), the one that shows the `state`
of a single resource where the list does not, and the call that switches it. In parameters ``$id``, ``$ids``, ``$on``
and ``$members`` stand for values. `holders` is a call that tells the guard to find out whose a resource is, where
switching it off does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib import resources
from typing import Any

import jmespath
from attrs import define, field

from guardrails.values import EMPTY, Lookup

_SCHEMA = 1


@define(frozen=True, slots=False)
class Kind:
    """One kind of protection. `title` is followed by the resource's name in sentences; `source` is AWS's page.

    `shown` finds something where AWS shows this protection at all. `values` are those of the switch where they are no
    booleans. With `members` the switch is one of the machines of a group, of which a call takes `most`.
    """

    name: str
    title: str
    service: str
    source: str
    list: Mapping[str, str]
    id: str
    on: str
    write: Mapping[str, Any]
    each: str = "[]"
    off: str = ""
    only: str = ""
    where: str = ""
    shown: str = ""
    state: Mapping[str, Any] = EMPTY
    holders: Mapping[str, Any] = EMPTY
    values: Mapping[str, Any] = field(factory=lambda: {"on": True, "off": False})
    members: Mapping[str, Any] = EMPTY

    @property
    def listing(self) -> Lookup:
        """The look-up that lists all resources of this kind."""
        return Lookup(self.service, self.list["operation"], self.list["member"])

    def resources(self, items: Sequence[Any]) -> Iterator[tuple[str, Any]]:
        """The id and the item of each resource that can have this protection."""
        for item in jmespath.search(self.each, list(items)) or ():
            if not self.only or jmespath.search(self.only, item):
                yield jmespath.search(self.id, item), item

    def may_be_on(self, item: Any) -> bool:
        """Whether it is right to switch the protection of this item of the list on."""
        return not self.where or bool(jmespath.search(self.where, item))

    def asking(self, name: str) -> Lookup | None:
        """The look-up that shows the state of one resource; None where the list shows it."""
        if not self.state:
            return None
        params = _filled(self.state["params"], {"$id": name})
        return Lookup(self.service, self.state["operation"], self.state["member"], params)

    def read(self, answer: Sequence[Any]) -> Any:
        """What the answer to `asking` says; None where it has nothing."""
        return [*answer] if self.state.get("whole") else next(iter(answer), None)

    def is_on(self, item: Any) -> bool | None:
        """Whether the protection is on; None where only some members have it, or where AWS does not show it."""
        if not jmespath.search(self.shown or "@", item) or (self.shown and jmespath.search(self.shown, item) == "null"):
            return None
        on = jmespath.search(self.on, item)
        if not self.off:
            return on if isinstance(on, bool) else None
        return True if on else (False if jmespath.search(self.off, item) else None)

    @cached_property
    def batched(self) -> bool:
        """Whether one call tells whose many resources are."""
        return "$ids" in self.holders.get("params", {}).values()

    def holders_of(self, names: Sequence[str]) -> tuple[str, dict[str, Any]]:
        """The operation and parameters of the call whose targets these resources are."""
        if not self.holders:
            return next(self.switching(names[0], {}, on=False))
        return self.holders["operation"], _filled(self.holders["params"], {"$id": names[0], "$ids": [*names]})

    def switching(self, name: str, item: Any, *, on: bool) -> Iterator[tuple[str, dict[str, Any]]]:
        """The operation and parameters of each call that switches the protection of one resource."""
        which = "on" if on else "off"
        values = {"$id": name, "$on": self.values[which]}
        if not self.members:
            yield self.write["operation"], _filled(self.write["params"], values)
            return
        members, most = jmespath.search(self.members[which], item) or [], self.members["most"]
        for start in range(0, len(members), most):
            filled = _filled(self.write["params"], {**values, "$members": members[start : start + most]})
            yield self.write["operation"], filled


def load() -> tuple[Kind, ...]:
    """Every kind, in the order of the file. Raises TypeError for an unknown key, ValueError for another schema."""
    return tuple(Kind(**row) for row in _document()["kinds"])


def left() -> dict[str, str]:
    """Other calls that switch a protection (``service:Operation``), with the reason why they are no kind."""
    return {name: why for why, names in _document()["left"].items() for name in names}


def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(
        resources.files("guardrails.backstop").joinpath("kinds.json").read_text("utf-8")
    )
    if document["schema"] != _SCHEMA:
        raise ValueError(f"kinds.json does not have schema {_SCHEMA}")
    return document


def _filled(template: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(template, str):
        return values.get(template, template)
    if isinstance(template, list):
        return [_filled(each, values) for each in template]
    if isinstance(template, dict):
        return {name: _filled(each, values) for name, each in template.items()}
    return template
