"""The embedded engine: policies evaluated in this process, failing closed."""

from __future__ import annotations

import json
import logging
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.engine import EngineFailure, Evaluation
from guardrails.evaluate.rego import constants, lint, one_package
from guardrails.evaluate.rego.inline_imports import expand
from guardrails.evaluate.rego.syntax import Module
from guardrails.evaluate.regorus import ask, explain, new_engine, syntax_trees

_logger = logging.getLogger("guardrails")


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
        try:
            self._bundle = (check or compiled)(bundle)
            self._entrypoint = one_package.entrypoint(self._bundle.modules)
            engine = new_engine(self._bundle)
            ask(engine, {}, self._entrypoint)
        except (KeyboardInterrupt, SystemExit, PolicyError):
            raise
        except BaseException as error:
            raise PolicyError(one_package.placed(explain(error), self._bundle.modules)) from None
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
            raise EngineFailure(one_package.placed(explain(error), self._bundle.modules)) from None
        self._keep(engine)
        return Evaluation(result, self.revision)

    def forget(self) -> None:
        """Drop what this thread compiled: a thread that ends must not leave it to another."""
        self._take()

    def _take(self) -> Any:
        """The engine of this thread, removed from those kept; None where it has none."""
        _, engine = self._of_this_thread().pop(id(self), (None, None))
        return engine

    def _keep(self, engine: Any) -> None:
        self._of_this_thread()[id(self)] = weakref.ref(self), engine

    def _of_this_thread(self) -> dict[int, tuple[Any, Any]]:
        kept: dict[int, tuple[Any, Any]] = self._threads.__dict__.setdefault("engines", {})
        for key, (owner, _) in list(kept.items()):
            if owner() is None:
                del kept[key]
        return kept


def checked(bundle: Bundle) -> Bundle:
    """The bundle as the engine evaluates it correctly: linted, imports written out. Raises PolicyError."""
    return evolve(bundle, modules=dict(_checked(tuple(bundle.modules.items()), json.dumps(bundle.data))[0]))


def compiled(bundle: Bundle) -> Bundle:
    """The bundle as the engine evaluates it fastest: linted, as one package where that can be. Raises PolicyError."""
    return evolve(bundle, modules=dict(_checked(tuple(bundle.modules.items()), json.dumps(bundle.data))[1]))


def why_apart(bundle: Bundle) -> str:
    """Why the policies cannot be one package, as ``file:line: what, and how to fix it``; "" where they are.

    Raises PolicyError.
    """
    return _checked(tuple(bundle.modules.items()), json.dumps(bundle.data))[2]


_Sources = tuple[tuple[str, str], ...]


# A process checks the same policies at every install, guard and reload; parsing them takes most of the time.
@lru_cache(maxsize=8)
def _checked(modules: _Sources, data: str) -> tuple[_Sources, _Sources, str]:
    """The modules with their imports written out, and as one package.

    Where they cannot be one, both are the same, and the text says why.
    """
    bundle = Bundle(dict(modules), json.loads(data), "")
    parsed_modules = [Module(tree, trees=False) for tree in syntax_trees(bundle)]
    lint.check(parsed_modules, bundle.data)
    apart, why = expand(parsed_modules), ""
    try:
        merged = _as_one(parsed_modules, bundle)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # whatever it is, the modules as they are written are still there
        merged, why = apart, str(error) if isinstance(error, one_package.NotMergeable) else explain(error)
        _logger.debug("the policies are evaluated package by package: %s", why)
    return tuple(apart.items()), tuple(merged.items()), why


def _as_one(modules: Sequence[Module], bundle: Bundle) -> dict[str, str]:
    """The modules as one package that gives an answer. Raises NotMergeable, or whatever regorus raises."""
    merged = one_package.merged(modules, bundle.data)
    entrypoint = one_package.entrypoint(merged)
    engine = new_engine(evolve(bundle, modules=merged))
    ask(engine, {}, entrypoint)
    paths = one_package.paths(modules)
    values = constants.written(modules, lambda path: engine.eval_rule_as_json(paths[path]))
    merged = one_package.merged(modules, bundle.data, values)
    ask(new_engine(evolve(bundle, modules=merged)), {}, entrypoint)
    return merged


def syntax_of(bundle: Bundle) -> list[dict[str, Any]]:
    """The syntax trees, unchecked. Raises PolicyError for invalid Rego."""
    trees: list[dict[str, Any]] = json.loads(prepared(bundle, ready=True).get_ast_as_json())
    return trees


def parsed(bundle: Bundle) -> list[Module]:
    """The modules' syntax trees. Raises PolicyError at the first mistake."""
    return list(map(Module, syntax_of(bundle)))


def prepared(bundle: Bundle, *, ready: bool = False) -> Any:
    """An engine of regorus with the bundle, for more questions than a decision; `ready` bundles were checked before.

    It belongs to the thread that made it. Raises PolicyError.
    """
    try:
        return new_engine(bundle if ready else checked(bundle))
    except (KeyboardInterrupt, SystemExit, PolicyError):
        raise
    except BaseException as error:
        raise PolicyError(explain(error)) from None
