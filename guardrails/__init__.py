"""Policy-as-code admission for AWS calls made from Python.

    import guardrails
    guardrails.install()

From then on, every botocore call that can hurt a running cluster is checked against Rego policies, which know the
live cluster. A call that they deny raises CallDenied, and nothing reaches AWS.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from guardrails import health
    from guardrails.errors import (
        BreakGlassRefused,
        CallDenied,
        CallStopped,
        ConfigError,
        GuardBroken,
        GuardrailsError,
        GuardUnavailable,
        NotSentInPlan,
        PolicyError,
    )
    from guardrails.gradual.ramp import RampStopped, ramp
    from guardrails.gradual.waves import WavesStopped, waves
    from guardrails.guard import Guard
    from guardrails.process import break_glass, install, plan, uninstall
    from guardrails.values import Decision, Violation

__version__ = "0.2.0"

__all__ = [
    "BreakGlassRefused",
    "CallDenied",
    "CallStopped",
    "ConfigError",
    "Decision",
    "Guard",
    "GuardBroken",
    "GuardUnavailable",
    "GuardrailsError",
    "NotSentInPlan",
    "PolicyError",
    "RampStopped",
    "Violation",
    "WavesStopped",
    "__version__",
    "break_glass",
    "health",
    "install",
    "plan",
    "ramp",
    "uninstall",
    "waves",
]

# Imported on first use: the hook in guardrails.activation runs in every process and must not import botocore there.
_HOMES = {
    "BreakGlassRefused": "errors",
    "CallDenied": "errors",
    "CallStopped": "errors",
    "ConfigError": "errors",
    "Decision": "values",
    "Guard": "guard",
    "GuardBroken": "errors",
    "GuardUnavailable": "errors",
    "GuardrailsError": "errors",
    "NotSentInPlan": "errors",
    "PolicyError": "errors",
    "RampStopped": "gradual.ramp",
    "Violation": "values",
    "WavesStopped": "gradual.waves",
    "break_glass": "process",
    "health": "health",
    "install": "process",
    "plan": "process",
    "ramp": "gradual.ramp",
    "uninstall": "process",
    "waves": "gradual.waves",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with import_module(f"{__name__}.waiting.garbage").not_collected():
        home = import_module(f"{__name__}.{_HOMES[name]}")
        # A folder is public as a whole.
        value = home if _HOMES[name] == name else getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext guardrails``: install the guard, show denials as cards, and print the live cluster."""
    import_module(f"{__name__}.notebook.extension").load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext guardrails``: uninstall the guard, if ``%load_ext`` installed it."""
    import_module(f"{__name__}.notebook.extension").unload(shell)
