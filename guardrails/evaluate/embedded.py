"""The embedded engine: policies evaluated in this process, failing closed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.engine import EngineFailure, Evaluation
from guardrails.evaluate.kept_engine import KeptEngine
from guardrails.evaluate.rego import merged
from guardrails.evaluate.regorus import ask, explain, new_engine


class EmbeddedEngine:
    """Evaluates a bundle in this process.

    An engine of regorus belongs to the thread that made it, so each thread compiles its own (about 5 ms). One that
    failed is thrown away: after a failed input it would give the answer to the previous one.
    """

    # Shared by all guards: an engine must be dropped by its own thread, and any thread may drop a guard.
    _threads = threading.local()

    def __init__(self, bundle: Bundle, check: Callable[[Bundle], Bundle] | None = None) -> None:
        """Compile, lint and evaluate once, so that a broken policy shows now. Raises PolicyError with file and line."""
        self.revision = bundle.revision
        self._bundle = bundle
        try:
            self._bundle = (check or compiled)(bundle)
            self._entrypoint = merged.entrypoint(self._bundle.modules)
            engine = new_engine(self._bundle)
            ask(engine, {}, self._entrypoint)
        except (KeyboardInterrupt, SystemExit, PolicyError):
            raise
        except BaseException as error:
            raise PolicyError(merged.placed(explain(error), self._bundle.modules)) from None
        self._keep(engine)

    def evaluate(self, document: Mapping[str, Any]) -> Evaluation:
        """The result document for an input document. Raises EngineFailure, whatever goes wrong."""
        try:
            # Taken out, and kept again only after it answered: see the class.
            engine = self._take() or new_engine(self._bundle)
            result = ask(engine, document, self._entrypoint)
        except (KeyboardInterrupt, SystemExit, EngineFailure):
            raise
        except BaseException as error:  # regorus panics with a BaseException
            raise EngineFailure(merged.placed(explain(error), self._bundle.modules)) from None
        self._keep(engine)
        return Evaluation(result, self.revision)

    def forget(self) -> None:
        """Drop what this thread compiled: a thread that ends must not leave it to another."""
        self._take()

    def _take(self) -> Any:
        """The engine of this thread, removed from those kept; None where it has none."""
        kept = self._of_this_thread().pop(id(self), None)
        return kept and kept.engine

    def _keep(self, engine: Any) -> None:
        self._of_this_thread()[id(self)] = KeptEngine(engine, self)

    def _of_this_thread(self) -> dict[int, KeptEngine]:
        kept: dict[int, KeptEngine] = self._threads.__dict__.setdefault("engines", {})
        for key, each in list(kept.items()):
            if each.owner() is None:
                del kept[key]
        return kept


def compiled(bundle: Bundle) -> Bundle:
    """The bundle as the engine evaluates it fastest, see checked.py. Raises PolicyError."""
    from guardrails.evaluate import checked  # noqa: PLC0415  (most starts find what was checked before)

    return checked.compiled(bundle)
