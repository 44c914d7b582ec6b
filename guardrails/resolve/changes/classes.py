"""Classes of machines, such as ``db.r6g.2xlarge``: which one is no smaller than another. Pure."""

from __future__ import annotations

import re

# The letters of the family (its generation may change), and the size.
_CLASS = re.compile(r"(?:\w+\.)?([a-z]+)\d+\w*\.(\w+)")
_SIZES = ("nano", "micro", "small", "medium", "large")


def no_smaller(new: str, old: str) -> bool:
    """Whether both are of one family and the first is at least as large; false for a name of another form."""
    classes = [_CLASS.fullmatch(name) for name in (new, old)]
    (family, size), (old_family, old_size) = (match.groups() if match else ("", "") for match in classes)
    rooms = (_room(size), _room(old_size))
    return family == old_family and None not in rooms and (rooms[0] or 0) >= (rooms[1] or 0)


def _room(size: str) -> int | None:
    """How large it is, in steps up to ``large`` and in multiples of ``xlarge`` beyond."""
    if size in _SIZES:
        return _SIZES.index(size)
    times = size.removesuffix("xlarge")
    return len(_SIZES) + int(times or 1) if times != size and (times or "1").isdigit() else None
