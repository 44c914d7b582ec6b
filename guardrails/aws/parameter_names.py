"""Names of Parameter Store parameters, which may be ARNs and may name a version."""

from __future__ import annotations

import re

_SSM_ARN = re.compile(r"arn:[^:]+:ssm:[^:]*:[^:]*:parameter/(?P<name>.+)")


def same_parameter(name: str, pointer: str | None) -> bool:
    """True where both name the same parameter; ``live`` and ``/live`` differ, but have the same ARN."""
    if pointer is None:
        return False
    (named, named_by_arn), (wanted, wanted_by_arn) = _parameter(name), _parameter(pointer)
    if named_by_arn or wanted_by_arn:
        return named.removeprefix("/") == wanted.removeprefix("/")
    return named == wanted


def _parameter(text: str) -> tuple[str, bool]:
    """The name without surrounding spaces or ``:version``, and whether it was an ARN."""
    # Region and account are not compared: refusing a parameter of another region is better than missing this one.
    arn = _SSM_ARN.fullmatch(text.strip())
    name = arn["name"] if arn else text.strip()
    return name.partition(":")[0], arn is not None
