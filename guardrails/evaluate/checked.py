"""Policies as the embedded engine evaluates them: parsed, linted, rewritten."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.rego import constants, lint, objects, one_package
from guardrails.evaluate.rego.inline_imports import expand
from guardrails.evaluate.rego.merged import entrypoint
from guardrails.evaluate.rego.syntax import Module
from guardrails.evaluate.regorus import ask, explain, new_engine, syntax_trees
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


def checked(bundle: Bundle) -> Bundle:
    """The bundle as the engine evaluates it correctly: linted, imports written out. Raises PolicyError."""
    return evolve(bundle, modules=dict(_apart(*_key(bundle))))


def compiled(bundle: Bundle) -> Bundle:
    """The bundle as the engine evaluates it fastest: linted, as one package where that can be. Raises PolicyError."""
    return evolve(bundle, modules=dict(_as_one_if_possible(*_key(bundle))[0]))


def why_apart(bundle: Bundle) -> str:
    """Why the policies cannot be one package, as ``file:line: what, and how to fix it``; "" where they are.

    Raises PolicyError.
    """
    return _as_one_if_possible(*_key(bundle))[1]


_Sources = tuple[tuple[str, str], ...]


def _key(bundle: Bundle) -> tuple[_Sources, str]:
    return tuple(bundle.modules.items()), json.dumps(bundle.data)


# A process checks the same policies at every install, guard and reload; parsing them takes most of the time.
@lru_cache(maxsize=8)
def _apart(modules: _Sources, data: str) -> _Sources:
    """The modules with their imports written out."""
    return _written_out(_linted(Bundle(dict(modules), json.loads(data), "")))


@lru_cache(maxsize=8)
def _as_one_if_possible(modules: _Sources, data: str) -> tuple[_Sources, str]:
    """The modules as one package; where they cannot be one, as `_apart`, and the text says why."""
    bundle = Bundle(dict(modules), json.loads(data), "")
    linted = _linted(bundle)
    try:
        return tuple(_as_one(linted, bundle).items()), ""
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # whatever it is, the modules as they are written are still there
        why = str(error) if isinstance(error, one_package.NotMergeable) else explain(error)
        _logger.debug("the policies are evaluated package by package: %s", why)
        return _written_out(linted), why


def _linted(bundle: Bundle) -> list[Module]:
    modules = [_module(*each) for each in bundle.modules.items()]
    lint.check(modules, bundle.data)
    return modules


def _written_out(modules: Sequence[Module]) -> _Sources:
    return (*expand(modules).items(), *objects.modules(modules).items())


# An edit changes one file of many.
@lru_cache(maxsize=256)
def _module(name: str, text: str) -> Module:
    (tree,) = syntax_trees(Bundle({name: text}, {}, ""))
    return Module(tree, trees=False)


def _as_one(modules: Sequence[Module], bundle: Bundle) -> dict[str, str]:
    """The modules as one package that gives an answer. Raises NotMergeable, or whatever regorus raises."""
    merged = one_package.merged(modules, bundle.data)
    path = entrypoint(merged)
    engine = new_engine(evolve(bundle, modules=merged))
    ask(engine, {}, path)
    paths = one_package.paths(modules)
    values = constants.written(modules, lambda path: engine.eval_rule_as_json(paths[path]))
    merged = one_package.merged(modules, bundle.data, values)
    ask(new_engine(evolve(bundle, modules=merged)), {}, path)
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
