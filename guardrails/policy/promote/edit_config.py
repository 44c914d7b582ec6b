"""Change the level that the configuration sets for a rule, and nothing else in the file."""

from __future__ import annotations

import errno
import os
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from guardrails.config.document import start_of
from guardrails.config.lines import line_of, lines_of
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.values import frozen


@frozen
class RuleSetting:
    """Where the configuration sets the level of a rule: the file, and ``file:line`` for people."""

    rule: str
    level: str
    file: Path
    where: str
    of_organisation: bool


def find_setting(settings: Settings, rule: str) -> RuleSetting:
    """Where `enforcement` has the rule, which it must have. Raises ConfigError where that is not a file."""
    where = settings.at("enforcement", rule)
    file = Path(where.rpartition(":")[0] or where)
    if not file.is_file():
        raise ConfigError(f"{where} sets `enforcement`, which is not a file; edit it there")
    return RuleSetting(rule, settings.enforcement[rule], file, where, of_organisation=file == settings.organisation)


def write_level(setting: RuleSetting, level: str | None) -> str:
    """Set the rule to `level` in the file; with None remove the rule, so that its own level applies.

    Returns the rule's line as it is then, "" where it is removed. Raises ConfigError, and leaves the file unchanged,
    where the rule was changed since the setting was found, or the file would not load; OSError where it cannot be
    written.
    """
    text = _read(setting.file)
    try:
        document = tomlkit.parse(text)
        enforcement = _enforcement_of(document, setting.file)
    except (TOMLKitError, KeyError, TypeError):
        enforcement = {}
    if enforcement.get(setting.rule) != setting.level:
        raise ConfigError(
            f"{setting.file}: the level of {setting.rule} was changed in the meantime; nothing is written. "
            "Check the file and try again"
        )
    if level is None:
        del enforcement[setting.rule]
    else:
        enforcement[setting.rule] = level
    edited = tomlkit.dumps(document)
    if not _differ_only_by_rule(text, edited, setting, level):
        raise ConfigError(f"{setting.where}: {setting.rule} cannot be changed without changing more; edit it by hand")
    _check_that_it_loads(setting, edited)
    _put(setting.file.resolve(), edited)
    return "" if level is None else _line_of_rule(setting, edited)


def _enforcement_of(document: Mapping[str, Any], file: Path) -> Any:
    table: Any = document
    for step in (*start_of(file), "enforcement"):
        table = table[step]
    return table


def _differ_only_by_rule(before: str, after: str, setting: RuleSetting, level: str | None) -> bool:
    """Whether the two documents are the same, except that the second has `level` for the rule."""
    expected, edited = tomllib.loads(before), tomllib.loads(after)
    enforcement = _enforcement_of(expected, setting.file)
    if level is not None:
        enforcement[setting.rule] = level
    else:
        del enforcement[setting.rule]
        if not enforcement:
            # Whether an empty table is left depends on how it was written; it means the same.
            around = edited
            for step in start_of(setting.file):
                around = around.setdefault(step, {})
            around.setdefault("enforcement", {})
    return expected == edited


def _line_of_rule(setting: RuleSetting, text: str) -> str:
    line = line_of(lines_of(text), (*start_of(setting.file), "enforcement", setting.rule))
    return text.split("\n")[(line or 1) - 1].strip()


def _check_that_it_loads(setting: RuleSetting, text: str) -> None:
    """Raises ConfigError where the configuration would not load with this text."""
    with tempfile.TemporaryDirectory() as folder:
        trial = Path(folder) / setting.file.name
        trial.write_bytes(text.encode())
        try:
            if setting.of_organisation:
                load({}, organisation=trial)
            else:
                load(trial)
        except ConfigError as error:
            raise ConfigError(str(error).replace(str(trial), str(setting.file))) from None


def _put(file: Path, text: str) -> None:
    """Write the file in one step, so that a guarded process never reads half of it.

    Where that would change its owner or attributes, its content is overwritten instead.
    """
    try:
        _replace(file, text)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise
        with file.open("r+b") as opened:
            opened.write(text.encode())
            opened.truncate()


_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


def _replace(file: Path, text: str) -> None:
    """Raises OSError where owner, group, mode or attributes (such as an access control list) would not be kept."""
    # A security module gives a new file its attributes by itself.
    if [name for name in os.listxattr(file) if not name.startswith("security.")] if hasattr(os, "listxattr") else ():
        raise OSError(errno.ENOTSUP, "it has attributes")
    status = file.stat()
    fd, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(fd, "wb") as temporary:
            temporary.write(text.encode())
            if (status.st_uid, status.st_gid) != (os.fstat(fd).st_uid, os.fstat(fd).st_gid):
                os.fchown(fd, status.st_uid, status.st_gid)
            os.chmod(name, status.st_mode & 0o7777)
        os.replace(name, file)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise


def _read(file: Path) -> str:
    """The text with its own line ends, without the mark that Windows puts before it."""
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: cannot be read ({error})") from error
