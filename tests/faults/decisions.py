"""Decisions on calls on the shop, with true answers to the guard's look-ups or with faults among them."""

from __future__ import annotations

import functools
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import botocore.session
from attrs import evolve, field, frozen

import guardrails
from guardrails.classify.catalogue import Catalogue
from guardrails.config.settings import Settings
from guardrails.pipeline import Pipeline
from guardrails.resolve.connection import failure
from guardrails.resolve.finder import FactFinder
from guardrails.resolve.lookups import Fetched
from guardrails.values import Answer, Call, Decision, Lookup, LookupFailure, Origin
from tests.faults import parameters, shop

FAULTS = ("missing", "empty", "foreign", "stale")
# By the operation of a look-up.
Faults = Mapping[str, str]
_OLD_S = 3600.0
_ORIGIN = Origin(None, shop.REGION, "ec2", "http://127.0.0.1")
CONFIG = {"live": {"eip_addresses": [shop.BLUE_IP]}, "log": {"enabled": False}, "state": {"enabled": False},
          "max_fact_age_s": 600}  # fmt: skip


@frozen
class Case:
    """A call on one side of the shop."""

    service: str
    operation: str
    form: str
    params: Mapping[str, Any] = field(hash=False)

    def __str__(self) -> str:
        return f"{self.service}:{self.operation}" + (f" ({self.form})" if self.form else "")


@frozen
class World:
    """Answers look-ups from the shop; `faults` say what becomes of the answers. `asked` collects what was asked."""

    faults: Faults = field(factory=dict)
    asked: set[str] = field(factory=set)

    def fetch(self, lookups: Iterable[Lookup], _: Origin, *_more: object) -> Fetched:
        answers: dict[str, Answer] = {}
        failures: list[LookupFailure] = []
        for lookup in lookups:
            name = shop.name_of(lookup)
            # What a call changes need not be known: then all of it counts as a change.
            refused = lookup.optional and name not in shop.known()
            if not refused:
                self.asked.add(name)
            fault = self.faults.get(name)
            if refused or fault == "missing":
                failures.append(failure(lookup, "Timeout", "no answer"))
                continue
            items = () if fault == "empty" else shop.elsewhere(lookup) if fault == "foreign" else shop.items(lookup)
            now = time.time()
            answers[lookup.key()] = Answer(items, now - _OLD_S if fault == "stale" else now)
        return Fetched(answers, tuple(failures), len(answers))


@frozen
class Shop:
    """Decides on calls as the pipeline of a guard does, with look-ups answered by a World."""

    pipeline: Pipeline
    settings: Settings

    def decide(self, case: Case, world: World) -> Decision | None:
        """None for a call that is not governed."""
        call = Call(case.service, case.operation, case.params, shop.REGION, "http://127.0.0.1")
        finder = FactFinder(self.settings, world, None)
        return evolve(self.pipeline, finder=finder).decide(call, _ORIGIN)


def open_shop(**live: Any) -> Shop:
    """With the shipped policies, in their default configuration, or with other sources of liveness."""
    guard = guardrails.Guard.from_config({**CONFIG, "live": {**CONFIG["live"], **live}})
    return Shop(guard._pipeline, guard.settings)


def cases(side: shop.Side, other: shop.Side) -> Iterator[Case]:
    """Every governed operation of every service, in each of its forms, on one side; what receives is on the other."""
    for service, operation, form, params in _generated(side, other):
        yield Case(service, operation, form, params)


@functools.cache
def _generated(side: shop.Side, other: shop.Side) -> tuple[tuple[str, str, str, Mapping[str, Any]], ...]:
    def names(kind: str, member: str, role: str) -> str:
        if kind:
            return (side if role == "target" else other).id(kind, member)
        return side.required(member)

    catalogue, session = Catalogue(), botocore.session.get_session()
    found = []
    for key in sorted(catalogue.services):
        service = catalogue.service(key)
        model = session.get_service_model(service.service, api_version=service.api_version or None)
        for operation, entry in sorted(service.operations.items()):
            shape = model.operation_model(operation).input_shape
            for form, params in parameters.variants(entry, shape, names):
                if params is not None:
                    found.append((key, operation, form, params))
    return tuple(found)
