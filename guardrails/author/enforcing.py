"""Edit the word that the configuration has for a rule, and nothing else in the file."""

from __future__ import annotations

import re
from pathlib import Path

from guardrails.config import load
from guardrails.errors import ConfigError
from guardrails.settings import Settings


def place_of(settings: Settings, rule: str) -> tuple[Path, int]:
    """File and line (from 1) of ``"rule" = "…"``. Raises ConfigError where it is not on a line of its own."""
    where = settings.at("enforcement")
    name, _, _ = where.rpartition(":")
    file = Path(name or where)
    if not file.is_file():
        raise ConfigError(f"{where} sets `enforcement`, which is no file; edit it there")
    found = [number for number, line in enumerate(_lines(file), 1) if _line_of(rule).match(line)]
    if len(found) != 1:
        raise ConfigError(f'{where}: no line `"{rule}" = "…"` of its own; edit it by hand')
    return file, found[0]


def set_word(file: Path, line: int, rule: str, word: str | None) -> str:
    """Write `word` for the rule there, or with None take the line away, so that the rule's own level holds.

    Returns what the line is now. The file is put back, and ConfigError raised, where it would not load any more.
    """
    before = file.read_text("utf-8")
    lines = _lines(file)
    old = lines[line - 1]
    new = "" if word is None else _line_of(rule).sub(rf'\g<head>"{word}"', old)
    lines[line - 1 : line] = [new] if new else []
    file.write_text("".join(lines), "utf-8")
    try:
        load(file)
    except ConfigError:
        file.write_text(before, "utf-8")
        raise
    return new.strip()


def _line_of(rule: str) -> re.Pattern[str]:
    return re.compile(rf"""(?P<head>\s*["']{re.escape(rule)}["']\s*=\s*)["']\w+["']""")


def _lines(file: Path) -> list[str]:
    return file.read_text("utf-8").splitlines(keepends=True)
