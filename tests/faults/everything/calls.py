"""Faults of interception, classification and look-ups."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from guardrails import decider
from guardrails.enforce.denied_often import DeniedOften
from guardrails.intercept import judge, reviewing
from guardrails.intercept.glance import Glance
from guardrails.intercept.request.operation import Services
from guardrails.resolve.finder import FactFinder
from tests.faults import answers
from tests.faults.everything.row import Outside, Row, Site, raising, returning
from tests.faults.proxy import Answer, Proxy


def _answered(answer: Answer) -> Callable[[Site], AbstractContextManager[Outside]]:
    """All look-ups are answered so."""

    @contextmanager
    def outside(at: Site) -> Iterator[Outside]:
        with Proxy(at.aws.endpoint_url) as proxy:

            def switch(broken: bool) -> None:
                proxy.answer = answer if broken else None

            yield Outside(endpoint=proxy.endpoint, switch=switch)

    return outside


_THROTTLED = answers.refused(503, "RequestLimitExceeded")
_SOON = {"lookup_timeout_s": 3.0}
INTERCEPT = (
    Row("intercept", "the quick look at a request raises", raising(Glance, "fits")),
    Row("intercept", "the quick look at what leaves raises", raising(Glance, "still_fits")),
    Row("intercept", "naming the service raises", raising(Services, "of_model")),
    Row("intercept", "the thorough look raises", raising(reviewing.Reviewer, "_review")),
    Row("intercept", "reading the request raises", raising(judge, "read_call")),
    Row("intercept", "sealing the request raises", raising(judge.Seal, "of")),
    Row("intercept", "marking the request raises", raising(judge.user_agent, "mark")),
)
CLASSIFY = (
    Row("classify", "classification raises", raising(decider, "classify")),
    Row("classify", "classification runs out of memory", raising(decider, "classify", MemoryError)),
    Row("classify", "classification returns another type", returning(decider, "classify", "terminate")),
    Row("classify", "who calls cannot be found out", raising(DeniedOften, "caller")),
)
RESOLVE = (
    Row("resolve", "the stage raises", raising(FactFinder, "find")),
    Row("resolve", "the stage returns another type", returning(FactFinder, "find", {"live": "green"})),
    Row("resolve", "look-ups: connection lost", outside=_answered(answers.lost)),
    Row("resolve", "look-ups: time-out", config=_SOON, outside=_answered(answers.silent)),
    Row("resolve", "look-ups: slow", config=_SOON, outside=_answered(answers.dripping)),
    Row("resolve", "look-ups: cut off", outside=_answered(answers.cut)),
    Row("resolve", "look-ups: half a document", outside=_answered(answers.document(answers.half))),
    Row("resolve", "look-ups: wrong type", outside=_answered(answers.document(answers.other_types))),
    Row("resolve", "look-ups: empty", outside=_answered(answers.document(answers.nothing))),
    Row("resolve", "look-ups: HTTP 500", config=_SOON, outside=_answered(answers.refused(500, "InternalError"))),
    Row(
        "resolve", "look-ups: throttled", config=_SOON, outside=_answered(answers.refused(503, "RequestLimitExceeded"))
    ),
    Row("resolve", "look-ups: access denied", outside=_answered(answers.refused(403, "AccessDenied"))),
    Row("resolve", "look-ups: expired credentials", outside=_answered(answers.refused(400, "ExpiredToken"))),
)
ROWS = (*INTERCEPT, *CLASSIFY, *RESOLVE)
