"""Calls: every operation of every service of botocore, through its own serializer and the guard's gates.

What is read from a request is what botocore was given; a governed call is decided on before anything leaves, and
nothing leaves after a denial; its targets are what its parameters name; an ungoverned call leaves as without a guard.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from typing import Any

import botocore.session
from attrs import frozen
from botocore.client import BaseClient
from botocore.model import OperationModel

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.classify import Evidence, classify
from guardrails.intercept.request.outgoing import of_dict
from guardrails.intercept.wire import Undecodable, decode
from tests.fuzz import expected, targets
from tests.fuzz.area import Run
from tests.fuzz.network import Judging, Network, Reached, Sent, client, guarded, network
from tests.fuzz.parameters import KINDS, Maker

CATALOGUE = Catalogue()
_EVIDENCE = Evidence(frozenset(("Cluster",)), "/deploy/live")


@frozen
class Example:
    """Some parameters of an operation, made anew from their name."""

    operation: OperationModel
    kind: str
    seed: str

    @property
    def params(self) -> dict[str, Any]:
        """Equal, and nothing of it shared, each time."""
        return Maker(random.Random(str(self)), self.kind).params(self.operation.input_shape)

    def __str__(self) -> str:
        return f"{self.operation.service_model.service_name}:{self.operation.name} {self.kind} {self.seed}"


def fuzz(run: Run, services: Iterable[str] = (), *, most: int = 10_000, rounds: int = 1) -> None:
    """All services or those given, `most` operations of each, and `rounds` times with other parameters."""
    session = botocore.session.Session()
    chosen = list(services) or session.get_available_services()
    random.Random(run.seed).shuffle(chosen)
    for again, service in itertools.product(range(rounds), chosen):
        if not run.time_left:
            break
        with network() as made:
            _Service(run, session, service, made).examine(f"{run.seed}/{again}", most)
        run.counts["services"] += not again


class _Service:
    """One service, by a client that was there before the guard."""

    def __init__(self, run: Run, session: Any, service: str, made: Network) -> None:
        self._run = run
        self._session = session
        self._network = made
        self._client: BaseClient = client(session, service)
        self._model = self._client.meta.service_model

    def examine(self, seed: str, most: int) -> None:
        """Without the guard first, so that there is something to compare with."""
        names = list(self._model.operation_names)
        names = sorted(random.Random(seed).sample(names, min(most, len(names))))
        examples = [Example(self._model.operation_model(name), kind, seed) for name in names for kind in KINDS]
        before = [self._outcome(example) for example in examples]
        with guarded(self._network, CATALOGUE, self._session) as (judging, judge):
            key = judge.services.of_model(self._model)
            for example, outcome in zip(examples, before, strict=True):
                self._one(example, outcome, judging, key)
        reached = {example.operation.name for example, outcome in zip(examples, before, strict=True) if outcome[0]}
        self._run.counts["operations"] += len(names)
        self._run.counts["operations that botocore never sent"] += len(names) - len(reached)

    def _outcome(self, example: Example) -> tuple[tuple[Sent, ...], str]:
        """What left, and the error that the program saw."""
        self._network.sent.clear()
        self._network.wire = {}
        try:
            self._client._make_api_call(example.operation.name, example.params)  # type: ignore[attr-defined]
        except Reached:
            said = ""
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        else:
            said = "answered"
        return tuple(self._network.sent), said

    def _one(self, example: Example, before: tuple[tuple[Sent, ...], str], judging: Judging, key: str) -> None:
        judging.asked.clear()
        governed = CATALOGUE.governs(key, example.operation.name)
        judging.denies = governed and example.kind == "least"
        sent, said = self._outcome(example)
        self._run.counts["calls"] += 1
        if not self._network.wire:
            return
        self._read(example, governed=governed)
        if not governed:
            if judging.asked:
                self._run.found(f"judged although ungoverned: {judging.asked[0][0].name}", str(example))
            if (sent, said) != before:
                self._run.found("an ungoverned call changed", f"{example}: {_changed(before, (sent, said))}")
            return
        if before[0]:
            self._run.counts["governed calls"] += 1
        self._governed(example, before, (sent, said), judging)

    def _governed(self, example: Example, before: Any, after: Any, judging: Judging) -> None:
        if before[0] and not judging.asked:
            self._run.found("a governed call left undecided", str(example))
        elif judging.asked and judging.asked[0][1]:
            self._run.found("a governed call was decided on too late", str(example))
        elif judging.denies and judging.asked and (after[0] or "denied" not in after[1]):
            self._run.found("a denied call left", f"{example}: {after}")
        elif not judging.denies and after != before:
            self._run.found("an admitted call changed", f"{example}: {_changed(before, after)}")
        if len(judging.asked) > 1:
            self._run.found("a governed call was decided on twice", str(example))
        for call, _ in judging.asked[:1]:
            self._targets(example, call)

    def _targets(self, example: Example, call: Any) -> None:
        entry = CATALOGUE.lookup(call.service, call.operation)
        if call.operation != example.operation.name or entry is None or call.undecodable:
            return
        given = expected.plain(example.operation.input_shape, self._network.params)
        try:
            wanted = targets.named(entry, given)
            judged = classify(call, CATALOGUE, _EVIDENCE)
        except ValueError:
            self._run.counts["calls that cannot be classified"] += 1
            return
        if judged is None:
            return
        found = {(target.id, target.role) for target in judged.targets}
        exact = call.service not in targets.READ_DEEPER and targets.by_name(entry)
        if not wanted <= found or (exact and wanted != found):
            self._run.found(f"other targets: {call.name}", f"{example}: {sorted(wanted ^ found)[:3]}")
        self._run.counts["calls with targets"] += bool(wanted)

    def _read(self, example: Example, *, governed: bool) -> None:
        operation = example.operation
        shape = operation.input_shape
        wanted = expected.compared(shape, expected.plain(shape, self._network.params))
        try:
            found = expected.compared(shape, decode(self._model, operation.name, of_dict(self._network.wire)))
        except Undecodable as error:
            self._run.counts["requests that cannot be read"] += 1
            if example.kind != "odd" and not operation.has_event_stream_input:
                self._run.found(f"cannot be read: {str(error)[:50]}", f"{example} governed={governed}: {error}")
            return
        except Exception as error:
            self._run.found(f"reading fails: {type(error).__name__}", f"{example}: {error}")
            return
        if how := expected.difference(wanted, found):
            protocol = self._model.resolved_protocol
            self._run.found(f"read differently ({protocol})", f"{example} governed={governed}: {how}")


def _changed(before: Any, after: Any) -> str:
    if before[1] != after[1]:
        return f"{before[1]!r} became {after[1]!r}"
    return f"{before[0]} became {after[0]}"[:300]
