"""Stage 1: see every call that is about to leave through botocore, on every path."""

from guardrails.intercept.hooks import Interceptor
from guardrails.intercept.judge import Judge
from guardrails.intercept.tripwire import BypassingRequest, Tripwire

__all__ = ["BypassingRequest", "Interceptor", "Judge", "Tripwire"]
