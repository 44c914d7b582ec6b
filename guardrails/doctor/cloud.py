"""Which of the guard's look-ups are permitted here, and what each source says about the live cluster."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from guardrails.doctor.finding import Finding, State
from guardrails.doctor.permissions import Trial, shows_permission, trials
from guardrails.guard import Guard
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.live import asks, lookups
from guardrails.show.failures import failure_sentence, failures_sentence, refused
from guardrails.show.sentences import age, live_sentence
from guardrails.values import Facts, LookupFailure

_NAMED = " (a permission that is limited to certain resource names does not show here)"
_EVERY = "every call that could hurt a cluster is blocked"


def examine(guard: Guard, client: Any, at_home: Any | None) -> Iterator[Finding]:
    """`client` is an EC2 client of the account and region to check.

    `at_home` is one of the configured `home_region`; None if that is the same region or not set.
    """
    facts = guard.live(client)
    yield from _live(facts)
    if at_home is not None:
        yield _home(guard.live(at_home), at_home.meta.region_name)
    always = (INSTANCES, ADDRESSES, *(each for each in lookups(guard.settings.live) if not each.is_program))
    needed = guard.probe(client, always).failures
    codes = {failure.code for failure in needed}
    if len(codes) == 1 and len(needed) == len({lookup.key() for lookup in always}) and not refused(needed[0]):
        # No credentials or no connection: one finding instead of one per look-up.
        sentence = f"all fail with {needed[0].code} ({needed[0].message}); without them {_EVERY}"
        yield Finding("look-ups", "problem", sentence, {"code": needed[0].code})
        return
    for failure in needed:
        yield _failed(failure, "problem", _EVERY)
    meta = client.meta
    tried = trials(meta.partition, meta.region_name, facts.account or "000000000000", asks(guard.settings.live))
    others = [trial.lookup for trial in tried]
    failed = list(_tried(guard.probe(client, others).failures, tried))
    yield from failed
    if not (needed or failed):
        allowed = sorted({lookup.permission for lookup in (*always, *others)})
        sentence = f"all {len(allowed)} that the guard may need are permitted"
        yield Finding("look-ups", "ok", sentence, {"permissions": allowed})


def _tried(failures: Iterable[LookupFailure], tried: Iterable[Trial]) -> Iterator[Finding]:
    """What is refused, and, grouped by reason, what remains unclear."""
    without = {trial.lookup.permission: trial.without for trial in tried}
    unclear: dict[str, list[LookupFailure]] = {}
    for failure in failures:
        if refused(failure):
            named = "" if failure.permission.startswith("ec2:") else _NAMED
            yield _failed(failure, "note", without[failure.permission] + named)
        elif not shows_permission(failure):
            unclear.setdefault(failure.code, []).append(failure)
    for code, group in unclear.items():
        names = [failure.permission for failure in group]
        sentence = f"cannot tell whether these are permitted ({group[0].message}): {', '.join(names)}"
        yield Finding(f"look-ups that end in {code}", "note", sentence, {"code": code, "permissions": names})


def _failed(failure: LookupFailure, state: State, without: str) -> Finding:
    facts = {"permission": failure.permission, "code": failure.code}
    return Finding(f"look-up {failure.lookup}", state, f"{failure_sentence(failure)}; without it {without}", facts)


def _home(facts: Facts, region: str) -> Finding:
    """The region whose evidence counts for services without regions, such as Route 53."""
    state: State = "ok" if facts.live.known else "problem"
    sentence = failures_sentence(facts.failures) or live_sentence(facts.live, time.time())
    return Finding(f"home region {region}", state, sentence, {"clusters": list(facts.live.clusters)})


def _live(facts: Facts) -> Iterator[Finding]:
    now = time.time()
    if facts.failures:
        reasons = failures_sentence(facts.failures)
        yield Finding("live cluster", "problem", f"not known: {reasons}", {"known": False, "clusters": []})
        return
    live = facts.live
    known = {"known": live.known, "disputed": live.disputed, "clusters": list(live.clusters)}
    state: State = "ok" if live.known and not live.disputed else "note" if live.known else "problem"
    yield Finding("live cluster", state, live_sentence(live, now), known)
    for source in live.sources:
        seen = f"{source.evidence}, seen {age(now - source.observed_at)} ago"
        named = {"clusters": list(source.clusters), "observed_at": source.observed_at}
        yield Finding(f"source {source.name}", "ok" if source.clusters or source.silent else "note", seen, named)
    if sum(not source.silent for source in live.sources) == 1:
        sentence = "only one source finds something; a second, independent one would show when it is wrong"
        yield Finding("sources", "note", sentence, {"count": 1})
