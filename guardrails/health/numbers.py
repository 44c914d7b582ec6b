"""Numbers that callers give, refused at once with one sentence where they make no sense."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any


def check(call: str, name: str, value: Any, least: float, *, whole: bool = False, endless: bool = False) -> None:
    """Raise ValueError unless this argument of a call is a number of at least `least`.

    With `endless` it may be infinite. NaN is never one: every comparison with it is false.
    """
    kind: Any = Integral if whole else Real
    good = isinstance(value, kind) and not isinstance(value, bool) and value >= least
    if not good or (math.isinf(value) and not endless):
        noun = "a whole number" if whole else "a number"
        raise ValueError(f"{call}({name}={value!r}): {name} must be {noun} of at least {least:g}")
