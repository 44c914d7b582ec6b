"""A snapshot: AWS's answers to the look-ups that recorded calls need, to decide on them later without AWS.

It is JSON: ``{"schema": 1, "taken_at": RFC 3339, "regions": {region: {"account": id, "answers": {look-up: [item]}}}}``.
Resources may have changed since the calls were recorded, so decisions based on a snapshot are marked as approximated.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from attrs import Factory, define, evolve

from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.resolve.finder import FactFinder
from guardrails.resolve.lookups import Answering, Fetched
from guardrails.system import reading
from guardrails.values import Answer, Call, Lookup, LookupFailure, Origin, rfc3339

_SCHEMA = 1
_TIME = "$time"


@define
class Region:
    """The answers of one region by `Lookup.key()`; `account` is None if no machine in the region tells it."""

    account: str | None = None
    answers: dict[str, list[Mapping[str, Any]]] = Factory(dict)


@define
class Snapshot:
    """`regions` by name; `taken_at` in seconds since the epoch."""

    taken_at: float
    regions: dict[str, Region] = Factory(dict)

    @classmethod
    def read(cls, path: Path) -> Snapshot:
        """Raises ConfigError if the file is not a snapshot."""
        try:
            document = json.loads(reading.text(path), object_hook=_time)
            if document["schema"] != _SCHEMA:
                raise ValueError(f"schema {document['schema']}, not {_SCHEMA}")
            regions = {name: Region(of["account"], dict(of["answers"])) for name, of in document["regions"].items()}
            return cls(datetime.fromisoformat(document["taken_at"]).timestamp(), regions)
        except OSError as error:
            raise ConfigError(f"{path}: {error.strerror}; name a file from `guardrails policy snapshot`") from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{path}: not a snapshot ({error}); take one with guardrails policy snapshot") from error

    def write(self, path: Path) -> None:
        """Write a file that only its owner may read, because it lists resources of the account. Raises OSError."""
        document = {
            "schema": _SCHEMA,
            "taken_at": rfc3339(self.taken_at),
            "regions": {
                name: {"account": region.account, "answers": region.answers}
                for name, region in sorted(self.regions.items())
            },
        }
        text = json.dumps(document, default=_plain, sort_keys=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def take(
        self, calls: Iterable[Call], origin: Origin, settings: Settings, lookups: Answering
    ) -> list[LookupFailure]:
        """Make the look-ups that these calls of one region need, each once; returns those that failed."""
        region = self.regions.setdefault(origin.region, Region())
        recorder = _Recorder(lookups, region)
        finder = FactFinder(settings, recorder, None)
        failures: dict[str, LookupFailure] = {}
        for call in calls:
            facts = finder.find(call, origin)
            region.account = facts.account or region.account
            failures |= {failure.lookup: failure for failure in facts.failures}
        return list(failures.values())


@define
class _Recorder:
    lookups: Answering
    region: Region

    def fetch(self, wanted: Iterable[Lookup], origin: Origin) -> Fetched:
        # A replay may be about any call, so all pages are kept.
        wanted = tuple(evolve(lookup, first_page=False) for lookup in wanted)
        fetched = self.lookups.fetch(wanted, origin)
        self.region.answers |= {key: list(answer.items) for key, answer in fetched.answers.items()}
        return fetched


@define
class SnapshotLookups:
    """Answers look-ups from a snapshot, as if they were made at `now` (seconds since the epoch)."""

    region: Region
    now: float = 0.0

    def fetch(self, wanted: Iterable[Lookup], _: Origin) -> Fetched:
        """A look-up that the snapshot does not have counts as failed."""
        answers: dict[str, Answer] = {}
        failures = []
        for lookup in wanted:
            items = self.region.answers.get(lookup.key())
            if items is None:
                why = "it is not in the snapshot; take a new one for these calls"
                name = lookup.permission
                failures.append(
                    LookupFailure(name, "NotInSnapshot", why, name, lookup.optional, key=hash(lookup.key()))
                )
            else:
                answers[lookup.key()] = Answer(tuple(items), self.now)
        return Fetched(answers, tuple(failures), 0)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return {_TIME: value.isoformat()}
    if isinstance(value, bytes):
        # Policies do not use binary data, and it may be secret.
        return None
    raise TypeError(f"{type(value).__name__} in a look-up's answer")


def _time(value: dict[str, Any]) -> Any:
    return datetime.fromisoformat(value[_TIME]) if value.keys() == {_TIME} else value
