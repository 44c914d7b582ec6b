"""Every exception the guard raises.

    botocore.exceptions.ClientError
    └── CallDenied                code GuardrailsDenied       a rule blocked the call
        └── GuardUnavailable      code GuardrailsUnavailable  the guard could not decide, so the call is blocked
    Exception
    └── GuardrailsError
        ├── ConfigError           guardrails.toml or its environment variables are wrong
        ├── PolicyError           a policy does not load
        ├── GuardBroken           what must be denied passes the guard
        └── BreakGlassRefused     a break glass lacks something; no rule is set aside

CallDenied is a ClientError because ops scripts already catch that one; it carries no code that botocore or
a retry library would retry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from guardrails.values import Decision


class CallDenied(ClientError):
    """A call was blocked before it reached AWS.

    `decision` holds every violated rule. `response["Error"]["Code"]` is ``GuardrailsDenied``, the HTTP status 403
    and `operation_name` the operation, as in any ClientError. `str()` is one paragraph for the person who reads it.
    """

    code = "GuardrailsDenied"

    def __init__(self, decision: Decision, message: str) -> None:
        self.decision = decision
        self.paragraph = message
        response: Any = {
            "Error": {"Code": self.code, "Message": message},
            "ResponseMetadata": {
                "RequestId": decision.id,
                "HTTPStatusCode": 403,
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        }
        super().__init__(response, decision.call.operation)

    def __reduce__(self) -> tuple[Any, ...]:
        # ClientError's own __reduce__ would rebuild a plain ClientError and lose the decision.
        return type(self), (self.decision, self.paragraph)


class GuardUnavailable(CallDenied):
    """The guard could not decide (a look-up, the engine or the log failed), so the governed call is blocked."""

    code = "GuardrailsUnavailable"


class GuardrailsError(Exception):
    """What keeps the guard from being installed. `str()` says what, where (file:line) and how to mend it."""

    def _render_traceback_(self) -> list[str]:
        """For IPython: the sentence says all there is to say."""
        return [f"{type(self).__name__}: {self}"]


class ConfigError(GuardrailsError):
    """The configuration is wrong; nothing was installed."""


class PolicyError(GuardrailsError):
    """A policy does not load; nothing was installed."""


class GuardBroken(GuardrailsError):
    """A call that must be denied passed the guard when it was tried at install(); nothing was installed."""


class BreakGlassRefused(GuardrailsError):
    """A break glass without a reason, for an unknown or unbreakable rule, or for too long: no rule is set aside."""

    def __init__(self, why: str) -> None:
        super().__init__(f"break glass is refused: {why}")
        self.why = why
