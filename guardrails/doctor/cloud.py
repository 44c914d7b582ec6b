"""Whether the guard's look-ups may be made here, and what each source says about which cluster is live."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from guardrails.doctor.permissions import Trial, shows_permission, trials
from guardrails.doctor.report import Finding, State
from guardrails.guard import Guard
from guardrails.resolve.inventory import ADDRESSES, INSTANCES
from guardrails.resolve.live import lookups
from guardrails.show.sentences import age, failure_sentence, live_sentence, refused
from guardrails.values import Facts, LookupFailure

_NAMED = " (a permission for certain names only is not seen here)"
_EVERY = "every call that could hurt a cluster is blocked"


def examine(guard: Guard, client: Any, at_home: Any | None) -> Iterator[Finding]:
    """Through `client`, an EC2 client of the account and region in question.

    `at_home` is one of the region that `home_region` names, None where that is the same or not set.
    """
    facts = guard.live(client)
    yield from _live(facts)
    if at_home is not None:
        yield _home(guard.live(at_home), at_home.meta.region_name)
    always = (INSTANCES, ADDRESSES, *lookups(guard.settings.live))
    needed = guard.probe(client, always).failures
    codes = {failure.code for failure in needed}
    if len(codes) == 1 and len(needed) == len({one.key() for one in always}) and not refused(needed[0]):
        # No credentials, or nobody answers: one reason, said once.
        said = f"all fail with {needed[0].code} ({needed[0].message}); without them {_EVERY}"
        yield Finding("look-ups", "ill", said, {"code": needed[0].code})
        return
    for failure in needed:
        yield _failed(failure, "ill", _EVERY)
    meta = client.meta
    tried = trials(meta.partition, meta.region_name, facts.account or "000000000000")
    others = [trial.lookup for trial in tried]
    found = list(_tried(guard.probe(client, others).failures, tried))
    yield from found
    if not (needed or found):
        allowed = sorted({lookup.permission for lookup in (*always, *others)})
        said = f"all {len(allowed)} that the guard may need are permitted"
        yield Finding("look-ups", "well", said, {"permissions": allowed})


def _tried(failures: Iterable[LookupFailure], tried: Iterable[Trial]) -> Iterator[Finding]:
    """What is refused, and, by the reason, what the answer does not tell about."""
    without = {trial.lookup.permission: trial.without for trial in tried}
    unclear: dict[str, list[LookupFailure]] = {}
    for failure in failures:
        if refused(failure):
            named = "" if failure.permission.startswith("ec2:") else _NAMED
            yield _failed(failure, "note", without[failure.permission] + named)
        elif not shows_permission(failure):
            unclear.setdefault(failure.code, []).append(failure)
    for code, some in unclear.items():
        names = [failure.permission for failure in some]
        said = f"not known whether these are permitted ({some[0].message}): {', '.join(names)}"
        yield Finding(f"look-ups that end in {code}", "note", said, {"code": code, "permissions": names})


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
