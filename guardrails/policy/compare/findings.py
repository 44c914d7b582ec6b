"""Keeps what a comparison finds: inputs on which the new policies are less strict, by the rule that is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import Factory, define, field

from guardrails.policy.compare.minimize import minimized
from guardrails.policy.compare.result import Difference
from guardrails.policy.compare.situations import Document
from guardrails.policy.compare.verdicts import QUIET, WORDS, Glance, Judge, Verdict, alone, weaker

_Key = tuple[str, str, str]
# The rules of broken input and policies do not come from one definition.
_OF_NO_DEFINITION = frozenset(("main/malformed", "main/malformed-input", "(engine)"))


@define
class Seeds:
    """Inputs on which rules act, of each kind one."""

    all: list[Document] = Factory(list)
    acted: set[tuple[str, str]] = Factory(set)
    _by_rule: dict[str, dict[str, Document]] = Factory(dict)

    def add(self, document: Document, verdict: Verdict | None) -> None:
        """Keep the input for each rule that acted; None is an input that was tried before."""
        if verdict is None:
            return
        self.all.append(document)
        for rule, strict in verdict.rules.items():
            self.acted.add((rule, WORDS[strict]))
            self._by_rule.setdefault(rule, {}).setdefault(_kind(document, verdict), document)

    def of(self, rule: str, most: int) -> list[Document]:
        """Different inputs on which the rule acts."""
        kinds = [*self._by_rule.get(rule, {}).values()]
        return kinds[:: max(1, -(-len(kinds) // most))] if kinds else []


def _kind(document: Document, verdict: Verdict) -> str:
    """The same for inputs that are alike for the rules."""
    call, live, shift = (document.get(name) or {} for name in ("call", "live", "shift"))
    if not all(isinstance(each, Mapping) for each in (call, live, shift)):
        return ""
    targets = document.get("targets")
    some = targets.values() if isinstance(targets, Mapping) else ()
    carried = [each.get("clusters") for each in some if isinstance(each, Mapping)]
    parts = (sorted(verdict.rules), call.get("effects"), live.get("known"), shift.get("way"), carried)
    return json.dumps(parts, default=str)


@define
class Findings:
    """Tries inputs on both sets of policies. `rules` are those that may differ."""

    _old: Judge
    _new: Judge
    _glances: Sequence[Glance]
    _rules: Collection[str]
    _schema: Mapping[str, Any]
    _with_stricter: bool = field(kw_only=True)
    documents: int = 0
    acted: set[str] = Factory(set)
    _seen: set[int] = Factory(set)
    _wider: dict[_Key, list[Document]] = Factory(dict)
    _stricter: dict[_Key, list[Document]] = Factory(dict)

    def try_(self, document: Document) -> Verdict | None:
        """What the old policies say; None where it was tried before, QUIET where no rule that may differ acts."""
        text = json.dumps(document, sort_keys=True)
        if hash(text) in self._seen:
            return None
        self._seen.add(hash(text))
        self.documents += 1
        if self._glances and not any(glance.may_act(text) for glance in self._glances):
            return QUIET
        before = self._old.verdict(document)
        acts = {
            rule
            for rule, strict in before.rules.items()
            if strict and (rule in self._rules or rule in _OF_NO_DEFINITION)
        }
        self.acted |= acts
        if acts or self._with_stricter:
            self._compare(document, before, self._new.verdict(document))
        return before

    def _compare(self, document: Document, before: Verdict, after: Verdict) -> None:
        lost = weaker(before, after)
        if before.strict > after.strict:
            self._keep(self._wider, lost, before, after, document)
        elif lost:
            other = alone(document, before, after)
            if other is not None:
                before, after = self._old.verdict(other), self._new.verdict(other)
                if before.strict > after.strict:
                    self._keep(self._wider, weaker(before, after), before, after, other)
        if self._with_stricter and after.strict > before.strict:
            self._keep(self._stricter, weaker(after, before), before, after, document)

    def _keep(
        self, into: dict[_Key, list[Document]], rules: list[str], before: Verdict, after: Verdict, document: Document
    ) -> None:
        for rule in rules:
            into.setdefault((rule, before.word, after.word), []).append(document)

    @property
    def any(self) -> bool:
        """Whether anything is known to be wider."""
        return bool(self._wider)

    def is_weaker(self, rule: str) -> bool:
        """Whether the rule is known to be weaker now."""
        return any(key[0] == rule for key in self._wider)

    def wider(self, where: Mapping[str, tuple[str, int]]) -> list[Difference]:
        """One difference for each rule: the largest, with an input that has only what it needs."""
        return [self._difference(key, documents, count, where) for key, documents, count in _largest(self._wider)]

    def stricter(self, where: Mapping[str, tuple[str, int]]) -> list[Difference]:
        """The same for what is stricter now; the inputs are as they were tried."""
        return [
            Difference(rule, was, now, count, some[0], *where.get(rule, ("", 1)))
            for (rule, was, now), some, count in _largest(self._stricter)
        ]

    def _difference(
        self, key: _Key, documents: list[Document], count: int, where: Mapping[str, tuple[str, int]]
    ) -> Difference:
        rule, was, now = key

        def still(document: Document) -> bool:
            before = self._old.verdict(document)
            if before.word != was or not before.rules.get(rule):
                return False
            after = self._new.verdict(document)
            return after.word == now and rule in weaker(before, after)

        smallest = minimized(documents[0], self._schema, still)
        return Difference(rule, was, now, count, smallest, *where.get(rule, ("", 1)))


def _largest(found: Mapping[_Key, list[Document]]) -> list[tuple[_Key, list[Document], int]]:
    """For each rule its largest change of the decision, the inputs of that, and how many inputs changed at all."""
    best: dict[str, _Key] = {}
    counts: Counter[str] = Counter()
    for key, documents in sorted(found.items()):
        rule = key[0]
        counts[rule] += len(documents)
        if rule not in best or _size(key) > _size(best[rule]):
            best[rule] = key
    return [(key, found[key], counts[rule]) for rule, key in sorted(best.items())]


def _size(key: _Key) -> int:
    return abs(WORDS.index(key[1]) - WORDS.index(key[2]))
