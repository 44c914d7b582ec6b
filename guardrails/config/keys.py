"""Every key of the configuration, and what its value must be.

A checker gets the value and the folder of the file, for relative paths; it returns the value for Settings, or raises
ValueError with the rest of a sentence that starts with the key.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

from guardrails.config.settings import SOURCES, Tag
from guardrails.values import Mode

MODES = get_args(Mode)
# What a rule may be turned into; "confirm" is not among them: a rule asks for confirmation by itself.
ENFORCEMENTS = ("deny", "warn", "dryrun")
ENGINES = ("embedded", "opa")

Checker = Callable[[Any, Path], Any]


def _word(*allowed: str) -> Checker:
    def check(value: Any, _: Path) -> str:
        if value not in allowed:
            raise ValueError(f"is {value!r}, must be one of {', '.join(allowed)}")
        return str(value)

    return check


def _text(value: Any, _: Path) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(f"is {value!r}, must be a text that is not empty")
    return value


def _texts(value: Any, directory: Path) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"is {value!r}, must be a list of texts")
    return tuple(_text(item, directory) for item in value)


def _number(value: Any, _: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < 1e9:
        raise ValueError(f"is {value!r}, must be a number above 0 and below 1e9")
    return float(value)


def _share(value: Any, _: Path) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 1:
        raise ValueError(f"is {value!r}, must be a number above 0 and at most 1")
    return float(value)


def _whole(least: int) -> Checker:
    def check(value: Any, _: Path) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"is {value!r}, must be a whole number, at least {least}")
        return value

    return check


def _bool(value: Any, _: Path) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"is {value!r}, must be true or false")
    return value


def _path(value: Any, directory: Path) -> Path:
    try:
        return directory / Path(_text(value, directory)).expanduser()
    except RuntimeError:
        raise ValueError(f"is {value!r}, and there is no such home folder; write the path out") from None


def _file(value: Any, directory: Path) -> Path:
    path = _path(value, directory)
    if not path.name:
        raise ValueError(f"is {value!r}, must name a file")
    return path


def _paths(value: Any, directory: Path) -> tuple[Path, ...]:
    return tuple(_path(item, directory) for item in _texts(value, directory))


def _region(value: Any, directory: Path) -> str:
    # As botocore has it: the name becomes part of a host's name.
    if not re.fullmatch(r"(?!-)[a-zA-Z\d-]{1,63}(?<!-)", _text(value, directory)):
        raise ValueError(f"is {value!r}, must be the name of a region such as eu-west-1")
    return str(value)


def _url(value: Any, directory: Path) -> str:
    text = _text(value, directory)
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError(f"is {value!r}, must be the address of an OPA server such as http://127.0.0.1:8181")
    return text


def _tag(value: Any, _: Path) -> Tag:
    texts = isinstance(value, Mapping) and all(isinstance(item, str) for item in value.values())
    if not texts or set(value) != {"key", "value"}:
        raise ValueError(f'is {value!r}, must be {{ key = "…", value = "…" }}')
    return Tag(value["key"], value["value"])


def _table(value: Any, _: Path) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f"is {value!r}, must be a table")
    return dict(value)


def _labels(value: Any, directory: Path) -> Mapping[str, str]:
    return {key: _text(item, directory) for key, item in _table(value, directory).items()}


def _enforcement(value: Any, directory: Path) -> Mapping[str, str]:
    checked = dict(_table(value, directory))
    for rule, word in checked.items():
        if word not in ENFORCEMENTS:
            raise ValueError(f"has {word!r} for {rule!r}, must be one of {', '.join(ENFORCEMENTS)}")
    return checked


def _sources(value: Any, directory: Path) -> tuple[str, ...]:
    found = _texts(value, directory)
    unknown = [name for name in found if name not in SOURCES]
    if unknown:
        raise ValueError(f"names {unknown[0]!r}, known are {', '.join(SOURCES)}")
    if not found:
        raise ValueError("is empty, must name at least one source")
    return tuple(dict.fromkeys(found))


KEYS: Mapping[str, Checker] = {
    "mode": _word(*MODES),
    "engine": _word(*ENGINES),
    "cluster_tag": _text,
    "home_region": _region,
    "long_tail": _bool,
    "max_fact_age_s": _number,
    "lookup_timeout_s": _number,
    "tripwire": _bool,
    "confirm_timeout_s": _number,
    "enforcement": _enforcement,
    "policies": _paths,
    "policy_key": _file,
    "break_glass.max_minutes": _number,
    "break_glass.command": _texts,
    "params": _table,
    "live.sources": _sources,
    "live.eip_addresses": _texts,
    "live.eip_tag": _tag,
    "live.tag": _tag,
    "live.ssm_parameter": _text,
    "live.file": _file,
    "live.env": _text,
    "opa.url": _url,
    "opa.token_file": _file,
    "opa.token_env": _text,
    "opa.ca": _file,
    "opa.cert": _file,
    "opa.key": _file,
    "opa.timeout_s": _number,
    "state.enabled": _bool,
    "state.path": _file,
    "state.window_s": _number,
    "pacing.enabled": _bool,
    "pacing.share": _share,
    "pacing.max_wait_s": _number,
    "log.enabled": _bool,
    "log.path": _file,
    "log.max_bytes": _whole(10_000),
    "log.keep": _whole(0),
    "log.labels": _labels,
}
