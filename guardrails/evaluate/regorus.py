"""The engine behind the embedded one: regorus, from any distribution that provides the module.

An engine of regorus belongs to the thread that made it. It panics with BaseException, so callers catch that.
"""

from __future__ import annotations

import functools
import importlib
import ipaddress
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.engine import ENTRYPOINT, EngineFailure
from guardrails.evaluate.engine_hints import hint
from guardrails.evaluate.rego.builtins import FORBIDDEN

# A call names at most 1,000 targets of about 1 kB each. This is well over ten times that.
_MAX_INPUT = 16_000_000
_BACKTRACE = "RUST_LIB_BACKTRACE"
_EAGER_COMMIT = "MIMALLOC_ARENA_EAGER_COMMIT"
# Where the IPv4 address begins in one of IPv6, in bits (RFC 4291, 2.5.5.2).
_MAPPED = 96
_LOCATION = re.compile(r"--> (?P<file>.+?):(?P<line>\d+):(?P<column>\d+)")


def build() -> str:
    """Which build of regorus this is: the size and the time of its library. Raises PolicyError."""
    found = Path(_regorus().regorus.__file__).stat()
    return f"{found.st_size} {found.st_mtime_ns}"


def new_engine(bundle: Bundle) -> Any:
    """An engine of regorus with the bundle compiled. Raises whatever regorus raises: see `explain`."""
    engine = _regorus().Engine()
    for name, arity in FORBIDDEN.items():
        engine.add_extension(name, arity, _forbid(name))
    engine.add_extension("net.cidr_intersects", 2, _cidr_intersects)
    engine.add_extension("net.cidr_merge", 1, _cidr_merge)
    for name, text in bundle.modules.items():
        engine.add_policy(name, text)
    engine.add_data_json(json.dumps(bundle.data, allow_nan=False))
    return engine


def syntax_trees(bundle: Bundle) -> Iterator[dict[str, Any]]:
    """The syntax tree of each module, one after the other: the text of all of them at once would take 20 MB.

    Raises whatever regorus raises.
    """
    for name, text in bundle.modules.items():
        engine = _regorus().Engine()
        engine.add_policy(name, text)
        yield from json.loads(engine.get_ast_as_json())


def ask(engine: Any, document: Mapping[str, Any], entrypoint: str = ENTRYPOINT) -> Mapping[str, Any]:
    """The result document of the entrypoint. Raises EngineFailure, or whatever regorus raises."""
    try:
        text = json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise EngineFailure(f"the input is not JSON: {error}") from error
    if len(text) > _MAX_INPUT:
        raise EngineFailure(f"the input has {len(text):,} bytes, more than {_MAX_INPUT:,}")
    # Never set_input(): a lone surrogate in a string would crash the process.
    engine.set_input_json(text)
    result = json.loads(engine.eval_rule_as_json(entrypoint))
    if not isinstance(result, dict):
        raise EngineFailure(f"{ENTRYPOINT} is {'undefined' if result == '<undefined>' else 'not an object'}")
    return result


def explain(error: BaseException) -> str:
    """One line of regorus's report: ``file:line:column: what``, without its backtrace."""
    text = str(error).partition("Stack backtrace:")[0].strip()
    location = _LOCATION.search(text)
    what = text.rpartition("error: ")[2].strip().replace("\n", " ") or type(error).__name__
    what += hint(what)
    return f"{location['file']}:{location['line']}:{location['column']}: {what}" if location else what


@functools.cache
def _regorus() -> Any:
    try:
        # Its allocator commits 1 GB in advance otherwise, in huge pages, of which the first decision touches 5 MB more.
        with _variable(_EAGER_COMMIT, os.environ.get(_EAGER_COMMIT, "0")):
            regorus = importlib.import_module("regorus")
    except ImportError as error:
        raise PolicyError(f"the embedded engine is missing ({error}); pip install gordon-to-regorus") from error
    _without_backtraces(regorus)
    return regorus


def _without_backtraces(regorus: Any) -> None:
    """Have Rust read its environment now, without RUST_BACKTRACE.

    With it every error captures a backtrace, which walks off the stack of a greenlet and crashes the process. Rust
    reads the variables once, at its first error (https://doc.rust-lang.org/std/backtrace/).
    """
    with _variable(_BACKTRACE, "0"), suppress(Exception):
        regorus.Engine().add_policy("", "not a policy")


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    """The environment variable inside, for what reads it once; afterwards it is as it was."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def _forbid(name: str) -> Any:
    def refuse(*_: Any) -> None:
        raise PermissionError(f"{name} is not allowed in a policy")

    return refuse


def _cidr_intersects(left: Any, right: Any) -> bool:
    return _network(left).overlaps(_network(right))


def _cidr_merge(cidrs: Any) -> set[str]:
    networks = [_network(cidr) for cidr in cidrs]
    four = [network for network in networks if isinstance(network, ipaddress.IPv4Network)]
    six = [network for network in networks if isinstance(network, ipaddress.IPv6Network)]
    return {str(network) for network in (*ipaddress.collapse_addresses(four), *ipaddress.collapse_addresses(six))}


def _network(cidr: Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Python takes a number for an address, and an address for a network; OPA takes neither."""
    address, _, mask = cidr.partition("/") if isinstance(cidr, str) else ("", "", "")
    if "%" in address or not (mask.isascii() and mask.isdigit()):
        raise ValueError(f"{cidr!r} is not a network such as 10.0.0.0/8")
    network = ipaddress.ip_network(cidr, strict=False)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is not None and network.prefixlen >= _MAPPED:
        return ipaddress.IPv4Network((mapped, network.prefixlen - _MAPPED))
    return network
