"""Whether the guard's look-ups may be made here, and what each source says about which cluster is live."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from guardrails.doctor.permissions import TRIALS
from guardrails.doctor.report import Finding, State
from guardrails.guard import Guard
from guardrails.live import lookups
from guardrails.message import age, failure_sentence, live_sentence, refused
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.values import Facts, LookupFailure


def examine(guard: Guard, client: Any, now: float) -> Iterator[Finding]:
    """Through `client`, an EC2 client of the account and region in question; `now` is seconds since the epoch."""
    yield from _live(guard.live(client), now)
    always = (INSTANCES, ADDRESSES, *lookups(guard.settings.live))
    tried = tuple(trial.lookup for trial in TRIALS)
    needed = guard.probe(client, always).failures
    if needed and len({failure.code for failure in needed}) == 1 and len(needed) == len({one.key() for one in always}):
        # No credentials, or nobody answers: one reason, said once.
        one = needed[0]
        said = f"none was answered: {one.code} ({one.message})"
        yield Finding("look-ups", "ill", f"{said}; every governed call is blocked", {"code": one.code})
        return
    for failure in needed:
        yield _failed(failure, "ill", "every governed call is blocked")
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


def _live(facts: Facts, now: float) -> Iterator[Finding]:
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
