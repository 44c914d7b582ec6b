"""The guard's own clients, whose calls no tracer sees.

Tracers wrap functions of botocore. They would report the guard's look-ups and self-test as calls of the script, and
some (X-Ray with RUNTIME_ERROR) let a call fail that has no trace around it, which in the guard's threads none has.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

OWN = "guardrails-own"
# Where a function is defined that no tracer made.
_NO_TRACER = (
    "botocore", "awscli.botocore", "urllib3", "guardrails.intercept.wrappers", "guardrails.intercept.endpoint",
)  # fmt: skip


def unwrapped(function: Any) -> Any:
    """The function inside of what other code has wrapped around it: a gate of the guard, or the library's own."""
    while not _is_no_tracer(function) and hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def hide(client: Any) -> None:
    """Let no tracer see this client's calls, whether it wraps botocore's functions now or later."""
    # The gate looks for it, which may have a tracer's function inside.
    vars(client)[OWN] = True
    endpoint = client._endpoint
    _bind(client, "_make_api_call")
    for name, member in _members(type(endpoint)).items():
        if callable(member) and not name.startswith("__"):
            _bind(endpoint, name)


def _bind(instance: Any, name: str) -> None:
    vars(instance)[name] = MethodType(unwrapped(_members(type(instance))[name]), instance)


def _members(kind: type) -> dict[str, Callable[..., Any]]:
    return {name: member for owner in reversed(kind.__mro__) for name, member in vars(owner).items()}


def _is_no_tracer(function: Any) -> bool:
    # The objects of wrapt pass for what they wrap, but for their type.
    if type(function) is not FunctionType:
        return False
    # Where it is defined; `__module__` is copied from what it wraps.
    module = str(function.__globals__.get("__name__", ""))
    return any(module == name or module.startswith(f"{name}.") for name in _NO_TRACER)
