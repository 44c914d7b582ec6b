"""Stage 1: see every call that is about to leave through botocore, whichever way it takes."""

from guardrails.intercept.hooks import Interceptor
from guardrails.intercept.judge import Judge
from guardrails.intercept.tripwire import Passed, Tripwire

__all__ = ["Interceptor", "Judge", "Passed", "Tripwire"]
