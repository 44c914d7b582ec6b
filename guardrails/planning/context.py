"""`guardrails.plan()`: a part of a program whose calls are planned, not sent."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from guardrails.guard import Guard
from guardrails.planning import plan as plans
from guardrails.planning.joining import VARIABLE, join, leave
from guardrails.planning.journal import Journal
from guardrails.planning.plan import Plan


class Planning:
    """Inside the `with`, no call of this process that may change something leaves it; `plan` is what they would do.

    That holds for every thread, and for the Python processes that are started inside.
    """

    def __init__(
        self, guard: Guard, *, on_denial: Literal["continue", "stop"] = "continue", permissions: bool = False
    ) -> None:
        if on_denial not in ("continue", "stop"):
            raise ValueError(f"on_denial is {on_denial!r}; it is 'continue' or 'stop'")
        self._guard = guard
        self._options: dict[str, Any] = {"stop": on_denial == "stop", "ask_aws": permissions, "inside": True}
        self._folder: Path | None = None
        self._plan: Plan | None = None
        self._joined = True

    def __enter__(self) -> Self:
        if outer := os.environ.get(VARIABLE):
            if Journal(Path(outer)).options.get("inside"):
                raise RuntimeError("this process makes a plan already; plans cannot be made inside each other")
            # Under `guardrails run --plan`, that plan has these calls as well.
            self._folder, self._joined = Path(outer), False
            return self
        self._folder = Path(tempfile.mkdtemp(prefix="guardrails-plan-"))
        Journal.make(self._folder, self._options)
        join(self._guard, self._folder)
        os.environ[VARIABLE] = str(self._folder)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._plan = self.plan
        if not self._joined:
            return
        os.environ.pop(VARIABLE, None)
        # A guard that was installed inside has joined since.
        leave()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def plan(self) -> Plan:
        """The plan so far, or the whole plan after the `with`."""
        if self._plan is not None:
            return self._plan
        if self._folder is None:
            raise RuntimeError("the plan has not begun; use it in a with statement")
        return plans.of_journal(self._folder, self._guard.revision, self._guard.settings.mode)
