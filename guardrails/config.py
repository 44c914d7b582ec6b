"""Read the configuration: guardrails.toml, or [tool.guardrails] in pyproject.toml, and the organisation's file.

Every key is checked against a table; an unknown key or word is an error that names file and line, never a default.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from attrs import Factory, evolve, frozen

from guardrails.errors import ConfigError
from guardrails.live import SOURCES, LiveSettings, Tag
from guardrails.toml_lines import line_of
from guardrails.values import Mode

ORGANISATION = Path("/etc/guardrails/guardrails.toml")
ENVIRONMENT = "GUARDRAILS_CONFIG"
MODES = get_args(Mode)
# What a rule may be turned into; "confirm" is not among them: a rule asks for confirmation by itself.
ENFORCEMENTS = ("deny", "warn", "dryrun")
ENGINES = ("embedded",)


@frozen
class LogSettings:
    """The decision log: one JSON line per decision in `path`, rotated at `max_bytes`, `keep` old files kept."""

    enabled: bool = True
    path: Path = Factory(lambda: _state_home() / "decisions.jsonl")
    max_bytes: int = 50_000_000
    keep: int = 5
    labels: Mapping[str, str] = Factory(dict)


@frozen
class Settings:
    """A checked configuration. `where` gives ``file:line`` of each key that a file set, by dotted name."""

    mode: Mode = "enforce"
    engine: str = "embedded"
    cluster_tag: str = "Cluster"
    max_fact_age_s: float = 5.0
    lookup_timeout_s: float = 10.0
    enforcement: Mapping[str, str] = Factory(dict)
    policies: tuple[Path, ...] = ()
    params: Mapping[str, Any] = Factory(dict)
    live: LiveSettings = Factory(LiveSettings)
    log: LogSettings = Factory(LogSettings)
    where: Mapping[str, str] = Factory(dict)

    def at(self, key: str) -> str:
        """``guardrails.toml:7`` for an error about `key`, or ``the configuration`` when no file set it."""
        return self.where.get(key, "the configuration")


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
    local = _local(config, directory or Path.cwd())
    shared, locked = _organisation(organisation)
    for key in locked:
        if key in local.values and local.values[key] != shared.values.get(key):
            raise ConfigError(f"{local.at(key)}: `{key}` is locked by {shared.at(key)}; remove it here")
    settings = Settings()
    for document in (shared, local):
        settings = _apply(settings, document)
    return _check(settings)


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


def _local(config: str | Path | Mapping[str, Any] | None, directory: Path) -> _Document:
    if isinstance(config, Mapping):
        return _Document("install(config)", "", _flatten(config, "install(config)"), directory)
    if config is not None:
        return _read(Path(config), f"{config} does not exist")
    named = os.environ.get(ENVIRONMENT)
    if named:
        return _read(Path(named), f"{ENVIRONMENT}={named}: the file does not exist")
    for folder in (directory, *directory.parents):
        file = folder / "guardrails.toml"
        if file.is_file():
            return _read(file, "")
        project = folder / "pyproject.toml"
        if project.is_file() and _has_table(project):
            return _read(project, "")
    return _Document("", "", {}, directory)


def _organisation(path: Path) -> tuple[_Document, tuple[str, ...]]:
    if not path.is_file():
        return _Document("", "", {}, path.parent), ()
    document = _read(path, "")
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
        if key in ("live", "log"):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{name}: `{key}` must be a table, [{key}]")
            flat |= {f"{key}.{inner}": item for inner, item in value.items()}
        else:
            flat[key] = value
    return flat


# -- one checker per key: (value, document) -> value, raising ValueError with the rest of a sentence ---------------

_Checker = Callable[[Any, _Document], Any]


def _word(*allowed: str) -> _Checker:
    def check(value: Any, _: _Document) -> str:
        if value not in allowed:
            raise ValueError(f"is {value!r}, must be one of {', '.join(allowed)}")
        return str(value)

    return check


def _text(value: Any, _: _Document) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"is {value!r}, must be a text")
    return value


def _texts(value: Any, document: _Document) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"is {value!r}, must be a list of texts")
    return tuple(_text(item, document) for item in value)


def _number(value: Any, _: _Document) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise ValueError(f"is {value!r}, must be a number above 0")
    return float(value)


def _whole(least: int) -> _Checker:
    def check(value: Any, _: _Document) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"is {value!r}, must be a whole number, at least {least}")
        return value

    return check


def _bool(value: Any, _: _Document) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"is {value!r}, must be true or false")
    return value


def _path(value: Any, document: _Document) -> Path:
    return document.directory / Path(_text(value, document)).expanduser()


def _paths(value: Any, document: _Document) -> tuple[Path, ...]:
    return tuple(document.directory / Path(item).expanduser() for item in _texts(value, document))


def _tag(value: Any, _: _Document) -> Tag:
    texts = isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())
    if not texts or set(value) != {"key", "value"}:
        raise ValueError(f'is {value!r}, must be {{ key = "…", value = "…" }}')
    return Tag(value["key"], value["value"])


def _table(value: Any, _: _Document) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"is {value!r}, must be a table")
    return dict(value)


# The words that the shipped policies know; they would take any other for the strictest.
_PARAM_WORDS = {"untagged": ("deny", "confirm", "allow"), "disputed": ("protect-named", "deny")}


def _params(value: Any, document: _Document) -> Mapping[str, Any]:
    params = _table(value, document)
    for name, words in _PARAM_WORDS.items():
        if name in params and params[name] not in words:
            raise ValueError(f"has {params[name]!r} for {name!r}, must be one of {', '.join(words)}")
    return params


def _labels(value: Any, document: _Document) -> Mapping[str, str]:
    return {key: _text(item, document) for key, item in _table(value, document).items()}


def _enforcement(value: Any, document: _Document) -> Mapping[str, str]:
    checked = dict(_table(value, document))
    for rule, word in checked.items():
        if word not in ENFORCEMENTS:
            raise ValueError(f"has {word!r} for {rule!r}, must be one of {', '.join(ENFORCEMENTS)}")
    return checked


def _sources(value: Any, document: _Document) -> tuple[str, ...]:
    found = _texts(value, document)
    unknown = [name for name in found if name not in SOURCES]
    if unknown:
        raise ValueError(f"names {unknown[0]!r}, known are {', '.join(SOURCES)}")
    if not found:
        raise ValueError("is empty, must name at least one source")
    return tuple(dict.fromkeys(found))


_KEYS: Mapping[str, _Checker] = {
    "mode": _word(*MODES),
    "engine": _word(*ENGINES),
    "cluster_tag": _text,
    "max_fact_age_s": _number,
    "lookup_timeout_s": _number,
    "enforcement": _enforcement,
    "policies": _paths,
    "params": _params,
    "live.sources": _sources,
    "live.eip_addresses": _texts,
    "live.eip_tag": _tag,
    "live.tag": _tag,
    "live.ssm_parameter": _text,
    "live.file": _path,
    "live.env": _text,
    "log.enabled": _bool,
    "log.path": _path,
    "log.max_bytes": _whole(10_000),
    "log.keep": _whole(0),
    "log.labels": _labels,
}


def _apply(settings: Settings, document: _Document) -> Settings:
    changes: dict[str, dict[str, Any]] = {"": {}, "live": {}, "log": {}}
    where = dict(settings.where)
    for key, value in document.values.items():
        checker = _KEYS.get(key)
        if checker is None:
            raise ConfigError(f"{document.at(key)}: unknown key `{key}`; known are {', '.join(sorted(_KEYS))}")
        try:
            checked = checker(value, document)
        except ValueError as error:
            raise ConfigError(f"{document.at(key)}: `{key}` {error}") from error
        where[key] = document.at(key)
        table, _, name = key.rpartition(".")
        changes[table][name] = checked
    return evolve(
        settings,
        live=evolve(settings.live, **changes["live"]),
        log=evolve(settings.log, **changes["log"]),
        where=where,
        **changes[""],
    )


def _check(settings: Settings) -> Settings:
    """What one key means for another: a source must have what it reads."""
    live = settings.live
    needs = {"ssm": ("ssm_parameter", live.ssm_parameter), "file": ("file", live.file), "env": ("env", live.env)}
    for source in live.sources:
        key, value = needs.get(source, ("", True))
        if not value:
            raise ConfigError(f'{settings.at("live.sources")}: source "{source}" needs `live.{key}`; set it')
    return settings


def _state_home() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "guardrails"
