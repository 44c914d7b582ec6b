"""One suggestion for a name that is unknown."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(name: str, known: Iterable[str], listed: str) -> str:
    """``did you mean `mode`?``, or, where nothing is close, `listed`: where all names are."""
    near = difflib.get_close_matches(name, sorted(known), 1)
    return f"did you mean `{near[0]}`?" if near else listed
