"""Keeps what a comparison finds: inputs on which the new policies are less strict, by the rule that is."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from attrs import Factory, define, field

from guardrails.policy.compare.kinds import kind_of
from guardrails.policy.compare.minimize import minimized
from guardrails.policy.compare.reads import Reads, united
from guardrails.policy.compare.result import Difference
from guardrails.policy.compare.situations import Document
from guardrails.policy.compare.verdicts import ENGINE, WORDS, Judge, Verdict, alone, weaker
from guardrails.policy.compare.watched import Look, Said, Watched
from guardrails.values import frozen

_Key = tuple[str, str, str]
# After so many inputs on which a rule is less strict, or decisions show no difference where rules say the same under
# other levels, no more are decided on.
_ENOUGH = 50
_Lines = frozenset[tuple[str, int]]
_Stuck = frozenset[tuple[int, int]]
# The rules of broken input and policies do not come from one definition.
_OF_NO_DEFINITION = frozenset(("main/malformed", "main/malformed-input", ENGINE))


@frozen
class Tried:
    """The rules that acted on an input and may differ; and, where that was watched, what was reached.

    `lines_old` and `lines_new` are lines of the changed definitions, `way` those of all definitions that led there.
    `stuck` are the conditions of the changed definitions that were reached and did not hold. `hidden` is true where
    other rules may hide a difference; None where that was not looked at.
    """

    acts: frozenset[str]
    lines_old: _Lines = frozenset()
    lines_new: _Lines = frozenset()
    way: _Lines = frozenset()
    hidden: bool | None = None
    stuck: tuple[_Stuck, ...] = ()


@frozen
class Side:
    """One set of policies: watched, and asked for its decision."""

    watched: Watched
    judge: Judge


@define
class Findings:
    """Tries inputs on both sets of policies. `rules` are those that may differ.

    `by_rules` is true where decisions differ only if these rules say something, and something else unless `by_levels`.
    `hidden_from` is how strict other rules must be to hide a difference.
    """

    _old: Side
    _new: Side
    _rules: Collection[str]
    _schema: Mapping[str, Any]
    _by_rules: bool = field(kw_only=True)
    _by_levels: bool = field(kw_only=True)
    _with_stricter: bool = field(kw_only=True)
    _hidden_from: int = field(kw_only=True)
    documents: int = 0
    acted: set[str] = Factory(set)
    # The rules that said something else than before on any input that was watched, and those that said less.
    told: set[str] = Factory(set)
    told_less: set[str] = Factory(set)
    _hidden: int | None = None
    _seen: set[int] = Factory(set)
    _wider: dict[_Key, list[Document]] = Factory(dict)
    _stricter: dict[_Key, list[Document]] = Factory(dict)
    _known: Counter[str] = Factory(Counter)
    _said: Counter[Said] = Factory(Counter)
    # How often the old engine failed, by the kind of input.
    _failed: Counter[str] = Factory(Counter)
    # What rules said under other levels where others hide the difference, with the kind of input.
    _behind: set[tuple[Said, str]] = Factory(set)

    def try_(self, document: Document, *, watch: bool = False, again: bool = False) -> Tried | None:
        """What acted; with `watch`, also what was reached. None for an input that was tried before, but for `again`."""
        text = json.dumps(document, sort_keys=True)
        if hash(text) not in self._seen:
            self._seen.add(hash(text))
            self.documents += 1
        elif not again:
            return None
        self._hidden = None
        looks = [side.watched.look(text) if watch else None for side in (self._old, self._new)]
        if looks[0] and looks[1]:
            self._tell(looks[0].said, looks[1].said)
        acts = self._by_their_rules(document, text, looks) if self._by_rules else None
        if acts is None:
            acts = self._by_decision(document)
        self.acted |= acts
        stuck = tuple(look.stuck if look else frozenset() for look in looks)
        lines = [look.lines if look else frozenset() for look in looks]
        # How many targets there are shows in no line.
        size = ("", min(3, len(document.get("targets") or ())))
        # An engine that fails does not say where; that it fails is a place, too, from which the search goes on.
        ways = [look.way if look else {("fails", 0)} for look in looks]
        way = (size, *ways[0], *((f"new {file}", line) for file, line in ways[1])) if any(looks) else ()
        hidden = self._hidden
        if again and hidden is None:
            hidden = self._old.judge.verdict(document).without(self._rules)
        return Tried(
            acts, lines[0], lines[1], frozenset(way), None if hidden is None else hidden >= self._hidden_from, stuck
        )

    def _tell(self, old: Said, new: Said) -> None:
        # Where one is gone and another has come at the same level, that may be nothing but another id.
        swapped = {level for level, _ in old - new} & {level for level, _ in new - old}
        self.told |= {rule for level, rule in old ^ new if level not in swapped}
        self.told_less |= {rule for level, rule in old - new if level not in swapped}

    def stuck(self, tried: Tried) -> Reads:
        """What the conditions of the changed definitions read that did not hold."""
        sides = zip((self._old, self._new), tried.stuck, strict=True)
        return united(side.watched.reads(stuck) for side, stuck in sides)

    def _by_their_rules(self, document: Document, text: str, looks: Sequence[Look | None]) -> frozenset[str] | None:
        """The rules that acted, by what they say themselves; None where only the decision can tell."""
        old = looks[0].said if looks[0] else self._old.watched.said(text)
        if old is None:
            kind = kind_of(document)
            self._failed[kind] += 1
            known = self._known[ENGINE] >= _ENOUGH or self._failed[kind] > _ENOUGH
            return frozenset() if known and not self._with_stricter else None
        acts = frozenset(rule for _, rule in old if rule in self._rules)
        if not old and not self._with_stricter:
            return acts
        new = looks[1].said if looks[1] else self._new.watched.said(text)
        lost = {rule for _, rule in old - new} if new is not None else set()
        if lost and not self._with_stricter and all(self._known[rule] >= _ENOUGH for rule in lost):
            return acts
        if new is None or lost or (self._with_stricter and new - old):
            self._compare(document, self._old.judge.verdict(document), self._new.judge.verdict(document))
        elif self._by_levels:
            self._compare_levels(document, old)
        return acts

    def _compare_levels(self, document: Document, said: Said) -> None:
        """Where the rules say the same under other levels: until that is known, and once for each kind where not."""
        kind = kind_of(document)
        if self._said[said] >= _ENOUGH or (said, kind) in self._behind:
            return
        if self._compare(document, self._old.judge.verdict(document), self._new.judge.verdict(document)):
            self._said[said] += 1
        else:
            self._behind.add((said, kind))

    def _by_decision(self, document: Document) -> frozenset[str]:
        before = self._old.judge.verdict(document)
        acts = frozenset(
            rule
            for rule, strict in before.rules.items()
            if strict and (rule in self._rules or rule in _OF_NO_DEFINITION)
        )
        if acts or self._with_stricter:
            self._compare(document, before, self._new.judge.verdict(document))
        return acts

    def _compare(self, document: Document, before: Verdict, after: Verdict) -> bool:
        """Keep what differs; False where a rule is weaker and others hide it."""
        lost = weaker(before, after)
        shows = not lost
        self._hidden = before.without(lost)
        if before.strict > after.strict:
            self._keep(self._wider, lost, before, after, document)
            shows = True
        elif lost:
            other = alone(document, before, after)
            if other is not None:
                before, after = self._old.judge.verdict(other), self._new.judge.verdict(other)
                if before.strict > after.strict:
                    self._keep(self._wider, weaker(before, after), before, after, other)
                    shows = True
        if self._with_stricter and after.strict > before.strict:
            self._keep(self._stricter, weaker(after, before), before, after, document)
        return shows

    def _keep(
        self, into: dict[_Key, list[Document]], rules: list[str], before: Verdict, after: Verdict, document: Document
    ) -> None:
        for rule in rules:
            self._known[rule] += 1
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
            before = self._old.judge.verdict(document)
            if before.word != was or not before.rules.get(rule):
                return False
            after = self._new.judge.verdict(document)
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
