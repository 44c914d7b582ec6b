"""What old and new policies say to the same input, and whether the new ones are less strict."""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping
from typing import Any

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.checked import prepared
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import EngineFailure, read_result
from guardrails.policy.compare.situations import Document, when
from guardrails.values import Mode, frozen

# From weak to strict. A rule in dryrun changes nothing.
_STRICTNESS = {"allow": 0, "dryrun": 0, "warn": 1, "confirm": 2, "deny": 3}
WORDS = ("allow", "warn", "confirm", "deny")
# What is left of a decision in each mode.
_AT_MOST: Mapping[Mode, int] = {"enforce": 3, "warn": 1, "dryrun": 0}
# The rule of a denial that no policy made.
ENGINE = "(engine)"
# The id of a rule whose text does not have one.
_UNKNOWN = "?"
_MINUTE_S = 60.0


@frozen
class PolicySet:
    """Policies to compare: as the user named them, and the mode of their configuration."""

    name: str
    bundle: Bundle
    mode: Mode = "enforce"


@frozen
class Verdict:
    """How strict the decision is (an index of WORDS), and how strict each violated rule is, by rule."""

    strict: int
    rules: Mapping[str, int]

    @property
    def word(self) -> str:
        """The decision as a word."""
        return WORDS[self.strict]


class Judge:
    """The verdicts of one set of policies. An engine that fails denies, as a guard does."""

    def __init__(self, policies: PolicySet) -> None:
        """Raises PolicyError where the policies do not load."""
        self._engine = EmbeddedEngine(policies.bundle)
        self._at_most = _AT_MOST[policies.mode]

    def verdict(self, document: Mapping[str, Any]) -> Verdict:
        """The verdict on one input."""
        try:
            action, violations = read_result(self._engine.evaluate(document).result)
        except EngineFailure:
            return Verdict(min(3, self._at_most), {ENGINE: min(3, self._at_most)})
        rules: dict[str, int] = {}
        for violation in violations:
            strict = min(_STRICTNESS[violation.action], self._at_most)
            rules[violation.rule] = max(strict, rules.get(violation.rule, 0))
        return Verdict(min(_STRICTNESS[action], self._at_most), rules)


# Nothing acts that may differ; what else the policies say was not asked.
QUIET = Verdict(0, {})
# Asking for more sets than this takes as long as the decision.
_SETS = 4


class Glance:
    """Whether any of some rules may act on an input: only their sets are asked for, a fraction of a decision."""

    def __init__(self, policies: PolicySet, sets: Collection[str], rules: Collection[str]) -> None:
        """`sets` are the paths of deny, confirm and warn of some areas, `rules` ids. Raises PolicyError."""
        self._sets = sorted(sets) if len(sets) <= _SETS else []
        # Of a rule whose id is computed, any entry may be.
        self._marks = ["{"] if _UNKNOWN in rules else [json.dumps(rule) for rule in rules]
        self._engine = prepared(policies.bundle) if self._sets else None

    def may_act(self, text: str) -> bool:
        """Whether any of the rules has an entry for this input, as JSON; true where that cannot be determined."""
        if self._engine is None:
            return True
        try:
            self._engine.set_input_json(text)
            answers = [self._engine.eval_rule_as_json(path) for path in self._sets]
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # regorus panics with a BaseException
            return True
        return any(mark in answer for answer in answers for mark in self._marks)


def weaker(old: Verdict, new: Verdict) -> list[str]:
    """The rules that are less strict in the new verdict, sorted."""
    return sorted(rule for rule, strict in old.rules.items() if new.rules.get(rule, 0) < strict)


def alone(document: Document, old: Verdict, new: Verdict) -> Document | None:
    """The same input under a break glass for all rules that still block, so that only the weaker rules are left.

    None where there is nothing to set aside.
    """
    lost = set(weaker(old, new))
    others = sorted(rule for rule, strict in new.rules.items() if strict and rule not in lost and rule != ENGINE)
    now = document.get("now_s")
    if not others or not isinstance(now, (int, float)) or document.get("break_glass") is not None:
        return None
    return {**document, "break_glass": broken_glass(others, now, now + _MINUTE_S)}


def with_permission(document: Document, rules: list[str], now: float) -> list[Document]:
    """The same input with a break glass and with an approval for these rules, in force and just over."""
    found = []
    for until in (now + 1, now):
        found.append({**copy.deepcopy(document), "break_glass": broken_glass(rules, now, until)})
        approval = {
            "id": "a1", "rules": rules, "by": "AIDA2", "name": "bob", "reason": "INC-42", "at": when(now - 1),
            "until": when(until), "until_s": until, "asked_by": "AIDA1", "asker": "ann",
        }  # fmt: skip
        found.append({**copy.deepcopy(document), "approvals": [approval]})
    return found


def broken_glass(rules: list[str], now: float, until: float) -> Document:
    """A break glass for these rules, until a time in seconds since the epoch."""
    return {
        "reason": "INC-42", "rules": rules, "opened_at": when(now - 1), "until": when(until), "until_s": until,
        "source": "code",
    }  # fmt: skip
