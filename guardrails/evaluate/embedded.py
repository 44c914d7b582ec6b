"""The embedded engine: regorus, from any distribution that provides the module, behind rules that fail closed."""

from __future__ import annotations

import importlib
import ipaddress
import json
import re
import threading
import weakref
from collections.abc import Mapping
from typing import Any

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.engine import ENTRYPOINT, EngineFailure, Evaluation
from guardrails.evaluate.rego import lint
from guardrails.evaluate.rego.builtins import FORBIDDEN
from guardrails.evaluate.rego.inline_imports import expand
from guardrails.evaluate.rego.syntax import Module

# A call names at most 1,000 targets, about 1 kB each; ten times that is no call any more.
_MAX_INPUT = 16_000_000
_LOCATION = re.compile(r"--> (?P<file>.+?):(?P<line>\d+):(?P<column>\d+)")


class EmbeddedEngine:
    """Evaluates a bundle in this process.

    An engine of regorus belongs to the thread that made it, so each thread compiles its own (about 5 ms), and one that
    failed is thrown away: after a failed input it would answer for the previous one.
    """

    # Of all guards, because an engine must be dropped by its own thread, too, and a guard may be dropped by any.
    _threads = threading.local()

    def __init__(self, bundle: Bundle) -> None:
        """Compile, lint and evaluate once, so that a broken policy shows now. Raises PolicyError with file and line."""
        self.revision = bundle.revision
        try:
            self._bundle = checked(bundle)
            engine = _compile(self._bundle)
            _evaluate(engine, {})
        except (KeyboardInterrupt, SystemExit, PolicyError):
            raise
        except BaseException as error:
            raise PolicyError(_explain(error)) from None
        self._keep(engine)

    def evaluate(self, document: Mapping[str, Any]) -> Evaluation:
        """The result document for an input document. Raises EngineFailure for whatever goes wrong."""
        try:
            # Kept only after it answered: see the class.
            engine = self._take() or _compile(self._bundle)
            result = _evaluate(engine, document)
        except (KeyboardInterrupt, SystemExit, EngineFailure):
            raise
        except BaseException as error:  # regorus panics with a BaseException
            raise EngineFailure(_explain(error)) from None
        self._keep(engine)
        return Evaluation(result, self.revision)

    def _take(self) -> Any:
        """The engine of the calling thread, which is not kept any more."""
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


def _regorus() -> Any:
    try:
        return importlib.import_module("regorus")
    except ImportError as error:
        raise PolicyError(f"the embedded engine is missing ({error}); pip install gordon-to-regorus") from error


def checked(bundle: Bundle) -> Bundle:
    """The bundle as the engine evaluates it rightly: linted, imports written out. Raises PolicyError."""
    ast = json.loads(_compile(bundle).get_ast_as_json())
    lint.check(ast, bundle.data)
    return evolve(bundle, modules=expand(ast))


def syntax_of(bundle: Bundle) -> list[dict[str, Any]]:
    """The syntax trees, unchecked. Raises PolicyError for a text that is no Rego."""
    found: list[dict[str, Any]] = json.loads(prepared(bundle, ready=True).get_ast_as_json())
    return found


def parsed(bundle: Bundle) -> list[Module]:
    """The modules' syntax trees. Raises PolicyError at the first mistake."""
    return list(map(Module, syntax_of(bundle)))


def prepared(bundle: Bundle, *, ready: bool = False) -> Any:
    """An engine of regorus with the bundle, for more questions than a decision; `ready` bundles were checked before.

    It belongs to the thread that made it. Raises PolicyError.
    """
    try:
        return _compile(bundle if ready else checked(bundle))
    except (KeyboardInterrupt, SystemExit, PolicyError):
        raise
    except BaseException as error:
        raise PolicyError(_explain(error)) from None


def _compile(bundle: Bundle) -> Any:
    engine = _regorus().Engine()
    for name, arity in FORBIDDEN.items():
        engine.add_extension(name, arity, _forbid(name))
    engine.add_extension("net.cidr_intersects", 2, _cidr_intersects)
    engine.add_extension("net.cidr_merge", 1, _cidr_merge)
    for name, text in bundle.modules.items():
        engine.add_policy(name, text)
    engine.add_data_json(json.dumps(bundle.data, allow_nan=False))
    return engine


def _evaluate(engine: Any, document: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        text = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EngineFailure(f"the input is not JSON: {error}") from error
    if len(text) > _MAX_INPUT:
        raise EngineFailure(f"the input has {len(text):,} bytes, more than {_MAX_INPUT:,}")
    # Never set_input(): a lone surrogate in a text would crash the process.
    engine.set_input_json(text)
    result = json.loads(engine.eval_rule_as_json(ENTRYPOINT))
    if not isinstance(result, dict):
        raise EngineFailure(f"{ENTRYPOINT} is {'undefined' if result == '<undefined>' else 'not an object'}")
    return result


def _forbid(name: str) -> Any:
    def refuse(*_: Any) -> None:
        raise PermissionError(f"{name} is not allowed in a policy")

    return refuse


def _cidr_intersects(one: str, other: str) -> bool:
    return ipaddress.ip_network(one, strict=False).overlaps(ipaddress.ip_network(other, strict=False))


def _cidr_merge(cidrs: Any) -> list[str]:
    networks = [ipaddress.ip_network(cidr, strict=False) for cidr in cidrs]
    four = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return [str(network) for network in (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))]


def _explain(error: BaseException) -> str:
    """One sentence of regorus's report: ``file:line:column: what``, without its backtrace."""
    text = str(error).partition("Stack backtrace:")[0].strip()
    place = _LOCATION.search(text)
    what = text.rpartition("error: ")[2].strip().replace("\n", " ") or type(error).__name__
    return f"{place['file']}:{place['line']}:{place['column']}: {what}" if place else what
