"""CloudTrail's calls as lines of a decision log, so that a replay decides on them the same way.

CloudTrail has no facts about their targets: they come from a snapshot or from decision logs, and the entry says so in
``custom.approximated``. A call that was sent counts as allowed.
"""

from __future__ import annotations

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import botocore.session
from attrs import Factory, define, evolve, field

from guardrails.audit.cloudtrail import Event, events
from guardrails.classify.catalogue import Catalogue
from guardrails.classify.classify import Evidence, classify
from guardrails.config.settings import Settings
from guardrails.evaluate import rego_input
from guardrails.intercept.redact import redact
from guardrails.policy.replay.cloudtrail_params import translate
from guardrails.policy.replay.known_facts import KnownFacts
from guardrails.policy.replay.log_chunks import LogChunk
from guardrails.policy.replay.snapshot import Snapshot, SnapshotLookups
from guardrails.resolve.finder import NOTHING_KNOWN, FactFinder
from guardrails.show.failures import failures_sentence
from guardrails.values import Call, Caller, Facts, Origin

_LINES = 250
_KEPT = 100


@define
class Trail:
    """Governed calls in CloudTrail files, with facts from `snapshot` if there is one, else from `known`.

    After reading, `left_out` counts calls that could not be prepared, by reason; `faults` has the first sentences.
    """

    settings: Settings
    evidence: Evidence
    known: KnownFacts = Factory(KnownFacts)
    snapshot: Snapshot | None = None
    left_out: Counter[str] = Factory(Counter)
    faults: list[str] = Factory(list)
    _catalogue: Catalogue = field(init=False)
    _models: Any = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Service models are read when their service comes up."""
        self._catalogue = Catalogue(long_tail=self.settings.long_tail)
        self._models = botocore.session.Session()

    def chunks(self, files: Iterable[Path]) -> Iterator[LogChunk]:
        """Every call that can be decided, as lines. Raises ConfigError for a missing file."""
        prepared = self._lines(files)
        while batch := tuple(itertools.islice(prepared, _LINES)):
            yield LogChunk("", 0, tuple(line for _, line in batch), tuple(place for place, _ in batch))

    def calls(self, files: Iterable[Path]) -> Iterator[tuple[Event, Call]]:
        """The governed calls that AWS carried out and that were not made by AWS itself."""
        for event in events(files, self._catalogue):
            if isinstance(event, str):
                self._fault("unreadable", event)
                continue
            if not self._catalogue.governs(event.service, event.operation):
                continue
            if event.by_aws or event.error:
                self.left_out["made by AWS itself" if event.by_aws else "refused by AWS"] += 1
                continue
            if event.decision_id in self.known.decisions:
                self.left_out["already in the decision log; replay that instead"] += 1
                continue
            call = self._call(event)
            if call is not None:
                yield event, call

    def region_of(self, call: Call) -> str:
        """The region of a call's machines; for a service without regions, the home region."""
        if self._catalogue.tells_region(call.service):
            return call.region
        return self.settings.home_region or str(self._models.get_config_variable("region") or "")

    def _call(self, event: Event) -> Call | None:
        try:
            shape = self._shape(event)
            params, unknown = translate(event.params, shape)
            redacted = redact(params, shape)
            call = Call(
                event.service,
                event.operation,
                redacted.params,
                event.region,
                f"https://{event.service}.{event.region}.amazonaws.com",
                masked=redacted.masked,
                private=redacted.private,
                account=event.account or None,
            )
            governed = classify(call, self._catalogue, self.evidence)
        except Exception as error:  # the file may hold anything, and must not end the replay
            self._fault("that cannot be read", f"{event.place}: {event.operation} cannot be read ({error})")
            return None
        if governed is None or governed.dry_run:
            return None
        if unknown:
            names = ", ".join(unknown[:5])
            self._fault("decided without some parameters", f"{event.place}: {event.operation}: unknown {names}")
        return governed

    def _shape(self, event: Event) -> Any:
        model = self._models.get_service_model(self._catalogue.botocore_service(event.service))
        return model.operation_model(event.operation).input_shape

    def _lines(self, files: Iterable[Path]) -> Iterator[tuple[str, bytes]]:
        for event, call in self.calls(files):
            document = self._document(event, call)
            if isinstance(document, str):
                self._fault("without known facts", f"{event.place}: {call.name}: {document}")
                continue
            entry = {
                "decision_id": event.event_id or event.place,
                "timestamp": document["time"],
                "input": document,
                "result": {"action": "allow", "violations": []},
                "custom": {"approximated": "log" if self.snapshot is None else "snapshot"},
            }
            yield event.place, json.dumps(entry).encode()

    def _document(self, event: Event, call: Call) -> dict[str, Any] | str:
        try:
            when = datetime.fromisoformat(event.time).timestamp()
        except ValueError:
            return f"{event.time!r} is not a time"
        if call.unreviewed:
            return rego_input.build(call, Facts((), (), NOTHING_KNOWN, when), _caller(event), when)
        if self.snapshot is None:
            return self.known.document(call, _caller(event), when)
        where = self.region_of(call)
        region = self.snapshot.regions.get(where)
        if region is None:
            return f"the snapshot does not cover {where or 'the home region'}; take a new one from files with this call"
        if region.account and call.account and region.account != call.account:
            return f"the snapshot is of account {region.account}, the call in {call.account}"
        finder = FactFinder(self.settings, SnapshotLookups(region, when), None)
        facts = finder.find(call, Origin(None, call.region, call.service, call.endpoint, home_region=where))
        if facts.failures:
            return failures_sentence(facts.failures)
        judged = evolve(facts.call or call, account=facts.account or call.account)
        return rego_input.build(judged, facts, _caller(event), when)

    def _fault(self, kind: str, sentence: str) -> None:
        self.left_out[kind] += 1
        if len(self.faults) < _KEPT:
            self.faults.append(sentence)


def _caller(event: Event) -> Caller:
    """CloudTrail knows the principal and the tool, but not the host or the script."""
    agent = re.sub(r"^\[|\]$", "", event.user_agent).partition(" ")[0] or "?"
    return Caller(event.principal or None, "", event.address, agent, interactive=False, notebook=False, pid=0)
