"""Stage 1: see every call that botocore is about to serialize onto the wire."""

from guardrails.intercept.hooks import Interceptor
from guardrails.intercept.origin import Origin

__all__ = ["Interceptor", "Origin"]
