"""The operations the guard judges: one JSON file per service, read when the service is first called.

A file is named by the service's key: the name that requests are signed with, except where two services share one
(``elb`` and ``elbv2``), which are told apart by the version of their API. It holds ``{"schema": 1, "service",
"signing_name", "api_version"?, "regional"?, "operations": {name: entry}, "harmless": [name]}``; ``regional`` is false
where one endpoint serves all regions. An entry looks like this; ``when``, ``path`` and the tag expressions are JMESPath
over the call's parameters:

    effects    what the call does in every form      severity  low | medium | high | critical
    targets    [{type, path, role?}]                 dry_run   name of the parameter that makes it a rehearsal
    forms      [{when, effects, meaning, severity?}] tags      {set?, remove?, all_when?}
    note       a trap worth knowing

An entry without effects is judged only in a form that has some. ``harmless`` names the operations that change something
and were found unable to hurt a running cluster. Whatever is neither there, nor in ``operations``, nor read-only by its
name is unreviewed: AWS has added it since, and policy decides.

``long_tail/services.json`` has other services, for those who want them judged, too: of each operation only where it
names what it ends.
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

from guardrails.values import UNREVIEWED, Role

EFFECTS = frozenset(
    ("terminate", "stop", "network", "ip", "traffic", "storage", "protection", "indirect", "scale-in", "replace",
     "capacity", "opaque")
)  # fmt: skip
# In rising order: a call is as severe as the worst of its forms.
SEVERITIES = ("low", "medium", "high", "critical")

# How the names of operations begin that only read, in every service that has a file.
READ_ONLY = ("BatchDescribe", "BatchGet", "Check", "Describe", "Detect", "Discover", "Estimate", "Get", "Head", "List",
             "Lookup", "Poll", "Preview", "Query", "Scan", "Search", "Select", "Simulate", "Validate")  # fmt: skip

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
    """One file of the catalogue. `service` is botocore's name of it, `signing_name` the one its requests carry.

    `regional` is false where one endpoint serves all regions, so that a call does not tell where the machines are.
    `complete` is false for a service of the long tail: what has no entry there is not judged.
    """

    service: str
    signing_name: str
    operations: Mapping[str, Entry]
    harmless: frozenset[str] = field(default=frozenset(), converter=frozenset)
    api_version: str = ""
    regional: bool = True
    complete: bool = True

    def governs(self, operation: str) -> bool:
        """True for what has an entry, and for what nobody has reviewed."""
        if operation in self.operations:
            return True
        if not self.complete or not operation or operation in self.harmless:
            return False
        return not operation.startswith(READ_ONLY)

    def entry(self, operation: str) -> Entry | None:
        """The entry of an operation, one for an unreviewed operation, or None where it is not judged."""
        found = self.operations.get(operation)
        if found is None and self.governs(operation):
            return Entry(operation, (UNREVIEWED,), "low", ())
        return found


class Catalogue:
    """Every service by its key; a service's file is read when it is first looked up.

    With `long_tail` the operations of some 200 other services that end something as a whole are judged as well, by what
    carries the cluster tag. They were chosen by AWS's own access level (Write), and no person has reviewed each.
    """

    def __init__(self, *, long_tail: bool = False) -> None:
        # Listed once: a call to any other service must cost two dict look-ups and no file system.
        names = (file.name for file in resources.files(__name__).iterdir())
        self._known = frozenset(name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX))
        self._loaded: dict[str, Service] = {}
        self._tail: Mapping[str, Any] = {}
        if long_tail:
            self._tail = json.loads(resources.files(__name__).joinpath("long_tail/services.json").read_text("utf-8"))
            self._known |= frozenset(self._tail)

    @property
    def services(self) -> frozenset[str]:
        """The keys of the services that have a file."""
        return self._known

    def service_of(self, signing_name: str, api_version: str) -> str:
        """The key of a service: ``elb`` or ``elbv2`` by the version of the API, else the signing name itself."""
        sharing = _SHARED.get(signing_name)
        if sharing is None:
            return signing_name
        # A request without a version, which AWS refuses, is taken for the newest.
        return next((key for key in sharing if self.service(key).api_version == api_version), sharing[-1])

    def lookup(self, service: str, operation: str) -> Entry | None:
        """The entry of ``("ec2", "TerminateInstances")``, or None where the operation is not judged."""
        if service not in self._known:
            return None
        return self.service(service).entry(operation)

    def governs(self, service: str | None, operation: str) -> bool:
        """True where an operation is judged; of any service where nobody knows which one is called."""
        loaded = self._loaded.get(service or "")
        if loaded is not None:
            return loaded.governs(operation)
        if service is None:
            # Only what is known by name: what nobody has heard of is some other service's.
            return self.owner(operation) is not None
        return service in self._known and self.service(service).governs(operation)

    def tells_region(self, service: str) -> bool:
        """False where one endpoint serves all regions, so that a call does not tell where the machines are."""
        return service not in self.services or self.service(service).regional

    def owner(self, operation: str) -> str | None:
        """The first service that has an entry of this name, None where none has."""
        return next((key for key in sorted(self._known) if operation in self.service(key).operations), None)

    def botocore_service(self, key: str) -> str:
        """What botocore calls a service: ``resourcegroupstaggingapi`` for ``tagging``."""
        return self.service(key).service

    def service(self, key: str) -> Service:
        """One file; KeyError where there is none."""
        if key not in self._known:
            raise KeyError(key)
        if key in self._tail and key not in self._loaded:
            self._loaded[key] = _tail(key, self._tail[key])
        if key not in self._loaded:
            # Two threads may both read the file; they get equal values and either may stay.
            text = resources.files(__name__).joinpath(key + _SUFFIX).read_text("utf-8")
            self._loaded[key] = _service(json.loads(text))
        return self._loaded[key]


# Signing names of more than one service, the newest service last.
_SHARED = {"elasticloadbalancing": ("elb", "elbv2")}


def _service(document: dict[str, Any]) -> Service:
    if document.pop("schema") != _SCHEMA:
        raise ValueError(f"the catalogue file of {document['service']} is not of schema {_SCHEMA}")
    operations = {name: _entry(name, raw) for name, raw in document.pop("operations").items()}
    return Service(operations=MappingProxyType(operations), **document)


def _tail(key: str, document: Mapping[str, Any]) -> Service:
    """A service of the long tail: ``{"service": botocore's name, "operations": {name: [path]}}``."""
    operations = {
        name: Entry(
            name,
            ("terminate" if name.startswith(("Delete", "Terminate", "Destroy")) else "stop",),
            "high",
            tuple(TargetPath("tagged", path) for path in paths),
        )
        for name, paths in document["operations"].items()
    }
    return Service(document["service"], key, operations, complete=False)


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
