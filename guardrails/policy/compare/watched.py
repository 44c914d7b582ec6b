"""Policies that are watched as they answer: what the rules that may differ say, and which of their lines were reached.

The definitions of these rules are copied into sets of their own, so that no other rule is evaluated. Each condition is
put on a line of its own, and each body ends with one more line: a line that was reached says that all before it hold.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate.checked import prepared
from guardrails.evaluate.engine import ENTRYPOINT
from guardrails.evaluate.rego.rewriting import edges
from guardrails.evaluate.rego.syntax import Module, Rule
from guardrails.policy.check.entries import entries
from guardrails.policy.check.trees import nodes
from guardrails.policy.compare.affected import EntryRule, Policies
from guardrails.policy.compare.definitions import Definition, conditions
from guardrails.policy.compare.reads import Reads, united
from guardrails.values import frozen

# What a rule says: its level or action, and its id.
Said = frozenset[tuple[str, str]]
_COPY = "compare__"
_PARTS = ("rule", "target", "message", "remediation")
_ILL_FORMED = "(ill-formed)"
_Line = tuple[str, int]


@frozen
class Look:
    """What the rules said. `lines` are those of the changed definitions that were reached.

    `way` are all lines that a condition led to; those that only word a message are left out.
    `stuck` are the conditions of the changed definitions that were reached and did not hold: body and number.
    """

    said: Said
    lines: frozenset[_Line]
    way: frozenset[_Line]
    stuck: frozenset[tuple[int, int]] = frozenset()


@frozen
class _Body:
    """The lines of the conditions of a body, and the last one; what each condition reads."""

    file: str
    lines: Sequence[int]
    conditions: Sequence[Definition]

    def stuck(self, reached: Collection[_Line]) -> int | None:
        """The first condition that did not hold; None where all did, or none was reached."""
        held = next((number for number, line in enumerate(self.lines) if (self.file, line) not in reached), None)
        if held is None:
            # An `else` may have no condition.
            return len(self.conditions) - 1 if self.conditions and len(self.lines) == len(self.conditions) else None
        return held - 1 if held else None


class Watched:
    """One set of policies, of which only some rules are asked, or the whole decision."""

    def __init__(
        self, policies: Policies, some: Sequence[EntryRule], changed: Collection[Definition], *, decision: bool
    ) -> None:
        """`some` are the rules to ask, unless `decision` asks for the decision. Raises PolicyError."""
        places = {(entry.definition.file, entry.definition.line) for entry in some}
        texts = {module.file: _Text(module, places if not decision else ()) for module in policies.modules}
        self._decision = decision
        self._asked = sorted({path for text in texts.values() for path in text.copies})
        if decision:
            self._asked = [("decision", ENTRYPOINT)]
        self._policies = policies
        self._reads: dict[tuple[int, int], Reads] = {}
        self._held, self._failed = set[tuple[int, int]](), set[tuple[int, int]]()
        self._bodies = self._bodies_of(changed, texts)
        self._lines = {(each.file, line) for each in changed for line in texts[each.file].lines_of(each.line)}
        asked = [entry.definition for entry in some]
        parts = [
            each for body in self._bodies_of(asked, texts) + self._bodies for each in body.conditions if each.decides
        ]
        used = policies.closure([*changed, *asked, *parts]) if decision else [*asked, *policies.closure(parts)]
        self._on_the_way = self._lines | {
            (each.file, line) for each in used for line in texts[each.file].lines_of(each.line)
        }
        written = {**policies.bundle.modules, **{file: text.written for file, text in texts.items()}}
        self._fresh = prepared(evolve(policies.bundle, modules=written))
        self._engine = self._fresh.clone()

    def _bodies_of(self, some: Iterable[Definition], texts: Mapping[str, _Text]) -> list[_Body]:
        places = {(each.file, each.line) for each in some}
        return [
            body
            for module in self._policies.modules
            for rule in module.rules
            if (rule.file, rule.line) in places
            for body in texts[module.file].bodies(rule, conditions(module, rule, self._policies.within))
        ]

    def said(self, text: str) -> Said | None:
        """What the rules say to an input, as JSON; None where the engine fails."""
        return self._ask(text, watch=False)

    def look(self, text: str) -> Look | None:
        """The same, and the lines that were reached."""
        said = self._ask(text, watch=True)
        if said is None:
            return None
        report = self._engine.get_coverage_report_as_json()
        reached = {(each["path"], line) for each in json.loads(report)["files"] for line in each["covered"]}
        stuck = [(number, body.stuck(reached)) for number, body in enumerate(self._bodies)]
        for number, which in stuck:
            self._note(number, which, reached)
        return Look(
            said,
            frozenset(reached & self._lines),
            frozenset(reached & self._on_the_way),
            frozenset((number, which) for number, which in stuck if which is not None),
        )

    def _note(self, number: int, which: int | None, reached: Collection[_Line]) -> None:
        """Note which conditions of a body held, and the one that did not."""
        body = self._bodies[number]
        if which is not None:
            self._failed.add((number, which))
        if any((body.file, line) in reached for line in body.lines[:1]):
            self._held.update((number, before) for before in range(len(body.conditions) if which is None else which))

    def untold(self, other: Watched) -> set[_Line]:
        """Where the definitions are that have a condition that `other` has not, and that always held, or never did."""
        known = {condition.digest for body in other._bodies for condition in body.conditions}
        return {
            (condition.file, condition.line)
            for number, body in enumerate(self._bodies)
            for which, condition in enumerate(body.conditions)
            if condition.decides and condition.digest not in known and (number, which) not in self._held & self._failed
        }

    def reads(self, stuck: Iterable[tuple[int, int]]) -> Reads:
        """What these conditions read, and all that they use."""
        for number, which in stuck:
            if (number, which) not in self._reads:
                some = self._policies.closure([self._bodies[number].conditions[which]])
                self._reads[number, which] = self._policies.reads(some)
        return united(self._reads[each] for each in stuck)

    def _ask(self, text: str, *, watch: bool) -> Said | None:
        try:
            self._engine.set_enable_coverage(watch)
            self._engine.clear_coverage_data()
            self._engine.set_input_json(text)
            answers = [(level, self._engine.eval_rule_as_json(path)) for level, path in self._asked]
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # regorus panics with a BaseException
            # One that failed would give the answer to the input before.
            self._engine = self._fresh.clone()
            return None
        return frozenset(pair for level, answer in answers for pair in self._pairs(level, answer))

    def _pairs(self, level: str, answer: str) -> Iterator[tuple[str, str]]:
        if answer in ("[]", '"<undefined>"'):
            return
        found = json.loads(answer)
        if not self._decision:
            yield from ((level, each["rule"] if _is_entry(each) else _ILL_FORMED) for each in found)
        elif isinstance(found, dict):
            yield level, str(found.get("action"))
            yield from ((str(each.get("action")), str(each.get("rule"))) for each in found.get("violations") or ())


def watched(
    policies: Policies, some: Sequence[EntryRule], changed: Collection[Definition], *, decision: bool
) -> Watched:
    """The policies, watched; without a look at each condition where they cannot be written so."""
    try:
        return Watched(policies, some, changed, decision=decision)
    except PolicyError:
        return Watched(policies, some, (), decision=True)


def _is_entry(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(value.get(part), str) and value[part] for part in _PARTS)


class _Text:
    """One module, written for watching."""

    def __init__(self, module: Module, places: Collection[tuple[str, int]]) -> None:
        self._module = module
        self._inserts = sorted({edit for rule in module.rules for edit in _lines(rule, module.source)})
        copies = [rule for rule in entries(module) if (rule.file, rule.line) in places]
        package = ".".join(map(str, module.package))
        self.copies = [(str(rule.path[-1]), f"{package}.{_COPY}{rule.path[-1]}") for rule in copies]
        self.written = self._part(0, len(module.source))
        self._starts = {rule.line: self._part(0, rule.span["start"]).count("\n") + 1 for rule in module.rules}
        self._lengths = {rule.line: self._of(rule).count("\n") + 1 for rule in module.rules}
        for rule in copies:
            self._starts[rule.line] = self.written.count("\n") + 3
            self.written += f"\n\n{_COPY}{self._of(rule)}\n"

    def lines_of(self, line: int) -> range:
        """The lines as written of the definition at a line of the module."""
        first = self._starts.get(line, 0)
        return range(first, first + self._lengths.get(line, 0))

    def bodies(self, rule: Rule, read: Iterable[Sequence[Definition]]) -> Iterator[_Body]:
        """The bodies of a rule as written, with what their conditions read."""
        for body, some in zip(rule.bodies, read, strict=True):
            places = [statement["span"]["start"] for statement in body["query"]["stmts"]]
            if places:
                places.append(body["query"]["span"]["end"] - 1)
            first = self._starts[rule.line]
            lines = [first + self._part(rule.span["start"], place + 1).count("\n") for place in places]
            # The line that is none stands before the brace.
            if len(places) > len(some):
                lines[-1] -= 1
            yield _Body(rule.file, lines, some)

    def _of(self, rule: Rule) -> str:
        return self._part(rule.span["start"], rule.span["end"])

    def _part(self, start: int, end: int) -> str:
        places = [place for place, _ in self._inserts]
        text = b""
        for place, more in self._inserts[bisect_right(places, start) : bisect_right(places, end - 1)]:
            text += self._module.source[start:place] + more
            start = place
        return (text + self._module.source[start:end]).decode()


def _lines(rule: Rule, source: bytes) -> Iterator[tuple[int, bytes]]:
    """Where lines begin that are none, and what is written there."""
    for body in rule.bodies:
        if body["query"]["stmts"]:
            yield body["query"]["span"]["end"] - 1, b"\ntrue\n"
    for query in nodes([*rule.bodies, *rule.node], "query"):
        for statement in query["stmts"][1:]:
            yield edges(statement["span"], source)[0], b"\n"
