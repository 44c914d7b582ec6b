"""How to repair what the embedded engine refuses: it says what is wrong, and seldom what helps."""

from __future__ import annotations

import re

# By what the engine says, as a regular expression.
_HINTS = {
    r"item cannot be indexed": (
        ": a comprehension loops in front of its |, over something that may be missing; put the loop behind the |"
    ),
    r"use of undefined variable `.+` is unsafe": "; correct its name, or give it a value first",
    r"invalid character": '; take it out, and write a template string ($"…") with sprintf',
    r"invalid `.+` in default value": "; write a constant there, and the rest as a rule of the same name",
    r"(?:data|input) cannot be shadowed": "; give the rule another name",
    r"rule conflicts with rule at .+": "; only one may hold for a call: exclude the other's case, or write `else`",
    r"could not parse string as number": "; test the string first: regex.match(`^[0-9]+$`, x)",
    r"unexpected keyword `.+`": "; take it out, or use another name",
}


def hint(what: str) -> str:
    """What follows a sentence of the engine; "" where nothing is known."""
    return next((text for pattern, text in _HINTS.items() if re.fullmatch(pattern, what)), "")
