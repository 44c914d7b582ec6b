"""How many requests the guard itself makes, beside AWS's rate limits, which the guarded scripts use as well."""

from __future__ import annotations

from guardrails.config.settings import STANDARD_ERROR, Settings
from guardrails.doctor.finding import Finding
from guardrails.errors import ConfigError
from guardrails.guard import Guard
from guardrails.record.entries import Entry, read
from guardrails.report.own_lookups import ALLOWED, Busiest, lookups

_NAME = "own look-ups"
# From this share of what AWS allows, little is left for the script.
_MUCH = 0.5


def examine(settings: Settings, guard: Guard | None) -> Finding:
    """The busiest minute of the decision log (of its newest file), and of this process if a `guard` is on in it."""
    busiest = Busiest()
    log = settings.log
    if log.enabled and log.path != STANDARD_ERROR:
        try:
            for entry in read(log.path):
                if isinstance(entry, Entry):
                    busiest.add(entry, lookups(entry))
        except ConfigError as error:
            return Finding(_NAME, "note", str(error))
    here = dict(guard.own_requests.busiest()) if guard is not None else {}
    throttled = guard.own_requests.throttled if guard is not None else 0
    facts = {"per_minute": busiest.most, "minute": busiest.minute, "place": busiest.place, "allowed": ALLOWED,
             "this_process": here, "throttled": throttled}  # fmt: skip
    parts = [busiest.sentence if busiest.most else "none in the decision log"]
    if here:
        name = max(here, key=here.__getitem__)
        parts.append(f"this process: at most {here[name]:,} requests in a minute for {name}, {throttled:,} throttled")
    much = busiest.most > _MUCH * ALLOWED or throttled
    return Finding(_NAME, "note" if much else "ok", "; ".join(parts), facts)
