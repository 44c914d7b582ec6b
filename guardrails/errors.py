"""Every exception the guard raises.

    botocore.exceptions.ClientError
    └── CallDenied                code GuardrailsDenied       a rule blocked the call
        ├── CallStopped           code GuardrailsDenied       a call in waves was stopped; some machines went already
        └── GuardUnavailable      code GuardrailsUnavailable  the guard could not decide, so it blocked the call
    botocore.exceptions.ClientError
    └── NotSentInPlan             code GuardrailsPlanned      a plan has no answer for this kind of request
    Exception
    └── GuardrailsError
        ├── ConfigError           guardrails.toml or an environment variable is wrong
        ├── PolicyError           a policy does not load
        ├── GuardBroken           the guard let a call through that must be denied
        ├── BreakGlassRefused     break glass was refused; every rule still applies
        └── CutoverRefused        a cutover cannot start or go on

CallDenied is a ClientError because ops scripts already catch that. Neither botocore nor a retry library retries its
codes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from guardrails.values import Decision


_LONGEST = 300


class CallDenied(ClientError):
    """A call was blocked before it reached AWS.

    `decision` has every violated rule. As in any ClientError, `response` has the code (``GuardrailsDenied``) and the
    HTTP status (403), and `operation_name` the operation. `str()` is one paragraph: what was blocked, by which rule,
    what to do instead, which cluster is live and why.
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
        if decision.approval is not None:
            # For programs that see only the response, such as an agent's host.
            response["Approval"] = decision.approval.document()
        super().__init__(response, decision.call.operation)

    def __reduce__(self) -> tuple[Any, ...]:
        # ClientError's own __reduce__ would rebuild a plain ClientError and lose the decision.
        return type(self), (self.decision, self.paragraph)


class CallStopped(CallDenied):
    """A call that the guard sent in waves was stopped between them.

    `gone` are the machines that went already, as the call named them, and `left` those that did not. `unknown` are
    those of a wave whose call failed so that they may have gone: its response was lost, or AWS refused a call on
    several machines, which it may have done in part. `response` has all three under ``Waves``.
    """

    def __init__(
        self, decision: Decision, message: str, gone: Sequence[Any], left: Sequence[Any], unknown: Sequence[Any] = ()
    ) -> None:
        super().__init__(decision, message)
        self.gone, self.left, self.unknown = [*gone], [*left], [*unknown]
        waves = {"Gone": self.gone, "Left": self.left, "Unknown": self.unknown}
        self.response["Waves"] = waves  # type: ignore[typeddict-unknown-key]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.decision, self.paragraph, self.gone, self.left, self.unknown)


class GuardUnavailable(CallDenied):
    """The guard could not decide (a look-up, the engine or the log failed), so it blocked the call."""

    code = "GuardrailsUnavailable"


class NotSentInPlan(ClientError):
    """A request inside a plan that no client made as an ordinary call, such as a presigned one: it was not sent."""

    code = "GuardrailsPlanned"

    def __init__(self, operation: str, how: str) -> None:
        self._how = how
        message = f"{how} is not sent inside a plan, and there is no answer for it; leave it out of what is planned"
        super().__init__({"Error": {"Code": self.code, "Message": message}}, operation)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.operation_name, self._how)


class GuardrailsError(Exception):
    """The guard cannot be installed or used. `str()` says what is wrong, where (file:line) and how to fix it."""

    def _render_traceback_(self) -> list[str]:
        """For IPython: one sentence instead of a traceback."""
        return [f"{type(self).__name__}: {self}"]


class ConfigError(GuardrailsError):
    """The configuration is wrong; nothing was installed."""


class PolicyError(GuardrailsError):
    """A policy does not load; nothing was installed."""


class GuardBroken(GuardrailsError):
    """A call that must be denied got past the guard in its self-test; nothing was installed."""


class ApprovalRefused(GuardrailsError):
    """A request cannot be approved so: it is unknown or over, or there is no second person."""


class BreakGlassRefused(GuardrailsError):
    """Break glass without a reason, for an unknown or unbreakable rule, or for too long: every rule still applies."""

    def __init__(self, why: str) -> None:
        super().__init__(f"break glass is refused: {why}")
        self.why = why


class CutoverRefused(GuardrailsError):
    """A cutover cannot start or go on; the message says why, and what to do."""


def failed(error: BaseException) -> str:
    """What is said where a part of the guard itself fails, and what to do."""
    said = f": {shortened(str(error))}" if str(error) else ""
    if isinstance(error, MemoryError):
        return f"the guard has not enough memory ({type(error).__name__}{said}); give the process more, and try again"
    return (
        f"the guard failed ({type(error).__name__}{said}); `guardrails doctor` checks what is installed here, and an "
        "update or the version before may repair it"
    )


def shortened(text: str) -> str:
    """At most 300 characters: what others report may be a whole document."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
