"""Policy-as-code admission for AWS calls made from Python.

    import guardrails
    guardrails.install()

From then on every botocore call that can hurt a running cluster is checked against Rego policies that know which
cluster is live; a disallowed call raises CallDenied before anything reaches AWS.
"""

from guardrails.errors import CallDenied, ConfigError, GuardrailsError, GuardUnavailable, PolicyError
from guardrails.guard import Guard
from guardrails.installed import install, uninstall
from guardrails.values import Decision, Violation

__all__ = [
    "CallDenied",
    "ConfigError",
    "Decision",
    "Guard",
    "GuardUnavailable",
    "GuardrailsError",
    "PolicyError",
    "Violation",
    "install",
    "uninstall",
]
