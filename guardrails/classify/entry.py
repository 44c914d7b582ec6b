"""What the catalogue knows about an operation, and how an entry is written in ``operations/SERVICE.json``.

To add an operation, add an entry to its service's file. A file is named by the service's key: the name that requests
are signed with, except where two services share one (``elb`` and ``elbv2``), which differ in the version of their API.
It holds ``{"schema": 1, "service", "signing_name", "api_version"?, "regional"?, "complete"?,
"operations": {name: entry}, "harmless": {reason: [name]}}``; ``regional`` is false where one endpoint serves all
regions. In an entry ``when``, ``path`` and the tag expressions are JMESPath over the call's parameters:

    effects    what the call does in every form      severity  low | medium | high | critical
    targets    [{type, path, role?}]                 dry_run   name of the parameter that makes it a rehearsal
    forms      [{when, effects, meaning, severity?}] tags      {set?, remove?, all_when?} or {replaced}
    others     {effects, meaning, harmless}          note      a trap worth knowing
    look       for the effect "indirect": the operation that shows what follows from the call
    per_machine  {ids, source, answer?}: it does the same to each machine in the parameter `ids`, so that several calls
               for some of them come to the same. `source` is the page of AWS's reference, `answer` the list in the
               response with an item for each machine
    by_tag     what it does to a parameter of Parameter Store that does not name the live cluster

``others`` is what every other parameter of an update does: one that neither an expression nor ``harmless`` names.

An entry without effects is governed only in a form that has some. ``harmless`` lists operations that change something
but cannot hurt a running cluster, under the reason why. Before you add one, ask whether what it creates can shadow a
rule, a route or a name, displace an association, shorten a life, schedule a later act, or admit the wrong machines. An
operation that is neither in there, nor in ``operations``, nor read-only by its name is unreviewed: AWS has added it
since, and a policy decides. A file with ``"complete": false`` has only the operations of its service that do one of
these things; the others are ungoverned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import jmespath
from attrs import define, field

from guardrails.values import UNREVIEWED, Role, frozen

# The reasons of harmless operations after which more may serve, or be used by what serves, than before.
_ADDS, _CREATES = "adds a path, a member or a permission", "creates something that nothing uses yet"
EFFECTS = frozenset(
    ("terminate", "stop", "network", "ip", "traffic", "storage", "protection", "indirect", "scale-in", "replace",
     "capacity", "opaque", "admit")
)  # fmt: skip
# In rising order: a call is as severe as the worst of its forms.
SEVERITIES = ("low", "medium", "high", "critical")

# How the names of read-only operations begin, in every service that has a file.
READ_ONLY = ("BatchDescribe", "BatchGet", "Check", "Describe", "Detect", "Discover", "Estimate", "Get", "Head", "List",
             "Lookup", "Poll", "Preview", "Query", "Scan", "Search", "Select", "Simulate", "Validate")  # fmt: skip


@define(frozen=True, slots=False)
class Expression:
    """A JMESPath expression over the parameters of a call, compiled when it is first used."""

    text: str

    @cached_property
    def _compiled(self) -> Any:
        return jmespath.compile(self.text)

    @cached_property
    def fields(self) -> frozenset[str]:
        """Every member that it names, at any depth."""
        return frozenset(_fields(self._compiled.parsed))

    def search(self, params: Mapping[str, Any]) -> Any:
        """What the expression finds in the parameters. Raises ValueError where it does not fit them."""
        try:
            return self._compiled.search(params)
        except jmespath.exceptions.JMESPathError as error:
            # jmespath quotes the value, which may be secret.
            raise ValueError(f"{self.text} does not fit the parameters ({type(error).__name__})") from None

    def holds(self, params: Mapping[str, Any]) -> bool:
        """True where JMESPath calls the value true: everything but null, false and empty values, so 0 is true."""
        value = self.search(params)
        return value is not None and value is not False and value not in ("", [], {})


def _fields(node: Mapping[str, Any]) -> Iterator[str]:
    if node["type"] == "field":
        yield node["value"]
    for child in node["children"]:
        yield from _fields(child)


@frozen
class TargetPath:
    """Where a call names resources of one type. ``path`` finds a string or a list of strings."""

    type: str
    path: Expression = field(converter=Expression)
    role: Role = "target"


@frozen
class Form:
    """A way of making the call that does more than the plain call; `meaning` says what, for people."""

    when: Expression = field(converter=Expression)
    effects: tuple[str, ...] = field(converter=tuple)
    meaning: str
    severity: str | None = None


@frozen
class Others:
    """What the parameters of an update do that no expression of its entry names, except those that hurt no one."""

    effects: tuple[str, ...] = field(converter=tuple)
    meaning: str
    harmless: frozenset[str] = field(converter=frozenset)


def _optional(text: str | None) -> Expression | None:
    return None if text is None else Expression(text)


@frozen
class TagPaths:
    """Where a call names the tags that it sets (pairs or a map) and removes (keys), and when it removes all.

    `replaced` are pairs that an update puts in the place of all tags, which it leaves alone where they are missing.
    """

    set: Expression | None = field(default=None, converter=_optional)
    remove: Expression | None = field(default=None, converter=_optional)
    all_when: Expression | None = field(default=None, converter=_optional)
    replaced: Expression | None = field(default=None, converter=_optional)


@frozen
class PerMachine:
    """The parameter with the machines of a call that does the same to each, and the list in the response about them."""

    ids: str
    source: str
    answer: str = ""


@frozen
class CatalogueEntry:
    """One operation: what it does, how severe that is, and what it acts on."""

    operation: str
    effects: tuple[str, ...]
    severity: str
    targets: tuple[TargetPath, ...]
    forms: tuple[Form, ...] = ()
    tags: TagPaths | None = None
    dry_run: str | None = None
    note: str = ""
    look: str = ""
    others: Others | None = None
    by_tag: tuple[str, ...] = ()
    per_machine: PerMachine | None = None

    @property
    def all_effects(self) -> tuple[str, ...]:
        """What it does in any of its forms."""
        parts = (self, *self.forms, *([self.others] if self.others else ()))
        effects = (effect for part in parts for effect in part.effects)
        return tuple(dict.fromkeys((*effects, *self.by_tag)))

    def not_named(self, params: Iterable[str]) -> frozenset[str]:
        """The parameters that `others` is for."""
        if self.others is None:
            return frozenset()
        expressions = (*(target.path for target in self.targets), *(form.when for form in self.forms))
        return frozenset(params).difference(self.others.harmless, *(each.fields for each in expressions))


@frozen
class Service:
    """One file of the catalogue. `service` is botocore's name, `signing_name` the one in its requests' signatures.

    `regional` is false where one endpoint serves all regions, so that a call does not say where the machines are.
    `complete` is false for a service of which only some operations were reviewed: the others are ungoverned.
    `harmless` maps an operation to the reason why it cannot hurt a running cluster.
    """

    service: str
    signing_name: str
    operations: Mapping[str, CatalogueEntry]
    harmless: Mapping[str, str] = field(factory=dict)
    api_version: str = ""
    regional: bool = True
    complete: bool = True

    def governs(self, operation: str) -> bool:
        """True for operations with an entry, and for unreviewed ones."""
        if operation in self.operations:
            return True
        if not self.complete or not operation or operation in self.harmless:
            return False
        return not operation.startswith(READ_ONLY)

    def joins(self, operation: str) -> bool:
        """True for an ungoverned operation after which more may serve, or be used by what serves, than before."""
        reason = self.harmless.get(operation, "")
        # Snapshots and volumes are made by the hundred, and nothing serves by them until another call.
        return reason.startswith(_ADDS) or (reason.startswith(_CREATES) and self.service != "ec2")

    def entry(self, operation: str) -> CatalogueEntry | None:
        """The entry of an operation; one that says "unreviewed", or None for an ungoverned operation."""
        entry = self.operations.get(operation)
        if entry is None and self.governs(operation):
            return CatalogueEntry(operation, (UNREVIEWED,), "low", ())
        return entry
