"""Read the configuration: guardrails.toml, or [tool.guardrails] in pyproject.toml, and the organisation's file.

Every key is checked against a table; an unknown key or word is an error that names file and line, never a default.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from guardrails.config.keys import KEYS
from guardrails.config.lines import line_of
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError

ORGANISATION = Path("/etc/guardrails/guardrails.toml")
ENVIRONMENT = "GUARDRAILS_CONFIG"


def load(
    config: str | Path | Mapping[str, Any] | Settings | None = None,
    *,
    directory: Path | None = None,
    organisation: Path = ORGANISATION,
) -> Settings:
    """Settings from a path, a mapping of the same keys, or None: GUARDRAILS_CONFIG, else the first file found upward.

    Raises ConfigError for anything that is not understood, and for a key that the organisation's file locks.
    """
    if isinstance(config, Settings):
        return config
    local = _local(config, directory)
    shared, locked = _organisation(organisation)
    for key in locked:
        if key in local.values and local.values[key] != shared.values.get(key):
            raise ConfigError(f"{local.at(key)}: `{key}` is locked by {shared.at(key)}; remove it here")
    file = local.directory / Path(local.name).name if local.text else None
    settings = Settings(file=file, organisation=organisation if shared.text else None)
    for document in (shared, local):
        settings = _apply(settings, document)
    return _check(settings)


def reload(settings: Settings) -> Settings:
    """The settings with `policies`, `params` and `enforcement` as their file has them now, all else as it was.

    Other keys take effect in new processes only: clients, logs and sources of liveness are made from them once.
    Settings that came from a mapping stay as they are. Raises ConfigError.
    """
    if settings.file is None:
        return settings
    now = load(settings.file, organisation=settings.organisation or ORGANISATION)
    return evolve(settings, policies=now.policies, params=now.params, enforcement=now.enforcement, where=now.where)


@frozen
class _Document:
    """One file's keys by dotted name, and where each stands."""

    name: str
    text: str
    values: Mapping[str, Any]
    directory: Path

    def at(self, key: str) -> str:
        line = line_of(self.text, key)
        return f"{self.name}:{line}" if line else self.name


# Tables of keys of ours; other tables (params, labels …) are values.
_TABLES = ("break_glass", "live", "log", "opa", "pacing", "state")


def _local(config: str | Path | Mapping[str, Any] | None, directory: Path | None) -> _Document:
    if isinstance(config, Mapping):
        return _Document("install(config)", "", _flatten(config, "install(config)"), directory or _here())
    if config is not None:
        return _read(Path(config), f"{config} does not exist")
    named = os.environ.get(ENVIRONMENT)
    if named:
        return _read(Path(named), f"{ENVIRONMENT}={named}: the file does not exist")
    directory = directory or _here()
    for folder in (directory, *directory.parents):
        file = folder / "guardrails.toml"
        if _is_there(file):
            return _read(file, f"{file} is a link to what is not there")
        project = folder / "pyproject.toml"
        if _is_there(project) and _has_table(project):
            return _read(project, "")
    return _Document("", "", {}, directory)


def _here() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigError(
            f"the working directory cannot be told ({error.strerror}); change to one that is there"
        ) from error


def _is_there(file: Path) -> bool:
    """Also what is no file, or a link to nothing: somebody meant it to be read."""
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigError(
            f"{file}: nobody can tell whether it is there ({error.strerror}); mend that, or name one in {ENVIRONMENT}"
        ) from error
    return True


def _organisation(path: Path) -> tuple[_Document, tuple[str, ...]]:
    if not _is_there(path):
        return _Document("", "", {}, path.parent), ()
    document = _read(path, f"{path} is a link to what is not there")
    values = dict(document.values)
    locked = values.pop("locked", [])
    if not isinstance(locked, list) or not all(isinstance(key, str) for key in locked):
        raise ConfigError(f"{document.at('locked')}: `locked` must be a list of key names")
    unset = [key for key in locked if key not in values]
    if unset:
        raise ConfigError(f"{document.at('locked')}: `{unset[0]}` is locked but not set in this file; set it")
    return evolve(document, values=values), tuple(locked)


def _has_table(project: Path) -> bool:
    try:
        return "guardrails" in tomllib.loads(project.read_text("utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        # Somebody else's file, with nothing of ours that could be read.
        return False


def _read(path: Path, missing: str) -> _Document:
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{missing}; create it or name another file") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error})") from error
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(_not_toml(path, str(error))) from error
    if path.name == "pyproject.toml":
        parsed = parsed.get("tool", {}).get("guardrails", {})
    return _Document(str(path), text, _flatten(parsed, str(path)), path.resolve().parent)


_PLACE = re.compile(r"^(?P<what>.*) \(at line (?P<line>\d+), column (?P<column>\d+)\)$")


def _not_toml(path: Path, error: str) -> str:
    """The standard parser names the place at the end of its sentence only (its attributes came with Python 3.14)."""
    found = _PLACE.match(error)
    return f"{path}:{found['line']}:{found['column']}: not valid TOML: {found['what']}" if found else f"{path}: {error}"


def _flatten(parsed: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Dotted keys down to the values of the table below; free tables (params, labels …) stay whole."""
    flat: dict[str, Any] = {}
    for key, value in parsed.items():
        if key in _TABLES:
            if not isinstance(value, Mapping):
                raise ConfigError(f"{name}: `{key}` must be a table, [{key}]")
            flat |= {f"{key}.{inner}": item for inner, item in value.items()}
        else:
            flat[key] = value
    return flat


def _apply(settings: Settings, document: _Document) -> Settings:
    changes: dict[str, dict[str, Any]] = {"": {}, **{table: {} for table in _TABLES}}
    where = dict(settings.where)
    for key, value in document.values.items():
        checker = KEYS.get(key)
        if checker is None:
            raise ConfigError(f"{document.at(key)}: unknown key `{key}`; known are {', '.join(sorted(KEYS))}")
        try:
            checked = checker(value, document.directory)
        except ValueError as error:
            raise ConfigError(f"{document.at(key)}: `{key}` {error}") from error
        where[key] = document.at(key)
        table, _, name = key.rpartition(".")
        changes[table][name] = checked
    tables = {table: evolve(getattr(settings, table), **changes[table]) for table in _TABLES}
    return evolve(settings, where=where, **tables, **changes[""])


def _check(settings: Settings) -> Settings:
    """What one key means for another: a source must have what it reads."""
    live = settings.live
    needs = {"ssm": ("ssm_parameter", live.ssm_parameter), "file": ("file", live.file), "env": ("env", live.env)}
    for source in live.sources:
        key, value = needs.get(source, ("", True))
        if not value:
            raise ConfigError(f'{settings.at("live.sources")}: source "{source}" needs `live.{key}`; set it')
    return settings
