"""Where a denial comes from that no rule of an area made: from a check of the input or of the areas' answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from guardrails.evaluate.bundle import Bundle
from guardrails.values import frozen


@frozen
class Check:
    """A violation whose rule is not a rule of an area. `file` is "" where these policies do not have it either."""

    rule: str
    file: str
    line: int
    message: str
    remediation: str

    @property
    def origin(self) -> str:
        """Where it comes from, and what helps."""
        if not self.file:
            return (
                "These policies do not have this rule: it was removed or renamed since. `guardrails policy replay` "
                "says what they would decide."
            )
        return (
            "It is not a rule of an area but a check that comes before them: of the facts that the guard hands over, "
            "and of what the areas answer. Nothing about the call itself was judged, so no other id or time helps, nor "
            "does break glass. `guardrails policy check` finds broken policies, `guardrails doctor` finds facts that "
            "the guard cannot get."
        )


def checks(bundle: Bundle, violations: Iterable[Mapping[str, Any]], known: Collection[str]) -> Iterator[Check]:
    """The violations whose rule is not among the `known` ones, each rule and message once."""
    seen: set[tuple[str, str]] = set()
    for violation in violations:
        rule, message = str(violation.get("rule")), str(violation.get("message"))
        if rule not in known and (rule, message) not in seen:
            seen.add((rule, message))
            yield Check(rule, *_place(bundle, rule), message, str(violation.get("remediation")))


def _place(bundle: Bundle, rule: str) -> tuple[str, int]:
    """File and line of the first module that has the id."""
    for file, text in bundle.modules.items():
        place = text.find(f'"rule": "{rule}"')
        if place >= 0:
            return file, text.count("\n", 0, place) + 1
    return "", 1
