"""Tracebacks without the guard's own frames."""

from __future__ import annotations

from types import TracebackType

_LIBRARIES = frozenset(("guardrails", "botocore", "boto3", "s3transfer", "aiobotocore", "aioboto3", "IPython"))


def trimmed(error: BaseException) -> BaseException:
    """Without its way through botocore and the guard, which tells the caller nothing.

    If the caller's own code is in it, such as a handler of botocore's events, it all stays.
    """
    traceback = error.__traceback__
    while traceback is not None:
        if is_theirs(traceback):
            return error
        traceback = traceback.tb_next
    return error.with_traceback(None)


def is_theirs(traceback: TracebackType) -> bool:
    """True for a frame of the user's own code."""
    return str(traceback.tb_frame.f_globals.get("__name__", "")).partition(".")[0] not in _LIBRARIES
