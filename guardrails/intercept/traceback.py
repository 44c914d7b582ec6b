"""Tracebacks without the guard's own frames."""

from __future__ import annotations

from types import TracebackType

_LIBRARIES = frozenset(("guardrails", "botocore", "boto3", "s3transfer", "aiobotocore", "aioboto3", "IPython"))


def trimmed(error: BaseException) -> BaseException:
    """The error without its frames in botocore and the guard, which mean nothing to users.

    If the user's own code is among those frames, for example an event handler, all of them stay.
    """
    traceback = error.__traceback__
    while traceback is not None:
        if is_user_code(traceback):
            return error
        traceback = traceback.tb_next
    return error.with_traceback(None)


def is_user_code(traceback: TracebackType) -> bool:
    """True for a frame of the user's own code."""
    return is_user_module(str(traceback.tb_frame.f_globals.get("__name__", "")))


def is_user_module(name: str) -> bool:
    """True for the name of a module that is the user's own."""
    return name.partition(".")[0] not in _LIBRARIES
