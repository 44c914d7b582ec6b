"""Policies and their data, read from folders into one bundle with a revision."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

from guardrails.errors import PolicyError
from guardrails.evaluate import bundle_file, signature


@frozen
class Bundle:
    """`modules` by the file they came from, `data` as one document.

    `revision` is a digest of both; or what a bundle's manifest calls it, with a digest behind it where this
    configuration's parameters are others than the bundle's.
    """

    modules: Mapping[str, str]
    data: Mapping[str, Any]
    revision: str
    named: str = ""


def shipped() -> Path:
    """The folder of the policies that come with the package: inside it once installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "policies", package.parent / "policies"):
        if (folder / "guardrails" / "main" / "main.rego").is_file():
            return folder
    raise PolicyError(f"the shipped policies are missing under {package}; install botocore-guardrails again")


def read(folders: Iterable[Path], *, tests: bool = False) -> Bundle:
    """Every .rego file (without `tests` those named *_test.rego are left out) and every data.json below the folders.

    A .rego file of a later folder replaces the one of the same relative path. A data.json lies where its folder says
    (guardrails/params/data.json is data.guardrails.params), and those of later folders go over it key by key.
    Raises PolicyError naming the file.
    """
    files: dict[str, Path] = {}
    data: dict[str, Any] = {}
    for folder in folders:
        if not folder.is_dir():
            raise PolicyError(f"{folder}: no such folder of policies; mend `policies` in the configuration")
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            if path.name == "data.json":
                merge(data, _placed(place, _json(path)))
            elif path.suffix == ".rego" and (tests or not _is_test(path)):
                files[place.as_posix()] = path
    modules = {str(path): _text(path) for path in files.values()}
    if not modules:
        raise PolicyError("no policy was found; at least one .rego file is needed")
    collector = str(files.get(_COLLECTOR, _COLLECTOR))
    modules[collector] = collect(text for name, text in modules.items() if name != collector)
    return Bundle(modules, data, _revision(modules, data))


def unpack(path: Path, key: Path | None = None) -> Bundle:
    """A bundle, which holds all policies there are: the shipped ones do not go with it.

    With a `key` it must be signed with it. Raises PolicyError, or ConfigError for the key.
    """
    contents = bundle_file.read(path)
    if key is not None:
        signature.verify(contents, key)
    found, data, named = contents.modules(), contents.data(), contents.revision()
    modules = {name: text for name, text in found.items() if _area(text) != "areas"}
    modules[f"{path}/{_COLLECTOR}"] = collect(modules.values())
    return Bundle(modules, data, named or _revision(modules, data), named)


def with_params(bundle: Bundle, params: Mapping[str, Any]) -> Bundle:
    """The bundle with these values over those of data.guardrails.params."""
    data = copy.deepcopy(dict(bundle.data))
    merge(data, {"guardrails": {"params": params}})
    # As JSON has them: a tuple of the configuration is the list of a bundle.
    if json.dumps(data, sort_keys=True) == json.dumps(bundle.data, sort_keys=True):
        return bundle
    digest = _revision(bundle.modules, data)
    return evolve(bundle, data=data, revision=f"{bundle.named}+{digest[:8]}" if bundle.named else digest)


def params_of(bundle: Bundle) -> Mapping[str, Any]:
    """data.guardrails.params: every parameter the policies declare, with its default."""
    found = bundle.data.get("guardrails", {}).get("params", {})
    return found if isinstance(found, Mapping) else {}


def _revision(modules: Mapping[str, str], data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([sorted(modules.values()), data], sort_keys=True).encode()).hexdigest()[:12]


_COLLECTOR = "guardrails/areas/areas.rego"
_PACKAGE = re.compile(r"^[ \t]*package\s+guardrails\.(\w+)[ \t]*(?:#.*)?$", re.MULTILINE)
_LEVEL = re.compile(r"^[ \t]*(deny|confirm|warn)\s+contains\b", re.MULTILINE)


def collect(modules: Iterable[str]) -> str:
    """The module guardrails.areas for these modules: each area's sets, named one by one.

    Written anew at each load, so that no area of a user's folder is forgotten. The shipped file is what this gives for
    the shipped areas; OPA reads that one.
    """
    found: dict[str, set[str]] = {"deny": set(), "confirm": set(), "warn": set()}
    for text in modules:
        area = _area(text)
        for level in _LEVEL.findall(text) if area else []:
            found[level].add(area)
    lines = ["package guardrails.areas"]
    for level, areas in found.items():
        entries = ", ".join(f'"{area}": data.guardrails.{area}.{level}' for area in sorted(areas))
        lines.append(f'answers["{level}"] := {{{entries}}}')
    return "\n\n".join(lines) + "\n"


def _area(module: str) -> str:
    package = _PACKAGE.search(module)
    return package[1] if package else ""


_RULE = re.compile(r'^#\s+rule:\s*(\S+)|"rule":\s*"([^"]+)"', re.MULTILINE)


def rule_ids(bundle: Bundle) -> frozenset[str]:
    """The ids of all rules, read from their METADATA and from the `"rule": "area/name"` of entries."""
    return frozenset(one or other for text in bundle.modules.values() for one, other in _RULE.findall(text))


def merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    """Put `new` over `into`, object by object; anything that is not an object replaces what was there."""
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _is_test(path: Path) -> bool:
    return path.stem.endswith("_test")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: cannot be read ({error})") from error


def _json(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise PolicyError(f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}") from error
    if not isinstance(document, dict):
        raise PolicyError(f"{path}: must hold a JSON object")
    return document


def _placed(place: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    for part in reversed(place.parent.parts):
        document = {part: document}
    return dict(document)
