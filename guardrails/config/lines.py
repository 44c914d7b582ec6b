"""Find the line of a key in a TOML text, for error messages: the standard parser does not say."""

from __future__ import annotations

import re

_HEADER = re.compile(r"^\s*\[\s*([^\[\]]+?)\s*\]")


def line_of(text: str, key: str) -> int | None:
    """The line (from 1) on which dotted `key` is set, below its table's header or as a dotted key; None if unseen."""
    table, wanted = "", key
    for number, line in enumerate(text.splitlines(), 1):
        header = _HEADER.match(line)
        if header:
            table = header[1].replace('"', "").removeprefix("tool.guardrails").removeprefix(".")
            if table == wanted:
                return number
            continue
        name = line.partition("=")[0].strip().replace('"', "")
        if "=" in line and (f"{table}.{name}" if table else name) == wanted:
            return number
    return None
