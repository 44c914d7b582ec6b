"""Several bundles as one set of policies, and what a host's own folders add to them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import evolve

from guardrails.errors import PolicyError
from guardrails.evaluate import bundle
from guardrails.evaluate.bundle import Bundle

_PACKAGE = re.compile(r"^[ \t]*package\s+([^\s#]+)", re.MULTILINE)


def unite(bundles: Sequence[Bundle], names: Sequence[str], folders: Sequence[Path]) -> Bundle:
    """The policies of these bundles, called `names`, with those of the folders beside them.

    What two bundles have in common must be the same in both. Folders add packages of their own, and their data.json
    override the values of the bundles. Raises PolicyError.
    """
    made = bundles[0]
    for name, other in zip(names[1:], bundles[1:], strict=True):
        made = _both(made, other, name)
    return _with_folders(made, folders) if folders else made


def _both(one: Bundle, other: Bundle, name: str) -> Bundle:
    ours, theirs = _by_package(one.modules), _by_package(other.modules)
    for package in sorted(ours.keys() & theirs.keys()):
        if ours[package] != theirs[package]:
            raise PolicyError(
                f"{name}: has other policies in the package {package} than the bundles before it; build both from the "
                "same version, or put your rules into a package of their own"
            )
    data = copy.deepcopy(dict(one.data))
    _add(data, other.data, name, ("data",))
    new = theirs.keys() - ours.keys()
    modules = {
        **_apart(one.modules),
        **{file: text for file, text in _apart(other.modules).items() if _package(text) in new},
    }
    named = ",".join(part for part in (one.named, other.named) if part)
    return bundle.collected(modules, data, named, name)


def _with_folders(made: Bundle, folders: Sequence[Path]) -> Bundle:
    data = copy.deepcopy(dict(made.data))
    files = bundle.read_into(data, folders)
    own = {str(path): bundle.read_text(path) for path in files.values()}
    theirs = _by_package(made.modules)
    for file, text in own.items():
        if _package(text) in theirs:
            raise PolicyError(
                f"{file}: the bundle has the package {_package(text)} already; put your rules into a package of their "
                "own"
            )
    united = bundle.collected({**_apart(made.modules), **own}, data, made.named, str(folders[0]))
    return evolve(united, revision=bundle.renamed(united))


def _apart(modules: Mapping[str, str]) -> dict[str, str]:
    """Without the module that collects the areas."""
    return {file: text for file, text in modules.items() if not bundle.is_collector(text)}


def _by_package(modules: Mapping[str, str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for text in _apart(modules).values():
        found.setdefault(_package(text), set()).add(text)
    return {package: frozenset(texts) for package, texts in found.items()}


def _package(text: str) -> str:
    package = _PACKAGE.search(text)
    return package[1] if package else ""


def _add(into: dict[str, Any], new: Mapping[str, Any], name: str, path: Iterable[str]) -> None:
    for key, value in new.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            _add(into[key], value, name, (*path, key))
        elif key in into and into[key] != value:
            raise PolicyError(
                f"{name}: {'.'.join((*path, key))} has another value than in the bundles before it; build both with "
                "the same configuration"
            )
        else:
            into[key] = copy.deepcopy(value)
