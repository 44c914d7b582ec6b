"""Policies and their data, read from folders into one bundle with a revision."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate import bundle_file, signature
from guardrails.system import reading
from guardrails.values import frozen


@frozen
class Bundle:
    """`modules` by the file they came from, `data` as one document.

    `revision` is a digest of both; for a bundle file it is the revision in its manifest, followed by a digest where
    this configuration sets other parameters. `named` is the manifest's revision, "" where there is none.
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
    raise PolicyError(f"the shipped policies are missing under {package}; reinstall botocore-guardrails")


def read(folders: Iterable[Path], *, tests: bool = False) -> Bundle:
    """Every .rego file and data.json below the folders. *_test.rego is left out, unless `tests`.

    A .rego file of a later folder replaces the one with the same relative path. The folder of a data.json says where
    its values go (guardrails/params/data.json is data.guardrails.params); later folders override them key by key.
    Raises PolicyError naming the file.
    """
    data: dict[str, Any] = {}
    files = read_into(data, folders, tests=tests)
    modules = {str(path): read_text(path) for path in files.values()}
    if not modules:
        raise PolicyError("no policies found; `policies` needs at least one .rego file")
    collector = str(files.get(_COLLECTOR, _COLLECTOR))
    modules[collector] = collect(text for name, text in modules.items() if name != collector)
    return Bundle(modules, data, _revision(modules, data))


def read_into(data: dict[str, Any], folders: Iterable[Path], *, tests: bool = False) -> dict[str, Path]:
    """Merge the data.json of the folders into `data`, and return their .rego files, as for `read`."""
    files: dict[str, Path] = {}
    for folder in folders:
        for path in policy_files(folder):
            if path.name == "data.json":
                merge(data, _nested(path.relative_to(folder), _json(path)))
            elif tests or not _is_test(path):
                files[path.as_posix().removeprefix(f"{folder.as_posix()}/")] = path
    return files


def policy_files(folder: Path) -> list[Path]:
    """Every .rego file and data.json below a folder, links followed. Raises PolicyError for what cannot be listed."""
    # Path.is_dir() raises for a name that is too long.
    if not os.path.isdir(folder):
        raise PolicyError(f"{folder}: no such folder of policies; correct `policies` in the configuration")
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        seen.add(_identity(place))
        # Kubernetes mounts a ConfigMap as links into a folder ..2026_…, where every file would be found again.
        folders[:] = sorted(
            name for name in folders if not name.startswith("..") and _identity(f"{place}/{name}") not in seen
        )
        found += [Path(place, name) for name in sorted(names) if bundle_file.is_read(name)]
    bundle_file.check_number(folder, len(found))
    if not found:
        raise PolicyError(
            f"{folder}: this folder has no .rego file and no data.json; put your policies there, or take it out of "
            "`policies`"
        )
    return found


def _identity(folder: str) -> tuple[int, int]:
    """The same for every way that leads to this folder."""
    try:
        status = os.stat(folder)
    except OSError as error:
        _unreadable(error)
    return status.st_dev, status.st_ino


def _unreadable(error: OSError) -> NoReturn:
    raise PolicyError(f"{error.filename}: cannot be read ({error.strerror}); let this user read it") from error


def unpack(path: Path, key: Path | None = None) -> Bundle:
    """The policies of a bundle file or folder. It holds all policies; the shipped ones are not added.

    With a `key` it must be signed with that key. Raises PolicyError, or ConfigError for the key.
    """
    contents = bundle_file.read(path)
    if key is not None:
        signature.verify(contents, key)
    return of_contents(contents)


def of_contents(contents: bundle_file.Contents) -> Bundle:
    """The policies of a bundle that was read. Raises PolicyError."""
    modules = {name: text for name, text in contents.modules().items() if not is_collector(text)}
    return collected(modules, contents.data(), contents.revision(), str(contents.path))


def collected(modules: Mapping[str, str], data: Mapping[str, Any], named: str, place: str) -> Bundle:
    """A bundle of these modules, with the one at `place` that collects their areas."""
    modules = {**modules, f"{place}/{_COLLECTOR}": collect(modules.values())}
    return Bundle(modules, data, named or _revision(modules, data), named)


