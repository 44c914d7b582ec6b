"""Compares two sets of policies on many inputs: those of the situations, and those next to them.

An input is decided on by the old policies first. Only where they act, by a rule that the differences may reach, are the
new ones asked: another rule says the same in both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice
from typing import Any

from guardrails.classify.catalogue import Catalogue
from guardrails.evaluate.bundle import params_of, shipped
from guardrails.policy.compare import affected
from guardrails.policy.compare.affected import EntryRule, Policies, Reads
from guardrails.policy.compare.climb import Climber
from guardrails.policy.compare.contexts import surrounded
from guardrails.policy.compare.definitions import PARAMS, Definition
from guardrails.policy.compare.findings import Findings, Seeds
from guardrails.policy.compare.minimize import torn
from guardrails.policy.compare.result import Comparison
from guardrails.policy.compare.situations import NOW_S, Document, operations, situation, situations
from guardrails.policy.compare.variations import Change, Variations, applied
from guardrails.policy.compare.verdicts import Glance, Judge, PolicySet, with_permission

# How many inputs are tried beside the situations, at most, and next to one input.
NEIGHBORS = 12_000
_SEEDS = 24
_LEAST = 60


class Comparing:
    """One comparison; each step may be taken alone, to measure it."""

    def __init__(
        self,
        old: PolicySet,
        new: PolicySet,
        *,
        stricter: bool = False,
        neighbors: int = NEIGHBORS,
        judge: Judge | None = None,
    ) -> None:
        """`judge` is for the old policies, if there is one already. Raises PolicyError where one does not load."""
        self._old, self._new = Policies(old.bundle), Policies(new.bundle)
        self._schema = json.loads((shipped() / "schemas" / "input.json").read_text("utf-8"))
        self._digests, self._paths = affected.changed(self._old, self._new)
        self._entries = affected.reached(self._old, self._digests, self._paths)
        later = affected.reached(self._new, self._digests, self._paths)
        by_mode = old.mode != new.mode
        if by_mode:
            self._entries = self._old.entries
        self.same = not (self._digests or self._paths or by_mode)
        self.reads = affected.united(
            policies.reads(policies.closure([entry.definition for entry in entries]))
            for policies, entries in ((self._old, self._entries), (self._new, later))
        )
        core = [*self._core(self._old), *self._core(self._new)]
        self._core_reads = affected.united([self._old.reads(core), self._new.reads(core)])
        self._neighbors = neighbors
        glances = [_glance(old, self._entries), *([_glance(new, later)] if stricter else [])]
        self.findings = Findings(
            judge or Judge(old),
            Judge(new),
            # A judge that knows its verdicts needs no glance.
            [] if judge else glances,
            {entry.rule for entry in self._entries},
            self._schema,
            with_stricter=stricter,
        )
        self._names = old.name, new.name

    def _core(self, policies: Policies) -> list[Definition]:
        """The definitions that differ, or that use what differs by its path."""
        return [
            definition
            for definition in policies.definitions
            if definition.digest in self._digests or affected.touches(definition, self._paths)
        ]

    def run(self, recorded: Iterable[Document] = ()) -> Comparison:
        """The result; `recorded` are more inputs to try."""
        if not self.same:
            seeds = Seeds()
            for document in (*recorded, *self.known_inputs()):
                seeds.add(document, self.findings.try_(document))
            self.climb(seeds)
            self.look_around(seeds)
        return self.result()

    def result(self) -> Comparison:
        """What was found up to now."""
        where = {entry.rule: (entry.definition.file, entry.definition.line) for entry in self._old.entries}
        rules = sorted({entry.rule for entry in self._entries})
        return Comparison(
            old=self._names[0],
            new=self._names[1],
            documents=self.findings.documents,
            changed=len(self._digests) + len([path for path in self._paths if path[:3] == PARAMS]),
            affected=rules,
            silent=[rule for rule in rules if rule not in self.findings.acted],
            wider=self.findings.wider(where),
            stricter=self.findings.stricter(where),
        )

    def known_inputs(self) -> Iterator[Document]:
        """The situations, with and without what may surround them, and inputs with a part missing."""
        window_s = params_of(self._old.bundle).get("rollback_window_s")
        window_s = window_s if isinstance(window_s, (int, float)) else 3600
        usual, others = operations(self._all_reads().strings.get("operation", ()), Catalogue())
        yield from situations(usual, others, window_s)
        states = ("live", "standby")
        near = [
            situation(operation, state if operation.targets else "none", "known", window_s)
            for operation in usual
            for state in (states if operation.targets else states[:1])
        ]
        yield from surrounded(near, self.reads.numbers)
        yield from torn(near[0])

    def _all_reads(self) -> Reads:
        return affected.united([self._old.reads(self._old.definitions), self._new.reads(self._new.definitions)])

    def climb(self, seeds: Seeds) -> None:
        """Look for inputs on which the rules act that have not acted yet."""
        silent = [entry for entry in self._entries if (entry.rule, entry.level) not in seeds.acted]
        if not silent or not seeds.all:
            return
        climber = Climber(self._old.bundle, self._schema, seeds.all)
        for entry in silent:
            reads = self._reads_of(entry)
            for document in climber.reach(entry, reads):
                seeds.add(document, self.findings.try_(document))

    def _reads_of(self, entry: EntryRule) -> Reads:
        """What a rule reads, by the definitions of both sets where both have it."""
        closures = [self._old.closure([entry.definition])]
        closures += [self._new.closure([other.definition]) for other in self._new.entries if other.rule == entry.rule]
        policies = [self._old, *[self._new] * (len(closures) - 1)]
        return affected.united(each.reads(closure) for each, closure in zip(policies, closures, strict=True))

    def look_around(self, seeds: Seeds) -> None:
        """Try what is next to the inputs on which a rule acts, rule by rule, until it is found to be weaker."""
        rules = sorted({entry.rule for entry in self._entries})
        share = max(_LEAST, self._neighbors // max(1, len(rules)))
        for rule in rules:
            if self.findings.is_weaker(rule):
                continue
            reads = affected.united(self._reads_of(entry) for entry in self._entries if entry.rule == rule)
            some = seeds.of(rule, _SEEDS)
            for document in self._around(rule, some, reads, share):
                self.findings.try_(document)
                if self.findings.is_weaker(rule):
                    break

    def _around(self, rule: str, some: Sequence[Document], reads: Reads, share: int) -> Iterator[Document]:
        for document in some[:2]:
            yield from with_permission(document, [rule], NOW_S)
        core = self._core_names(reads)
        near = [self._changes(document, core) for document in some]
        yield from islice(_in_turn(some, near), share // 2)
        pairs = [[*combinations(changes, 2)] for changes in near[:4]]
        spread = [(document, _spread(found, share // 16)) for document, found in zip(some, pairs, strict=False)]
        for document, found in spread:
            for one, other in found:
                if one.path != other.path and (changed := _both(document, one, other)) is not None:
                    yield changed
        rest = [self._changes(document, reads) for document in some]
        yield from islice(_in_turn(some, rest), share // 4)

    def _core_names(self, reads: Reads) -> Reads:
        return Reads(self._core_reads.names, reads.strings, reads.numbers, reads.keys)

    def _changes(self, document: Document, reads: Reads) -> list[Change]:
        return [*Variations(self._schema, reads, document)]


def _glance(policies: PolicySet, entries: Sequence[EntryRule]) -> Glance:
    sets = {".".join(map(str, entry.definition.path)) for entry in entries}
    return Glance(policies, sets, {entry.rule for entry in entries})


def _in_turn(documents: Sequence[Document], changes: Sequence[Sequence[Change]]) -> Iterator[Document]:
    """One neighbor of each document, then the next of each."""
    for number in range(max(map(len, changes), default=0)):
        for document, some in zip(documents, changes, strict=True):
            if number < len(some):
                yield applied(document, some[number])


def _both(document: Document, one: Change, other: Change) -> Document | None:
    try:
        return applied(document, one, other)
    except (KeyError, IndexError, TypeError):
        return None  # the first removed what the second changes


def _spread(items: Sequence[Any], most: int) -> Sequence[Any]:
    return items[:: max(1, len(items) // max(1, most))]
