"""Looks for an input on which old and new policies differ, led by the lines of their rules that each input reaches.

An input that reaches other lines than all before it is kept, and what is next to it is tried as well: so the conditions
of a rule, of its helpers and of its exemptions come to hold one after the other, and each of them to fail alone.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest
from typing import Any

from guardrails.policy.compare.changes import Change, applied, together
from guardrails.policy.compare.contexts import surrounded
from guardrails.policy.compare.findings import Findings, Tried
from guardrails.policy.compare.reads import Reads
from guardrails.policy.compare.situations import NOW_S, Document
from guardrails.policy.compare.variations import Variations
from guardrails.policy.compare.verdicts import with_permission
from guardrails.policy.compare.whole import changed_as_a_whole, siblings

# How many neighbors of one input are tried before those of the next; half of them where other rules hide what differs.
_TURN = 8
_NEWEST = 3
# Of how many inputs all is tried that may surround them, or change them as a whole.
_WHOLE = 12
# How many changes are made at once, at most, and how many such inputs are tried for one change made alone.
_MOST = 3
_Class = tuple[bool, bool, frozenset[tuple[str, int]], frozenset[tuple[str, int]]]


class Search:
    """One search; `core` is what the changed definitions read, `reads` what the rules read that may differ."""

    def __init__(
        self, findings: Findings, schema: Mapping[str, Any], core: Reads, reads: Reads, *, clock: bool
    ) -> None:
        self._findings, self._schema, self._core, self._reads, self._clock = findings, schema, core, reads, clock
        # Inputs that reach the same lines of the changed definitions take turns with those that reach others.
        self._classes: dict[_Class, list[Iterator[Document]]] = {}
        self._reached: dict[_Class, set[tuple[str, int]]] = {}
        self._whole = 0
        self._random = random.Random(0)  # noqa: S311  (the same inputs every time)

    def run(self, starts: Sequence[Document], rules: Sequence[str], most: int) -> None:
        """Try the starts and at most so many others, until each of the rules is known to be weaker."""
        for document in starts:
            self._keep(document, self._findings.try_(document, watch=True, again=True), rules, hidden=False)
        end = self._findings.documents + most
        turn = 0
        while any(self._classes.values()) and self._findings.documents < end:
            for (hidden, *_), group in [*self._classes.items()]:
                if group and self._take_turn(group, turn, rules, hidden=hidden):
                    return
            turn += 1

    def _take_turn(self, group: list[Iterator[Document]], turn: int, rules: Sequence[str], *, hidden: bool) -> bool:
        """Try some neighbors of one input of the group; whether the rules are known to be weaker now."""
        # Every second turn one of the newest, which came furthest.
        neighbors = group[turn // 2 % len(group) if turn % 2 else -1 - turn // 2 % min(_NEWEST, len(group))]
        some = [*islice(neighbors, _TURN // 2 if hidden else _TURN)]
        if not some:
            group.remove(neighbors)
        for document in some:
            self._keep(document, self._findings.try_(document, watch=True), rules, hidden=hidden)
            if all(map(self._findings.is_weaker, rules)):
                return True
        return False

    def _keep(self, document: Document, tried: Tried | None, rules: Sequence[str], *, hidden: bool) -> None:
        """Keep an input that reaches other lines than all before it; `hidden`: others probably hide what differs."""
        if tried is None:
            return
        hidden = hidden if tried.hidden is None else tried.hidden
        key = (hidden, bool(tried.acts), tried.lines_old, tried.lines_new)
        group = self._classes.setdefault(key, [])
        reached = self._reached.setdefault(key, set())
        if not tried.way <= reached:
            reached |= tried.way
            group.append(self._around(document, tried, rules))

    def _around(self, document: Document, tried: Tried, rules: Sequence[str]) -> Iterator[Document]:
        """What is next to an input: first what stood in the way, then what the changed definitions read, and more."""
        stuck = self._findings.stuck(tried)
        near = self._varied(stuck if stuck.names else self._core, document)
        core = self._varied(self._core, document) if stuck.names else []
        far = self._varied(self._reads, document)
        whole: Iterator[Document] = iter(())
        if self._whole < _WHOLE and (tried.acts or self._whole < _WHOLE // 2):
            self._whole += 1
            whole = self._as_a_whole(document, rules)
        ways = (
            (applied(document, change) for change in near),
            (applied(document, change) for change in core),
            (applied(document, change) for change in far),
            chain.from_iterable(siblings(document, change) for change in (*near, *core, *far)),
            self._several(document, near, core + far),
            whole,
        )
        for some in zip_longest(*ways):
            yield from (each for each in some if each is not None)

    def _varied(self, reads: Reads, document: Document) -> list[Change]:
        some = [*Variations(self._schema, reads, document, self._core.first)]
        self._random.shuffle(some)
        return some

    def _as_a_whole(self, document: Document, rules: Sequence[str]) -> Iterator[Document]:
        if isinstance(document.get("now_s"), (int, float)):
            yield from with_permission(document, [*rules], NOW_S)
        yield from changed_as_a_whole(document, self._core, clock=self._clock)
        try:
            yield from surrounded([document], self._reads.numbers)
        except (KeyError, TypeError, AttributeError):
            return  # an input without the parts that would be changed

    def _several(self, document: Document, near: Sequence[Change], far: Sequence[Change]) -> Iterator[Document]:
        """Two or three changes at once, the last one of any kind."""
        for _ in range(len(near) * _MOST):
            some = self._random.sample(near, min(len(near), self._random.randint(1, _MOST - 1)))
            some.append(self._random.choice(self._random.choice((near, far)) or near))
            if len({change.path for change in some}) == len(some):
                changed = together(document, some)
                if changed is not None:
                    yield changed
