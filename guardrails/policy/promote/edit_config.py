"""Edit the word that the configuration has for a rule, and nothing else in the file."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError


@frozen
class Place:
    """Where the configuration has a word for a rule: a line of its own, by its number (from 1) and its text."""

    rule: str
    file: Path
    number: int
    line: str
    of_organisation: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


def place_of(settings: Settings, rule: str) -> Place:
    """The line ``"rule" = "…"``. Raises ConfigError where there is none, or more than one."""
    where = settings.at("enforcement")
    name, _, _ = where.rpartition(":")
    file = Path(name or where)
    if not file.is_file():
        raise ConfigError(f"{where} sets `enforcement`, which is no file; edit it there")
    found = [(number, line) for number, line in enumerate(_lines(file), 1) if _line_of(rule).match(line)]
    if len(found) != 1:
        raise ConfigError(f'{where}: no line `"{rule}" = "…"` of its own; edit it by hand')
    return Place(rule, file, *found[0], of_organisation=file == settings.organisation)


def set_word(place: Place, word: str | None) -> str:
    """Write `word` for the rule there, or with None take the line away, so that the rule's own level holds.

    Returns what the line is now. Raises ConfigError, and leaves the file as it is, where somebody changed that line
    meanwhile, or the file would not load any more, or would not have that word for the rule; OSError where it cannot be
    written.
    """
    lines = _lines(place.file)
    if lines.count(place.line) != 1:
        raise ConfigError(
            f"{place.file}: the line of {place.rule} was changed meanwhile; nothing is written, look and repeat"
        )
    number = lines.index(place.line)
    new = "" if word is None else _line_of(place.rule).sub(rf'\g<head>"{word}"', place.line)
    lines[number : number + 1] = [new] if new else []
    text = "".join(lines)
    if _loaded(place, text).enforcement.get(place.rule) != word:
        raise ConfigError(f"{place}: it is not this line that `enforcement` has for {place.rule}; edit it by hand")
    _put(place.file.resolve(), text)
    return new.strip()


def _loaded(place: Place, text: str) -> Settings:
    """The settings of the file if it held this text."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / place.file.name
        trial.write_bytes(text.encode())
        try:
            return load({}, organisation=trial) if place.of_organisation else load(trial)
        except ConfigError as error:
            raise ConfigError(str(error).replace(str(trial), str(place.file))) from None


def _put(file: Path, text: str) -> None:
    """At once, so that a guarded process never reads half of it; in place, where that would make it another file."""
    try:
        _replace(file, text)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        with file.open("r+b") as there:
            there.write(text.encode())
            there.truncate()


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def _replace(file: Path, text: str) -> None:
    """Raises OSError where owner, group, mode or attributes (such as an access control list) would not be kept."""
    # Those of a security module are given to a new file by the module itself.
    if [name for name in os.listxattr(file) if not name.startswith("security.")] if hasattr(os, "listxattr") else ():
        raise OSError(errno.ENOTSUP, "it has attributes")
    status = file.stat()
    fd, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(fd, "wb") as made:
            made.write(text.encode())
            if (status.st_uid, status.st_gid) != (os.fstat(fd).st_uid, os.fstat(fd).st_gid):
                os.fchown(fd, status.st_uid, status.st_gid)
            os.fchmod(fd, status.st_mode & 0o7777)
        os.replace(name, file)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _line_of(rule: str) -> re.Pattern[str]:
    return re.compile(rf"""(?P<head>\s*["']{re.escape(rule)}["']\s*=\s*)["']\w+["']""")


def _lines(file: Path) -> list[str]:
    """With their ends; a line is what TOML calls one."""
    try:
        text = file.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: cannot be read ({error})") from error
    return [line for line in re.split(r"(?<=\n)", text) if line]
