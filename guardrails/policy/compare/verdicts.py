"""What old and new policies say to the same input, and whether the new ones are less strict."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import EngineFailure, read_result
from guardrails.policy.compare.situations import Document, copied, when
from guardrails.values import Mode, frozen

# From weak to strict. A rule in dryrun changes nothing.
_STRICTNESS = {"allow": 0, "dryrun": 0, "warn": 1, "confirm": 2, "deny": 3}
WORDS = ("allow", "warn", "confirm", "deny")
# What is left of a decision in each mode.
_AT_MOST: Mapping[Mode, int] = {"enforce": 3, "warn": 1, "dryrun": 0}
# The rule of a denial that no policy made.
ENGINE = "(engine)"
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

    def without(self, rules: Collection[str]) -> int:
        """How strict the other rules are."""
        return max((strict for rule, strict in self.rules.items() if rule not in rules), default=0)


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


def weaker(old: Verdict, new: Verdict) -> list[str]:
    """The rules that are less strict in the new verdict, sorted."""
    return sorted(rule for rule, strict in old.rules.items() if new.rules.get(rule, 0) < strict)


def alone(document: Document, old: Verdict, new: Verdict) -> Document | None:
    """The same input under a break glass for all rules that block as before, so that only those are left that differ.

    A rule that is new, or stricter than before, stays: it may be the old one under another name. None where there is
    nothing to set aside.
    """
    others = sorted(
        rule for rule, strict in new.rules.items() if strict and strict == old.rules.get(rule, 0) and rule != ENGINE
    )
    now = document.get("now_s")
    if not others or not isinstance(now, (int, float)) or document.get("break_glass") is not None:
        return None
    return {**document, "break_glass": broken_glass(others, now, now + _MINUTE_S)}


def with_permission(document: Document, rules: list[str], now: float) -> list[Document]:
    """The same input with a break glass and with an approval for these rules, in force and just over."""
    found = []
    for until in (now + 1, now):
        found.append({**copied(document), "break_glass": broken_glass(rules, now, until)})
        approval = {
            "id": "a1", "rules": rules, "by": "AIDA2", "name": "bob", "reason": "INC-42", "at": when(now - 1),
            "until": when(until), "until_s": until, "asked_by": "AIDA1", "asker": "ann",
        }  # fmt: skip
        found.append({**copied(document), "approvals": [approval]})
    return found


def broken_glass(rules: list[str], now: float, until: float) -> Document:
    """A break glass for these rules, until a time in seconds since the epoch."""
    return {
        "reason": "INC-42", "rules": rules, "opened_at": when(now - 1), "until": when(until), "until_s": until,
        "source": "code",
    }  # fmt: skip
