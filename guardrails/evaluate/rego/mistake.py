"""A mistake in a policy, with its place."""

from __future__ import annotations

from guardrails.values import frozen


@frozen(order=True)
class Mistake:
    """`message` says what is wrong and how to fix it; `line` and `column` count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"
