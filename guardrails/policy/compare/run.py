"""Compares two sets of policies on many inputs: those of the situations, and those that a search finds from there.

Where decisions can differ only by some rules, these are asked first. Only where they say something else is the whole
decision asked for: another rule says the same in both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

from guardrails.classify.catalogue import Catalogue
from guardrails.evaluate.bundle import params_of, shipped
from guardrails.policy.compare import affected, untold
from guardrails.policy.compare.affected import EntryRule, Policies
from guardrails.policy.compare.contexts import surrounded
from guardrails.policy.compare.definitions import PARAMS, Definition
from guardrails.policy.compare.findings import Findings, Side
from guardrails.policy.compare.minimize import torn
from guardrails.policy.compare.reads import Reads, both, united
from guardrails.policy.compare.result import Comparison
from guardrails.policy.compare.search import Search
from guardrails.policy.compare.situations import NOW_S, Document, operations, situation, situations
from guardrails.policy.compare.starts import Starts
from guardrails.policy.compare.verdicts import Judge, PolicySet, with_permission
from guardrails.policy.compare.watched import watched
from guardrails.policy.compare.whole import looks_at_the_clock

# How many inputs are tried beside the situations, at most, and for each rule at least.
NEIGHBORS = 12_000
_LEAST = 60
# Asking this many sets of rules takes half as long as the decision.
_MANY_SETS = 8


class Comparing:
    """One comparison; each step may be taken alone, to measure it."""

    def __init__(
        self,
        old: PolicySet,
        new: PolicySet,
        *,
        stricter: bool = False,
        neighbors: int = NEIGHBORS,
        known: Policies | None = None,
        judges: tuple[Judge, Judge] | None = None,
    ) -> None:
        """`known` are the old policies as they were read before, `judges` those of both, if there are any already.

        Raises PolicyError where one does not load.
        """
        self._old = known or Policies(old.bundle)
        self._new = Policies(new.bundle, like=self._old)
        self._schema = json.loads((shipped() / "schemas" / "input.json").read_text("utf-8"))
        self._digests, self._paths = affected.changed(self._old, self._new)
        by_mode = old.mode != new.mode
        self.same = not (self._digests or self._paths or by_mode)
        self._entries, later = ([*side.entries] if by_mode else self._reached(side) for side in (self._old, self._new))
        self._ids = {entry.rule for entry in self._entries}
        cores = [[*self._core(side)] for side in (self._old, self._new)]
        self._core_reads = both(self._old.reads(cores[0]), self._new.reads(cores[1]))
        self._neighbors, self._names = neighbors, (old.name, new.name)
        self.findings = self._findings((old, new), judges, (self._entries, later), cores, stricter=stricter)

    def _findings(
        self,
        sets: tuple[PolicySet, PolicySet],
        judges: tuple[Judge, Judge] | None,
        entries: Sequence[Sequence[EntryRule]],
        cores: Sequence[Sequence[Definition]],
        *,
        stricter: bool,
    ) -> Findings:
        old, new = self._old, self._new
        by_rules = sets[0].mode == sets[1].mode and not any(
            affected.changes_every_decision(side, self._paths) for side in (old, new)
        )
        asked = {entry.definition.path for some in entries for entry in some}
        self._by_few = by_rules and len(asked) <= _MANY_SETS
        judge, other = judges or (Judge(sets[0]), Judge(sets[1]))
        self._watched = (
            watched(old, entries[0], cores[0], decision=not by_rules),
            watched(new, entries[1], cores[1], decision=not by_rules),
        )
        return Findings(
            Side(self._watched[0], judge),
            Side(self._watched[1], other),
            self._ids,
            self._schema,
            by_rules=self._by_few,
            by_levels=bool(affected.of_another_level(self._paths)),
            with_stricter=stricter,
            # A break glass for the other rules turns what they say into a warning.
            hidden_from=1 if {entry.level for entry in self._entries} == {"warn"} else 2,
        )

    def _reached(self, policies: Policies) -> list[EntryRule]:
        return affected.reached(policies, self._digests, self._paths)

    def _core(self, policies: Policies) -> list[Definition]:
        """The definitions that differ, that have another level, or that use what differs by its path."""
        levels = affected.of_another_level(self._paths)
        leveled = {id(entry.definition) for entry in policies.entries if entry.rule in levels}
        return [
            definition
            for definition in policies.definitions
            if definition.digest in self._digests
            or id(definition) in leveled
            or affected.touches(definition, self._paths)
        ]

    def run(self, recorded: Iterable[Document] = ()) -> Comparison:
        """The result; `recorded` are more inputs to try."""
        if not self.same:
            starts = self.starts()
            for document in (*recorded, *self.known_inputs()):
                starts.add(document, self.findings.try_(document))
            if any(affected.changes_every_decision(side, self._paths) for side in (self._old, self._new)):
                self.permit(starts)
            self.search(starts)
        return self.result()

    def permit(self, starts: Starts) -> None:
        """Try, where each rule acts, a permission for all rules: what makes the decision may heed it no longer."""
        rules = sorted(self._ids)
        for document in starts.one_each():
            if isinstance(document.get("now_s"), (int, float)):
                for other in with_permission(document, rules, NOW_S):
                    self.findings.try_(other)

    def result(self) -> Comparison:
        """What was found up to now."""
        where = {entry.rule: (self._nearest(entry.definition.file), 1) for entry in self._old.entries}
        where |= {entry.rule: (entry.definition.file, entry.definition.line) for entry in self._new.entries}
        rules = sorted(self._ids)
        differing = {entry.rule for entry in affected.differing(self._old, self._digests, self._paths)}
        return Comparison(
            old=self._names[0],
            new=self._names[1],
            documents=self.findings.documents,
            changed=len(self._digests) + len([path for path in self._paths if path[:3] == PARAMS]),
            affected=rules,
            silent=sorted(differing - self.findings.acted | self._untold()),
            wider=self.findings.wider(where),
            stricter=self.findings.stricter(where),
        )

    def _untold(self) -> set[str]:
        if not self.findings.documents:
            return set()
        old, new = (
            untold.Side(policies, watched, [entry for entry in policies.entries if entry.rule in self._ids])
            for policies, watched in zip((self._old, self._new), self._watched, strict=True)
        )
        told = untold.Told(self.findings.told, self.findings.told_less)
        found = untold.untold(old, new, self._digests, self._paths, told)
        return {rule for rule in found & self._ids if not self.findings.is_weaker(rule)}

    def _nearest(self, file: str) -> str:
        """The file of the new policies that stands for one of the old ones: the same, or one of the same folder."""
        parts = PurePath(file).parts[-2:]
        others = sorted(other for other in self._new.bundle.modules if PurePath(other).parts[-2:-1] == parts[:-1])
        return next((other for other in others if PurePath(other).parts[-2:] == parts), others[0] if others else "")

    def known_inputs(self) -> Iterator[Document]:
        """The situations, with and without what may surround them, and inputs with a part missing."""
        window_s = params_of(self._old.bundle).get("rollback_window_s")
        window_s = window_s if isinstance(window_s, (int, float)) else 3600
        everything = self._all_reads()
        # A rule may compare a service and an operation that it puts together.
        written = everything.strings.get("operation", frozenset())
        named = {part for text in written for part in (text, *re.split(r"[:./]", text))}
        usual, others = operations(named, Catalogue())
        yield from situations(usual, others, window_s)
        states = ("live", "standby")
        near = [
            situation(operation, state if operation.targets else "none", "known", window_s)
            for operation in usual
            for state in (states if operation.targets else states[:1])
        ]
        yield from surrounded(near, everything.numbers)
        yield from torn(near[0])

    def _all_reads(self) -> Reads:
        return united([self._old.reads(self._old.definitions), self._new.reads(self._new.definitions)])

    def starts(self) -> Starts:
        """Where the search begins: fill it with the inputs that were tried."""
        return Starts(self._core_reads)

    def search(self, starts: Starts) -> None:
        """Look for more, for each rule that is another one now, and for all that use what changed."""
        levels = affected.of_another_level(self._paths)
        differ = (entry for entry in self._entries if entry.definition.digest in self._digests or entry.rule in levels)
        rules = sorted({entry.rule for entry in differ})
        others = sorted(self._ids - set(rules))
        groups = [[rule] for rule in rules] + ([others] if others else [])
        most = self._neighbors if self._by_few else self._neighbors // 5
        for group in groups:
            if any(map(self.findings.is_weaker, group)):
                continue
            some = [entry for entry in self._entries if entry.rule in group]
            reads = united(self._reads_of(entry) for entry in some)
            search = Search(self.findings, self._schema, self._core_reads, reads, clock=looks_at_the_clock(reads))
            search.run(starts.of(group), group, max(_LEAST, most // len(groups)))

    def _reads_of(self, entry: EntryRule) -> Reads:
        """What a rule reads, by the definitions of both sets where both have it."""
        closures = [self._old.closure([entry.definition])]
        closures += [self._new.closure([other.definition]) for other in self._new.entries if other.rule == entry.rule]
        policies = [self._old, *[self._new] * (len(closures) - 1)]
        return united(each.reads(closure) for each, closure in zip(policies, closures, strict=True))
