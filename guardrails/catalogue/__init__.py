"""The operations the guard judges: one JSON file per signing name, read when its service is first called.

A file holds ``{"schema": 1, "service", "signing_name", "operations": {name: entry}}``. An entry looks like
this; ``when``, ``path`` and the tag expressions are JMESPath over the call's parameters:

    effects    what the call does in every form      severity  low | medium | high | critical
    targets    [{type, path, role?}]                 dry_run   name of the parameter that makes it a rehearsal
    forms      [{when, effects, meaning, severity?}] tags      {set?, remove?, all_when?}
    note       a trap worth knowing

An operation without an entry is not judged. An entry without effects is judged only in a form that has some.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from types import MappingProxyType
from typing import Any

import jmespath
from attrs import define, field, frozen

from guardrails.values import Role

EFFECTS = frozenset(
    ("terminate", "stop", "network", "ip", "traffic", "storage", "protection", "indirect", "scale-in", "replace")
)
# In rising order: a call is as severe as the worst of its forms.
SEVERITIES = ("low", "medium", "high", "critical")

_SCHEMA = 1
_SUFFIX = ".json"


@define(frozen=True, slots=False)
class Expression:
    """A JMESPath expression over the parameters of a call, compiled when it is first used."""

    text: str

    @cached_property
    def _compiled(self) -> Any:
        return jmespath.compile(self.text)

    def search(self, params: Mapping[str, Any]) -> Any:
        """The value found in the parameters; raises jmespath's errors."""
        return self._compiled.search(params)

    def holds(self, params: Mapping[str, Any]) -> bool:
        """True where JMESPath calls the value true: all but null, false and what is empty, so 0 is true."""
        found = self.search(params)
        return found is not None and found is not False and found not in ("", [], {})


@frozen
class TargetPath:
    """Where a call names resources of one type. ``path`` finds a string or a list of strings."""

    type: str
    path: Expression = field(converter=Expression)
    role: Role = "target"


@frozen
class Form:
    """A way of making the call that does more than the call as such; `meaning` is read by people."""

    when: Expression = field(converter=Expression)
    effects: tuple[str, ...] = field(converter=tuple)
    meaning: str
    severity: str | None = None


def _optional(text: str | None) -> Expression | None:
    return None if text is None else Expression(text)


@frozen
class TagPaths:
    """How a call says which tags it sets (pairs or a map), removes (keys), or that it removes all."""

    set: Expression | None = field(default=None, converter=_optional)
    remove: Expression | None = field(default=None, converter=_optional)
    all_when: Expression | None = field(default=None, converter=_optional)


@frozen
class Entry:
    """One operation of the catalogue."""

    operation: str
    effects: tuple[str, ...]
    severity: str
    targets: tuple[TargetPath, ...]
    forms: tuple[Form, ...] = ()
    tags: TagPaths | None = None
    dry_run: str | None = None
    note: str = ""


@frozen
class Service:
    """One file of the catalogue. `service` is botocore's name of it, `signing_name` the one calls carry."""

    service: str
    signing_name: str
    operations: Mapping[str, Entry]


class Catalogue:
    """Every entry by signing name and operation; a service's file is read when it is first looked up."""

    def __init__(self) -> None:
        # Listed once: a call to any other service must cost two dict look-ups and no file system.
        names = (file.name for file in resources.files(__name__).iterdir())
        self._known = frozenset(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
        self._loaded: dict[str, Service] = {}

    @property
    def services(self) -> frozenset[str]:
        """The signing names that have entries."""
        return self._known

    def lookup(self, service: str, operation: str) -> Entry | None:
        """The entry of ``("ec2", "TerminateInstances")``, or None where the operation is not judged."""
        loaded = self._loaded.get(service)
        if loaded is None:
            if service not in self._known:
                return None
            loaded = self.service(service)
        return loaded.operations.get(operation)

    def governs(self, service: str | None, operation: str) -> bool:
        """True where an operation has an entry; of any service where nobody knows which one is called."""
        loaded = self._loaded.get(service or "")
        if loaded is not None:
            return operation in loaded.operations
        if service is None:
            return any(self.governs(known, operation) for known in self._known)
        return self.lookup(service, operation) is not None

    def botocore_service(self, signing_name: str) -> str:
        """What botocore calls a service that has entries: ``resourcegroupstaggingapi`` for ``tagging``."""
        return self.service(signing_name).service

    def service(self, signing_name: str) -> Service:
        """All entries of one service; KeyError where it has none."""
        if signing_name not in self._known:
            raise KeyError(signing_name)
        if signing_name not in self._loaded:
            # Two threads may both read the file; they get equal values and either may stay.
            text = resources.files(__name__).joinpath(signing_name + _SUFFIX).read_text("utf-8")
            self._loaded[signing_name] = _service(json.loads(text))
        return self._loaded[signing_name]


def _service(document: dict[str, Any]) -> Service:
    if document.pop("schema") != _SCHEMA:
        raise ValueError(f"the catalogue file of {document['signing_name']} is not of schema {_SCHEMA}")
    operations = {name: _entry(name, raw) for name, raw in document.pop("operations").items()}
    return Service(operations=MappingProxyType(operations), **document)


def _entry(operation: str, raw: dict[str, Any]) -> Entry:
    # A key that no class knows is a TypeError here: a misspelt "forms" must not turn into "no forms".
    return Entry(
        operation=operation,
        effects=tuple(raw.pop("effects")),
        targets=tuple(TargetPath(**target) for target in raw.pop("targets")),
        forms=tuple(Form(**form) for form in raw.pop("forms", ())),
        tags=TagPaths(**raw.pop("tags")) if "tags" in raw else None,
        **raw,
    )
