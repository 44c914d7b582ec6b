"""The body of a request that is neither bytes nor a form's pairs: a file, an iterator, a view of memory.

What is decided on must be what is sent, and a file may say something else when it is read again. So it is read once,
and its bytes take its place.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, MutableMapping
from itertools import chain
from typing import Any, NamedTuple

from guardrails.intercept.request.outgoing import LONGEST_FORM
from guardrails.waiting.interruptions import is_injected

_PART = 65_536
_WAY = "give the request its body as bytes or a string"


class Read(NamedTuple):
    """What was read, and what must be sent now. `problem` says why it is not known whole, "" where it is."""

    body: Any
    problem: str = ""


def is_stream(body: object) -> bool:
    """Whether a body has to be read before anything can be said of it."""
    return not (body is None or isinstance(body, (bytes, bytearray, str, Mapping)))


def read(body: Any) -> Read:
    """The bytes of a body. One that is too long or cannot be read is still sent as it was, where the guard only warns.

    Raises nothing but what a signal handler or another thread of the script raises meanwhile.
    """
    parts: list[bytes] = []
    try:
        rest = _parts(body)
        length = 0
        for part in rest:
            parts.append(part)
            length += len(part)
            if length > LONGEST_FORM:
                problem = f"its body is a {type(body).__name__} of more than {LONGEST_FORM:,} bytes; {_WAY}"
                return Read(chain(parts, rest), problem)
    except Exception as error:
        if is_injected(error):
            raise
        why = f": {error}" if str(error) else ""
        return Read(body, f"its body is a {type(body).__name__} that cannot be read here{why}; {_WAY}")
    return Read(b"".join(parts))


def _parts(body: Any) -> Iterator[bytes]:
    """As they would be sent, from where the body is. Raises TypeError for what has none."""
    if callable(getattr(body, "read", None)):
        if inspect.iscoroutinefunction(body.read):
            raise TypeError("it can only be awaited")
        return _of_file(body)
    try:
        return iter((memoryview(body).tobytes(),))
    except TypeError:
        return map(_bytes, body)


def _of_file(body: Any) -> Iterator[bytes]:
    while part := body.read(_PART):
        yield _bytes(part)


def _bytes(part: Any) -> bytes:
    return part.encode() if isinstance(part, str) else memoryview(part).tobytes()


def replace(request: Any, body: Any) -> None:
    """Give a request of any of botocore's shapes another body, whose length is known if it is bytes."""
    if isinstance(request, MutableMapping):
        request["body"] = body
    elif hasattr(request, "data"):
        request.data = body
    else:
        request.body = body
        if isinstance(body, bytes) and "Transfer-Encoding" in request.headers:
            # There because the length was unknown.
            del request.headers["Transfer-Encoding"]
            request.headers["Content-Length"] = str(len(body))
