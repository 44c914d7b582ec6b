"""Stage 1: see every call that botocore is about to serialize onto the wire."""

from guardrails.intercept.hooks import Interceptor

__all__ = ["Interceptor"]
