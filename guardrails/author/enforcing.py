"""Edit the word that the configuration has for a rule, and nothing else in the file."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from guardrails.config import load
from guardrails.errors import ConfigError
from guardrails.settings import Settings


def place_of(settings: Settings, rule: str) -> tuple[Path, int, str]:
    """File, number (from 1) and text of the line ``"rule" = "…"``.

    Raises ConfigError where it has no line of its own.
    """
    where = settings.at("enforcement")
    name, _, _ = where.rpartition(":")
    file = Path(name or where)
    if not file.is_file():
        raise ConfigError(f"{where} sets `enforcement`, which is no file; edit it there")
    found = [(number, line) for number, line in enumerate(_lines(file), 1) if _line_of(rule).match(line)]
    if len(found) != 1:
        raise ConfigError(f'{where}: no line `"{rule}" = "…"` of its own; edit it by hand')
    return file, *found[0]


def set_word(file: Path, old: str, rule: str, word: str | None) -> str:
    """Write `word` for the rule in the line `old`, or with None take it away, so that the rule's own level holds.

    Returns what the line is now. Raises ConfigError, and leaves the file as it was, where that line is not there once,
    because somebody edited the file meanwhile, or where the file would not load any more.
    """
    lines = _lines(file)
    before = "".join(lines)
    if lines.count(old) != 1:
        raise ConfigError(f"{file}: the line of {rule} was changed meanwhile; nothing is written, look and repeat")
    number = lines.index(old)
    new = "" if word is None else _line_of(rule).sub(rf'\g<head>"{word}"', old)
    lines[number : number + 1] = [new] if new else []
    _put(file, "".join(lines))
    try:
        load(file)
    except ConfigError:
        _put(file, before)
        raise
    return new.strip()


def _put(file: Path, text: str) -> None:
    """At once: a guarded process that reads its configuration anew never sees half of it."""
    real = file.resolve()
    fd, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}.")
    try:
        with os.fdopen(fd, "w", encoding="utf-8", newline="") as made:
            made.write(text)
        shutil.copymode(real, name)
        with suppress(PermissionError):
            os.chown(name, real.stat().st_uid, real.stat().st_gid)
        os.replace(name, real)
    except BaseException:
        os.unlink(name)
        raise


def _line_of(rule: str) -> re.Pattern[str]:
    return re.compile(rf"""(?P<head>\s*["']{re.escape(rule)}["']\s*=\s*)["']\w+["']""")


def _lines(file: Path) -> list[str]:
    return file.read_bytes().decode("utf-8").splitlines(keepends=True)
