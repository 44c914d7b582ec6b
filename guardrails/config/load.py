"""Read the configuration: guardrails.toml, or [tool.guardrails] in pyproject.toml, and the organisation's file.

Every key is checked against the table in keys.py; an unknown key or word is an error that names file and line, never a
default.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve

from guardrails.config import waves
from guardrails.config.document import Document, from_file, from_mapping, has_our_table
from guardrails.config.keys import KEYS, TABLES
from guardrails.config.locks import Locks
from guardrails.config.schema import Mismatch
from guardrails.config.settings import Settings
from guardrails.config.suggest import suggestion
from guardrails.errors import ConfigError

ORGANISATION = Path("/etc/guardrails/guardrails.toml")
ENVIRONMENT = "GUARDRAILS_CONFIG"
# Tables whose keys are rules and parameters: a local one adds to the organisation's, name by name.
_BY_NAME = ("enforcement", "params")
_LISTED = "`guardrails docs configuration` lists all keys"


def load(
    config: str | Path | Mapping[str, Any] | Settings | None = None,
    *,
    directory: Path | None = None,
    organisation: Path | None = None,
) -> Settings:
    """Settings from a path, a mapping of the same keys, or None: GUARDRAILS_CONFIG, else the first file found upward.

    `directory` is where that starts, by default the working directory. With GUARDRAILS_CONFIG=/dev/null there is none.
    Raises ConfigError for anything that is not understood, and for a key that the organisation's file locks.
    """
    shared, locks = _organisation(organisation or ORGANISATION)
    if isinstance(config, Settings):
        return _with_what_keys_need(locks.applied(config))
    local = _local(config, directory)
    for key in local.values:
        lock = locks.of(key)
        if lock is not None and local.values[key] != shared.values.get(key):
            raise locks.refusal(local.at(key), key)
    # Not where a link leads: that may have another name, and may be gone after the next deployment.
    file = Path(os.path.abspath(local.file)) if local.file else None
    found_upward = file is not None and config is None and not os.environ.get(ENVIRONMENT)
    settings = evolve(_apply(locks.base, local), file=file, organisation=shared.file, found_upward=found_upward)
    return _with_what_keys_need(_with_what_sources_need(locks.applied(settings)))


def reload(settings: Settings) -> Settings:
    """The settings with `policies`, `params` and `enforcement` as their file has them now; the rest is unchanged.

    Other keys take effect in new processes only: clients, logs and sources of liveness are made from them once.
    Settings that came from a mapping are returned as they are. Raises ConfigError.
    """
    if settings.file is None:
        return settings
    now = load(settings.file, organisation=settings.organisation)
    if settings.where and not now.where:
        raise ConfigError(f"{settings.file}: every key in this file is gone; put them back, or start the process again")
    return evolve(
        settings,
        policies=now.policies,
        params=now.params,
        enforcement=now.enforcement,
        floor=now.floor,
        where=now.where,
        where_inside=now.where_inside,
    )


def _local(config: str | Path | Mapping[str, Any] | None, directory: Path | None) -> Document:
    if isinstance(config, Mapping):
        return from_mapping(config, directory or _working_directory())
    if isinstance(config, (str, os.PathLike)) and os.fspath(config):
        return from_file(Path(config), f"{config} does not exist")
    if config is not None:
        raise ConfigError(
            f"the configuration is {config!r}; give the path of a file, a mapping with its keys, or Settings"
        )
    named = os.environ.get(ENVIRONMENT)
    if named == os.devnull:
        return Document("", {}, Path(os.devnull).parent)
    if named:
        return from_file((directory or Path()) / named, f"{ENVIRONMENT}={named}: the file does not exist")
    directory = directory or _working_directory()
    for folder in (directory, *directory.parents):
        file = folder / "guardrails.toml"
        if _exists(file):
            return from_file(file, f"{file} is a broken link")
        project = folder / "pyproject.toml"
        if _exists(project) and has_our_table(project):
            return from_file(project, f"{project} does not exist")
    return Document("", {}, directory)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise ConfigError(
            f"cannot determine the working directory ({error.strerror}); change to one that exists"
        ) from error


def _exists(file: Path) -> bool:
    """True also for a folder or a broken link: someone meant it to be read."""
    try:
        file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot tell whether it exists ({error.strerror}); fix that, or name a file in {ENVIRONMENT}"
        ) from error
    return True


def _organisation(path: Path) -> tuple[Document, Locks]:
    """The organisation's file, and what it locks."""
    if not _exists(path):
        return Document("", {}, path.parent), Locks((), Settings(), (), "")
    document = from_file(path, f"{path} is a broken link")
    values = dict(document.values)
    locked = values.pop("locked", [])
    place = document.at("locked")
    if not isinstance(locked, list) or not all(isinstance(key, str) for key in locked):
        raise ConfigError(f"{place}: `locked` must be a list of keys")
    for number, key in enumerate(locked):
        if key in values or key in TABLES or key in _BY_NAME:
            continue
        where = document.at("locked", number)
        if key in KEYS:
            raise ConfigError(f"{where}: `{key}` is locked but not set in this file; set it")
        raise ConfigError(f"{where}: `locked` names the unknown key `{key}`; {suggestion(key, KEYS, _LISTED)}")
    document = evolve(document, values=values)
    return document, Locks(tuple(locked), _apply(Settings(), document), frozenset(values), place)


