"""One call of a plan, as it is written down: what it would do, what was decided, and what it made."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from attrs import asdict, field

from guardrails.values import EMPTY, frozen

Status = Literal["allowed", "warned", "to confirm", "needs approval", "denied"]
# The worst last.
STATUSES: tuple[Status, ...] = ("allowed", "warned", "to confirm", "needs approval", "denied")
# How AWS's word begins where a permission is missing.
NOT_PERMITTED = "not permitted"
Verb = Literal["create", "change", "destroy", "unknown"]


@frozen
class Rule:
    """A rule that speaks against the call, and what to do instead."""

    id: str
    action: str
    target: str
    message: str
    remediation: str


@frozen
class Left:
    """What the call leaves of a cluster: machines that run afterwards, of those that ran before it."""

    cluster: str
    live: bool
    before: int
    after: int


@frozen
class Entry:
    """One call that was not sent.

    `params` are the request's, with secrets masked, and `identity` is a digest of all of them. `verb` is what the call
    does to `things`, its targets by id with their type; ``unknown`` where it is not known whether it changes anything.
    `clusters` are those of its targets. `made` has the ids that the plan made up, by their place in the answer.
    `planned` are the made-up ids that the call uses. `guess` says why the entry is a guess, "" where it is not.
    `aws_says` is AWS's own word on permissions, "" where it was not asked. `unsent` says how an unusual request would
    have left. `hits` are the impact on each cluster, as show/blast_radius.py has it. `dry_run` is true where the script
    itself asked for a dry run, which changes nothing.
    """

    number: int
    service: str
    operation: str
    region: str
    account: str | None
    params: Mapping[str, Any]
    identity: str
    verb: Verb
    status: Status
    governed: bool
    pid: int
    at: float
    things: Mapping[str, str] = EMPTY
    clusters: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    reason: str = ""
    left: tuple[Left, ...] = ()
    made: Mapping[str, str] = EMPTY
    planned: tuple[str, ...] = ()
    guess: str = ""
    aws_says: str = ""
    unsent: str = ""
    line: str = ""
    hits: tuple[Mapping[str, Any], ...] = ()
    terms: Mapping[str, Any] = field(factory=dict)
    dry_run: bool = False

    @property
    def name(self) -> str:
        """``ec2:TerminateInstances``."""
        return f"{self.service}:{self.operation}"

    def document(self) -> dict[str, Any]:
        """As JSON-safe values."""
        plain: dict[str, Any] = json.loads(written(asdict(self)))
        return plain


def read(document: Mapping[str, Any]) -> Entry:
    """An entry from its document. Raises TypeError, KeyError or ValueError for anything else."""
    values = dict(document)
    values["rules"] = tuple(Rule(**each) for each in values["rules"])
    values["left"] = tuple(Left(**each) for each in values["left"])
    for name in ("clusters", "effects", "planned", "hits"):
        values[name] = tuple(values[name])
    return Entry(**values)


def written(value: Any) -> str:
    """As one line of JSON, from which `restored` makes the same again."""
    return json.dumps(value, default=_encoded, sort_keys=True)


def restored(text: str) -> Any:
    """What `written` wrote."""
    return json.loads(text, object_hook=_decoded)


def _encoded(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"__time__": value.isoformat()}
    if isinstance(value, (bytes, bytearray)):
        return {"__bytes__": base64.b64encode(bytes(value)).decode()}
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, (tuple, set, frozenset)) else str(value)


def _decoded(value: dict[str, Any]) -> Any:
    if value.keys() == {"__time__"}:
        return datetime.fromisoformat(value["__time__"])
    if value.keys() == {"__bytes__"}:
        return base64.b64decode(value["__bytes__"])
    return value
