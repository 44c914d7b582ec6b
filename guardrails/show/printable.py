"""Text from elsewhere (a tag, a log, an answer of AWS) as it may be shown: nothing in it acts on whoever looks.

A control character could move the cursor of a terminal and overwrite what was said there, and one that turns the
direction of writing round could show an id as another.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """Line ends and tabs become blanks; whatever else cannot be printed becomes its escape, as in a Python string."""
    if text.isprintable():
        return text
    return "".join(" " if char in "\n\r\t" else char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
