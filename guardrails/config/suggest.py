"""One suggestion for a name that is unknown."""

from __future__ import annotations

from collections.abc import Iterable


def suggestion(name: object, known: Iterable[str], listed: str) -> str:
    """``did you mean `mode`?``, or, where nothing is close, `listed`: where all names are.

    A name in a mapping from Python may be something else than a string.
    """
    import difflib  # noqa: PLC0415  (only for a mistake)

    near = difflib.get_close_matches(str(name), sorted(known), 1)
    return f"did you mean `{near[0]}`?" if near else listed
