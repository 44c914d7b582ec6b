"""What a comparison found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import Factory, define

from guardrails.policy.compare.situations import Document
from guardrails.values import frozen


@frozen
class Difference:
    """Inputs on which a rule is less strict in the new policies (or stricter), about 50 at most, and one in full.

    `rule` is the rule of the old policies that no longer acts as it did (of the new ones, where they are stricter);
    `was` and `now` are the decisions on `document`. `file` and `line` are where the rule is in the new policies; where
    it is gone, the file that it was in, or one beside that, and "" if there is none.
    """

    rule: str
    was: str
    now: str
    documents: int
    document: Document
    file: str = ""
    line: int = 1

    def summary(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "rule": self.rule, "was": self.was, "now": self.now, "documents": self.documents, "file": self.file,
            "line": self.line, "input": self.document,
        }  # fmt: skip


@define
class Comparison:
    """`documents` counts the inputs that were tried, `changed` the definitions and parameters that differ.

    `affected` has the rules of the old policies that the differences may reach, `silent` those that differ
    and acted on no input that was tried, or of which a condition that changed always held, or never: nothing is known
    about them.
    """

    old: str
    new: str
    documents: int = 0
    changed: int = 0
    affected: Sequence[str] = ()
    silent: Sequence[str] = ()
    wider: list[Difference] = Factory(list)
    stricter: list[Difference] = Factory(list)

    @property
    def is_wider(self) -> bool:
        """Whether the new policies are less strict on any input."""
        return bool(self.wider)

    def document(self) -> Mapping[str, Any]:
        """As JSON."""
        return {
            "old": self.old, "new": self.new, "documents": self.documents, "changed": self.changed,
            "affected": list(self.affected), "silent": list(self.silent),
            "wider": [difference.summary() for difference in self.wider],
            "stricter": [difference.summary() for difference in self.stricter],
        }  # fmt: skip
