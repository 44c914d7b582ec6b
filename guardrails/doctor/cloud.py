"""Whether the guard's look-ups may be made here, and what each source says about which cluster is live."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from guardrails.doctor.permissions import TRIALS
from guardrails.doctor.report import Finding, State
from guardrails.guard import Guard
from guardrails.live import lookups
from guardrails.message import age, failure_sentence, live_sentence, refused
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.values import Facts, LookupFailure

_EVERY = "every call that could hurt a cluster is blocked"


def examine(guard: Guard, client: Any, at_home: Any | None) -> Iterator[Finding]:
    """Through `client`, an EC2 client of the account and region in question.

    `at_home` is one of the region that `home_region` names, None where that is the same or not set.
    """
    yield from _live(guard.live(client))
    if at_home is not None:
        yield _home(guard.live(at_home), at_home.meta.region_name)
    always = (INSTANCES, ADDRESSES, *lookups(guard.settings.live))
    tried = tuple(trial.lookup for trial in TRIALS)
    needed = guard.probe(client, always).failures
    if len(needed) == len({one.key() for one in always}) and not any(failure.answered for failure in needed):
        # No credentials, or nobody answers: one reason, said once.
        one = needed[0]
        said = f"none was answered: {one.code} ({one.message})"
        yield Finding("look-ups", "ill", f"{said}; without them {_EVERY}", {"code": one.code})
        return
    for failure in needed:
        yield _failed(failure, "ill", _EVERY)
    # The others ask for a dry run, or about what is not there: what AWS answers to that is no matter.
    silent = [failure for failure in guard.probe(client, tried).failures if refused(failure) or not failure.answered]
    without = {trial.lookup.permission: trial.without for trial in TRIALS}
    for failure in silent:
        yield _failed(failure, "note", without[failure.permission])
    if not (needed or silent):
        allowed = sorted({lookup.permission for lookup in (*always, *tried)})
        yield Finding(
            "look-ups", "well", f"all {len(allowed)} that the guard may need are permitted", {"permissions": allowed}
        )


def _failed(failure: LookupFailure, state: State, without: str) -> Finding:
    facts = {"permission": failure.permission, "code": failure.code}
    return Finding(f"look-up {failure.lookup}", state, f"{failure_sentence(failure)}; without it {without}", facts)


def _home(facts: Facts, region: str) -> Finding:
    """What calls of services without a region of their own, such as Route 53, are judged by."""
    known = facts.live.known
    said = "; ".join(map(failure_sentence, facts.failures)) or live_sentence(facts.live, time.time())
    return Finding(f"home region {region}", "well" if known else "ill", said, {"clusters": list(facts.live.clusters)})


def _live(facts: Facts) -> Iterator[Finding]:
    now = time.time()
    if facts.failures:
        said = "; ".join(map(failure_sentence, facts.failures))
        yield Finding("live cluster", "ill", f"not known: {said}", {"known": False, "clusters": []})
        return
    live = facts.live
    known = {"known": live.known, "disputed": live.disputed, "clusters": list(live.clusters)}
    state: State = "well" if live.known and not live.disputed else "note" if live.known else "ill"
    yield Finding("live cluster", state, live_sentence(live, now), known)
    for source in live.sources:
        seen = f"{source.evidence}, seen {age(now - source.observed_at)} ago"
        named = {"clusters": list(source.clusters), "observed_at": source.observed_at}
        yield Finding(f"source {source.name}", "well" if source.clusters else "note", seen, named)
    if len(live.sources) == 1:
        sentence = "one source alone; a second one that is independent of it would notice when it is wrong"
        yield Finding("sources", "note", sentence, {"count": 1})