def _apply(settings: Settings, document: Document) -> Settings:
    """The settings with the document's keys over them."""
    changes: dict[str, dict[str, Any]] = {table: {} for table in ("", *TABLES)}
    where, inside = dict(settings.where), dict(settings.where_inside)
    for key, value in document.values.items():
        table, _, name = key.rpartition(".")
        checked = _checked(key, value, document)
        where[key] = document.at(key)
        if key in _BY_NAME:
            checked = {**getattr(settings, key), **checked}
        else:
            inside = {path: place for path, place in inside.items() if path[0] != key}
        inside |= document.places(key)
        changes[table][name] = checked
    tables = {table: evolve(getattr(settings, table), **changes[table]) for table in TABLES}
    return evolve(settings, where=where, where_inside=inside, **tables, **changes[""])


def _checked(key: str, value: Any, document: Document) -> Any:
    if key in TABLES:
        raise ConfigError(f"{document.at(key)}: `{key}` must be a table, [{key}]")
    if key not in KEYS:
        known = suggestion(key, (*KEYS, *TABLES), _LISTED)
        raise ConfigError(f"{document.at(key)}: unknown key `{key}`; {known}")
    try:
        return KEYS[key].kind.check(value, document.directory)
    except Mismatch as mismatch:
        sentence = mismatch.sentence("key", KEYS[key].path, _LISTED)
        raise ConfigError(f"{document.at(key, *mismatch.path)}: {sentence}") from None


def _with_what_sources_need(settings: Settings) -> Settings:
    """The settings. Raises ConfigError where a source of liveness lacks the key with what it reads."""
    live = settings.live
    needs: Mapping[str, tuple[str, Any]] = {
        "dns": ("records", live.records),
        "beanstalk": ("cnames", live.cnames),
        "command": ("command", live.command),
        "ssm": ("ssm_parameter", live.ssm_parameter),
        "file": ("file", live.file),
        "env": ("env", live.env),
    }
    for source in live.sources:
        key, value = needs.get(source, ("", True))
        if not value:
            raise ConfigError(f'{settings.at("live.sources")}: source "{source}" needs `live.{key}`; set it')
    if live.sources == ("traffic",):
        raise ConfigError(
            f'{settings.at("live.sources")}: source "traffic" only adds clusters; name another source beside it'
        )
    return settings


def _with_what_keys_need(settings: Settings) -> Settings:
    """The settings. Raises ConfigError where a key needs another: the sink the log, and waves the memory."""
    if settings.log.sink and not settings.log.enabled:
        raise ConfigError(
            f"{settings.at('log.enabled')}: `log.enabled` is false, and `log.sink` needs the log "
            f"({settings.at('log.sink')}); remove one of them"
        )
    if waves.in_use(settings):
        waves.check(settings)
    return settings
