"""What a health check answers, and how one is asked: what is not proved is not healthy."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from attrs import field, frozen


@frozen
class Health:
    """The answer of a check: true only where health is proved.

    `ok` is True or False where something was measured, None where that is unknown. `why` is a sentence about what was
    found, for people.
    """

    ok: bool | None
    why: str

    def __bool__(self) -> bool:
        return self.ok is True


# numpy's, under its present and its former name.
_BOOLEANS = {"bool", "bool_"}


class Check(Protocol):
    """A ready-made check: look now, and answer."""

    def __call__(self) -> Health:
        """Look now. Never raises an Exception: what could not be looked at is unknown."""
        ...


def ask(check: Callable[[], Any]) -> Health:
    """The answer of a check, or of a function that returns True or False (numpy's count).

    Anything else is unknown: an exception, and what is only true as any object is, such as a coroutine or a process
    that has ended.
    """
    try:
        answer = check()
    except Exception as error:
        # A check that fails to run proves nothing.
        return Health(None, f"the health check {_name(check)} failed: {type(error).__name__}: {error}")
    if isinstance(answer, Health):
        return answer
    try:
        ok = bool(answer)
    except Exception as error:
        return Health(None, f"the health check {_name(check)} answered neither true nor false: {error}")
    if ok and type(answer).__name__ not in _BOOLEANS:
        if isinstance(answer, Coroutine):
            # Otherwise Python warns that no one awaited it.
            answer.close()
        kind = type(answer).__name__
        return Health(None, f"the health check {_name(check)} answered with a {kind} instead of True or False")
    return Health(ok, f"the health check {_name(check)} is {str(ok).lower()}")


def all_of(*checks: Callable[[], Any]) -> Check:
    """One check of several: true only where each is. They are asked in order, up to the first that is not true."""
    if not checks:
        raise ValueError("all_of() takes at least one check")
    return _All(checks)


@frozen
class _All:
    _checks: tuple[Callable[[], Any], ...] = field(alias="checks")

    def __call__(self) -> Health:
        answers = []
        for check in self._checks:
            health = ask(check)
            if not health:
                return health
            answers.append(health.why)
        return Health(True, "; ".join(answers))


def _name(check: Callable[[], Any]) -> str:
    return getattr(check, "__name__", None) or type(check).__name__
