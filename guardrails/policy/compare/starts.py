"""The inputs that a search begins with, chosen from those that were tried."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping

from attrs import Factory, define

from guardrails.policy.compare.findings import Tried
from guardrails.policy.compare.reads import Reads
from guardrails.policy.compare.situations import Document

# How many inputs on which a rule acts, how many with an operation that changed definitions name, and how many others.
_ACTING = 24
_NAMED = 240
_OTHERS = 360


@define
class Starts:
    """Keeps inputs on which rules act, of each kind one, and those on which none does. `core` is what changed."""

    _core: Reads
    _by_rule: dict[str, dict[str, Document]] = Factory(dict)
    _named: list[Document] = Factory(list)
    _others: list[Document] = Factory(list)

    def add(self, document: Document, tried: Tried | None) -> None:
        """Keep the input; None is one that was tried before."""
        if tried is None:
            return
        for rule in tried.acts:
            self._by_rule.setdefault(rule, {}).setdefault(_kind(document, tried), document)
        call = document.get("call")
        operation = call.get("operation") if isinstance(call, Mapping) else None
        named = operation in self._core.strings.get("operation", ())
        (self._named if named else self._others).append(document)

    def one_each(self) -> list[Document]:
        """For each rule an input on which it acts, with as few others as there is one."""
        return [next(iter(some.values())) for _, some in sorted(self._by_rule.items())]

    def of(self, rules: Collection[str]) -> list[Document]:
        """Different inputs on which these rules act, and some on which they do not."""
        kinds = [_spread([*self._by_rule.get(rule, {}).values()], _ACTING) for rule in sorted(rules)]
        acting = _spread([document for some in kinds for document in some], _ACTING * 4)
        return [*acting, *_spread(self._named, _NAMED), *_spread(self._others, _OTHERS)]


def _kind(document: Document, tried: Tried) -> str:
    """The same for inputs that are alike for the rules."""
    call, live, shift = (document.get(name) or {} for name in ("call", "live", "shift"))
    if not all(isinstance(each, Mapping) for each in (call, live, shift)):
        return ""
    targets = document.get("targets")
    some = targets.values() if isinstance(targets, Mapping) else ()
    carried = [each.get("clusters") for each in some if isinstance(each, Mapping)]
    parts = (sorted(tried.acts), call.get("effects"), live.get("known"), shift.get("way"), carried)
    return json.dumps(parts, default=str)


def _spread(documents: list[Document], most: int) -> list[Document]:
    return documents[:: max(1, -(-len(documents) // most))] if documents else []
