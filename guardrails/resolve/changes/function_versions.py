"""Which version of a Lambda function a call means: the qualifier, or what follows the function's name."""

from __future__ import annotations

import re

# https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html, the pattern of FunctionName.
_NAMED = re.compile(
    r"(?P<function>(?:arn:[^:]*:lambda:)?(?:[a-z]+(?:-[a-z]+)+-\d:)?(?:\d{12}:)?(?:function:)?[\w.-]++)"
    r"(?::(?P<qualifier>[\w$-]++))?"
)
# An alias is never a number.
_VERSION = re.compile(r"\d+")


def version_of(name: str, qualifier: str | None) -> list[str] | None:
    """[the function, its version]; None where no version is named, or two that differ."""
    parts = _NAMED.fullmatch(name)
    if parts is None:
        return None
    named = {each for each in (parts["qualifier"], qualifier) if each}
    version = named.pop() if len(named) == 1 else ""
    return [parts["function"], version] if _VERSION.fullmatch(version) else None
