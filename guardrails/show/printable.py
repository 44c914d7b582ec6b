"""Make text from outside (a tag, a log, an answer of AWS) safe to show.

A control character could move a terminal's cursor and overwrite other output; one that reverses the direction of
writing could make an id look like another.
"""

from __future__ import annotations


def printable(text: str) -> str:
    """Line ends and tabs become blanks; other unprintable characters become escapes, as in a Python string."""
    if text.isprintable():
        return text
    return "".join(" " if char in "\n\r\t" else char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
