"""Whether decisions reach the sink: what waits in the spool, since when, why, and whether the sink takes anything."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.config.settings import LogSettings
from guardrails.doctor.finding import Finding
from guardrails.record.entries import parse
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.spool import SET_ASIDE, Spool
from guardrails.record.spool_files import not_permitted
from guardrails.record.upload import sink_of, spool_of
from guardrails.show.sentences import counted

_ABOUT = "log sink"


def examine(log: LogSettings) -> Iterator[Finding]:
    """The sink is tried with a request that leaves no decision there."""
    spool = spool_of(log)
    if spool is None or not log.enabled:
        return
    where = {"sink": log.sink, "spool": str(spool.folder)}
    try:
        tried = sink_of(log).try_it()
    except SinkFailure as failure:
        sentence = f"{failure}. Decisions wait in the spool; governed calls are denied once it is full"
        yield Finding(_ABOUT, "problem", sentence, where)
    else:
        yield Finding(_ABOUT, "ok", f"{log.sink} answers ({tried})", {**where, "tried": tried})
    try:
        yield from _spool(spool, log)
    except PermissionError:
        yield Finding("spool", "problem", not_permitted(spool.folder), where)
    except OSError as error:
        yield Finding("spool", "problem", f"{spool.folder} cannot be read ({error.strerror}); fix that", where)


def _spool(spool: Spool, log: LogSettings) -> Iterator[Finding]:
    waiting, error = spool.waiting(), spool.last_error()
    oldest = parse(waiting.oldest)
    since = oldest.timestamp if oldest is not None else ""
    facts = {"waiting": waiting.count, "bytes": waiting.size, "max_bytes": log.spool_max_bytes, "oldest": since,
             "last_error": error, "set_aside_bytes": waiting.set_aside}  # fmt: skip
    if not waiting.count:
        yield Finding("spool", "ok", f"nothing waits in {spool.folder}", facts)
    else:
        by = "" if log.upload else " (log.upload is false: run `guardrails log upload --watch` on this host)"
        yield Finding(
            "spool",
            "problem" if error or waiting.size * 2 > log.spool_max_bytes else "ok",
            f"{counted(waiting.count, 'line')} ({waiting.size:,} of {log.spool_max_bytes:,} bytes) wait in "
            f"{spool.folder}{f', the oldest since {since}' if since else ''}"
            f"{f'; last error: {error}' if error else ''}{by}",
            facts,
        )
    if waiting.set_aside:
        yield Finding(
            "spool",
            "problem",
            f"{spool.folder / SET_ASIDE} has lines that could not be uploaded, each with the reason; look at them, "
            "then delete the file",
            facts,
        )
