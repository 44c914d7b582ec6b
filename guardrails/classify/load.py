"""Read the catalogue's files: ``operations/SERVICE.json``, and ``long_tail.json`` for all other services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any

from guardrails.classify.entry import CatalogueEntry, Form, Others, PerMachine, Service, TagPaths, TargetPath

_SCHEMA = 1
_SUFFIX = ".json"


def keys() -> frozenset[str]:
    """The keys of the services that have a file."""
    names = (file.name for file in _folder().joinpath("operations").iterdir())
    return frozenset(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))


def service(key: str) -> Service:
    """A service from its file. Raises TypeError for an unknown key in it, ValueError for another schema."""
    document = json.loads(_folder().joinpath("operations", key + _SUFFIX).read_text("utf-8"))
    if document.pop("schema") != _SCHEMA:
        raise ValueError(f"operations/{key}{_SUFFIX} does not have schema {_SCHEMA}")
    operations = {name: entry(name, row) for name, row in document.pop("operations").items()}
    harmless = {name: reason for reason, names in document.pop("harmless", {}).items() for name in names}
    return Service(operations=MappingProxyType(operations), harmless=MappingProxyType(harmless), **document)


def entry(operation: str, row: dict[str, Any]) -> CatalogueEntry:
    """An entry from its JSON; a misspelt key is a TypeError, so that "form" is never read as "no forms"."""
    return CatalogueEntry(
        operation=operation,
        effects=tuple(row.pop("effects")),
        targets=tuple(TargetPath(**target) for target in row.pop("targets")),
        forms=tuple(Form(**form) for form in row.pop("forms", ())),
        others=Others(**row.pop("others")) if "others" in row else None,
        tags=TagPaths(**row.pop("tags")) if "tags" in row else None,
        per_machine=PerMachine(**row.pop("per_machine")) if "per_machine" in row else None,
        by_tag=tuple(row.pop("by_tag", ())),
        **row,
    )


def long_tail() -> Mapping[str, Mapping[str, Any]]:
    """The other services by key: ``{"service": botocore's name, "operations": {name: [path]}, "tags"?}``.

    One that shares the name that requests are signed with has it as ``signs``, and its ``api_version``.
    ``tags`` has the operations that change tags: ``{name: [path of the target, "set" or "remove", path of the tags]}``.
    """
    rows: Mapping[str, Mapping[str, Any]] = json.loads(_folder().joinpath("long_tail.json").read_text("utf-8"))
    return rows


def long_tail_service(key: str, row: Mapping[str, Any]) -> Service:
    """One of the other services, from its row in `long_tail`."""
    operations = {
        name: CatalogueEntry(
            name,
            ("terminate" if name.startswith(("Delete", "Terminate", "Destroy")) else "stop",),
            "high",
            tuple(TargetPath("tagged", path) for path in paths),
        )
        for name, paths in row["operations"].items()
    }
    tagging = {
        name: CatalogueEntry(
            name, ("protection",), "high", (TargetPath("tagged", path),), tags=TagPaths(**{member: tags})
        )
        for name, (path, member, tags) in row.get("tags", {}).items()
    }
    return Service(
        row["service"],
        row.get("signs", key),
        {**operations, **tagging},
        api_version=row.get("api_version", ""),
        complete=False,
    )


def _folder() -> Traversable:
    return resources.files("guardrails.classify")