def renamed(bundle: Bundle) -> str:
    """A revision for a bundle that this configuration changed."""
    digest = _revision(bundle.modules, bundle.data)
    return f"{bundle.named}+{digest[:8]}" if bundle.named else digest


def with_params(bundle: Bundle, params: Mapping[str, Any]) -> Bundle:
    """The bundle with these values instead of those in data.guardrails.params."""
    data = copy.deepcopy(dict(bundle.data))
    merge(data, {"guardrails": {"params": params}})
    # Compared as JSON: a tuple in the configuration equals a list in a bundle.
    if json.dumps(data, sort_keys=True) == json.dumps(bundle.data, sort_keys=True):
        return bundle
    changed = evolve(bundle, data=data)
    return evolve(changed, revision=renamed(changed))


def params_of(bundle: Bundle) -> Mapping[str, Any]:
    """data.guardrails.params: every parameter the policies declare, with its default."""
    params = bundle.data.get("guardrails", {}).get("params", {})
    return params if isinstance(params, Mapping) else {}


def _revision(modules: Mapping[str, str], data: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([sorted(modules.values()), data], sort_keys=True).encode()).hexdigest()[:12]


_COLLECTOR = "guardrails/areas/areas.rego"
_PACKAGE = re.compile(r"^[ \t]*package\s+guardrails\.(\w+)[ \t]*(?:#.*)?$", re.MULTILINE)
_LEVEL = re.compile(r"^[ \t]*(deny|confirm|warn)\s+contains\b", re.MULTILINE)


def collect(modules: Iterable[str]) -> str:
    """The module guardrails.areas for these modules: the sets of each area, named one by one.

    It is written at each load, so that no area in a user's folder is forgotten. OPA reads the shipped file, which lists
    the shipped areas.
    """
    areas_by_level: dict[str, set[str]] = {"deny": set(), "confirm": set(), "warn": set()}
    for text in modules:
        area = _area(text)
        for level in _LEVEL.findall(text) if area else []:
            areas_by_level[level].add(area)
    lines = ["package guardrails.areas"]
    for level, areas in areas_by_level.items():
        # A line each: the embedded engine refuses lines of more than 1,024 columns.
        entries = "".join(f'\n\t"{area}": data.guardrails.{area}.{level},' for area in sorted(areas))
        lines.append(f'answers["{level}"] := {{{entries}\n}}')
    return "\n\n".join(lines) + "\n"


def is_collector(module: str) -> bool:
    """Whether this is the module that `collect` writes."""
    return _area(module) == "areas"


def _area(module: str) -> str:
    package = _PACKAGE.search(module)
    return package[1] if package else ""


_RULE = re.compile(r'^#\s+rule:\s*(\S+)|"rule":\s*"([^"]+)"', re.MULTILINE)


def rule_ids(bundle: Bundle) -> frozenset[str]:
    """The ids of all rules, from their METADATA and from the `"rule": "area/name"` of their entries."""
    return frozenset(
        annotated or entered for text in bundle.modules.values() for annotated, entered in _RULE.findall(text)
    )


def rule_owners(modules: Iterable[str]) -> dict[str, str]:
    """The package of each rule id in these modules."""
    return {
        annotated or entered: f"guardrails.{_area(text)}"
        for text in modules
        for annotated, entered in _RULE.findall(text)
    }


def merge(into: dict[str, Any], new: Mapping[str, Any]) -> None:
    """Merge `new` into `into`, object by object; any other value replaces the old one."""
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _is_test(path: Path) -> bool:
    return path.stem.endswith("_test")


def read_text(path: Path) -> str:
    """The text of a policy or its data. Raises PolicyError."""
    try:
        return reading.text(path, bundle_file.LARGEST_FILE)
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: cannot be read ({error})") from error


def _json(path: Path) -> Mapping[str, Any]:
    try:
        document = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise PolicyError(f"{path}:{error.lineno}:{error.colno}: not valid JSON: {error.msg}") from error
    if not isinstance(document, dict):
        raise PolicyError(f"{path}: must hold a JSON object")
    return document


def _nested(relative: Path, document: Mapping[str, Any]) -> dict[str, Any]:
    for part in reversed(relative.parent.parts):
        document = {part: document}
    return dict(document)
