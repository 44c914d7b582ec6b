"""A row of the table: what breaks, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from attrs import field, frozen

import guardrails
from guardrails.testing import SimulatedAWS


@frozen
class Site:
    """The account: blue is live, green is staging. No call of a row changes it: each is answered with an error."""

    aws: SimulatedAWS
    live: str
    staging: str


@frozen
class Scene:
    """What the process of a row has. `log` and `state` are the files of its guard, in `folder`."""

    site: Site
    folder: Path
    config: Mapping[str, Any]

    @property
    def log(self) -> Path:
        return self.folder / "log" / "decisions.jsonl"

    @property
    def state(self) -> Path:
        return self.folder / "state.db"

    @property
    def guard(self) -> guardrails.Guard:
        guard = guardrails.process.current()
        assert guard is not None
        return guard


@frozen
class Outside:
    """What the process that starts a row's process has for it, such as servers."""

    config: Mapping[str, Any] = field(factory=dict)
    endpoint: str | None = None
    # Breaks it, and with False repairs it.
    switch: Callable[[bool], None] = lambda _: None


def _nothing(_: Any) -> AbstractContextManager[Outside]:
    return nullcontext(Outside())


@frozen
class Row:
    """A fault. `strike` breaks something in the row's process, `outside` something of other processes.

    At the start of the guard where `at_start`, otherwise once it is installed; at the end all is repaired, where that
    is possible.
    """

    part: str
    name: str
    strike: Callable[[Scene], AbstractContextManager[object]] = lambda _: nullcontext()
    config: Mapping[str, Any] = field(factory=dict)
    outside: Callable[[Site], AbstractContextManager[Outside]] = _nothing
    at_start: bool = False
    # What broke cannot be repaired in the process: only the next start is looked at.
    until_next_start: bool = False
    # What the row's folder has before.
    prepare: Callable[[Scene], object] = lambda _: None
    # Software that is not Python's, without which the row cannot be made.
    needs: str = ""


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """The attribute of `owner` is `value` inside."""
    original = vars(owner)[name]
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, original)


def raising(owner: Any, name: str, error: type[BaseException] = RuntimeError) -> Callable[[Scene], Any]:
    """A strike: the function raises."""

    def fail(*_: Any, **__: Any) -> Any:
        raise error("the library that was updated yesterday")

    return lambda _: replaced(owner, name, fail)


def returning(owner: Any, name: str, value: Any) -> Callable[[Scene], Any]:
    """A strike: the function returns this."""
    return lambda _: replaced(owner, name, lambda *_, **__: value)
