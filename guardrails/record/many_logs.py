"""Several decision logs read as one, by time and each decision once: of this host, of others, and from S3."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import Path

from attrs import frozen

from guardrails.config.settings import STANDARD_ERROR, LogSettings
from guardrails.errors import ConfigError
from guardrails.record.entries import Entry, notes, read_files
from guardrails.record.log_files import files
from guardrails.record.s3_logs import download
from guardrails.record.upload import spool_of

_SUFFIXES = (".jsonl", ".jsonl.gz")


@frozen
class Logs:
    """The files of some logs: those of one host or one log after the other (oldest first), several beside each other.

    With `repeats`, a decision may be in several files.
    """

    streams: tuple[tuple[Path, ...], ...]
    repeats: bool

    def read(self) -> Iterator[Entry | str]:
        """Every entry, oldest first, as `entries.read`. Raises ConfigError for a file that cannot be read."""
        not_sent = notes(file for stream in self.streams for file in stream)
        merged = heapq.merge(*(_timed(read_files(stream, not_sent)) for stream in self.streams), key=lambda one: one[0])
        seen: set[str] = set()
        for _, entry in merged:
            if self.repeats and isinstance(entry, Entry):
                if entry.decision_id in seen:
                    continue
                seen.add(entry.decision_id)
            yield entry


@contextmanager
def gathered(log: LogSettings, named: Sequence[str]) -> Iterator[Logs]:
    """The logs that are `named`: paths, patterns, folders and ``s3://BUCKET/PREFIX``; those of this host by default.

    What is in S3 is downloaded, and deleted afterwards. Raises ConfigError where there is no such log.
    """
    if not named:
        yield _own(log)
        return
    with tempfile.TemporaryDirectory(prefix="guardrails-logs-") as folder:
        streams: list[tuple[Path, ...]] = []
        repeats = False
        for number, name in enumerate(named):
            if name.startswith("s3://"):
                into = Path(folder, str(number))
                into.mkdir()
                found = download(name, log, into)
            else:
                found = _local(name, log.keep)
            repeats = repeats or name.startswith("s3://") or Path(name).is_dir()
            streams += found
        yield Logs(tuple(dict.fromkeys(streams)), repeats or len(streams) > 1)


def _own(log: LogSettings) -> Logs:
    spool = spool_of(log)
    spooled = tuple(spool.segments()) if spool is not None else ()
    # The log itself is gone with the process that wrote it to standard error.
    own = () if spooled and log.path == STANDARD_ERROR else tuple(files(log.path, log.keep))
    return Logs(tuple(filter(None, (own, spooled))), repeats=bool(spooled))


def _local(name: str, keep: int) -> list[tuple[Path, ...]]:
    path = Path(name)
    if path.is_dir():
        # One after the other: a folder may have more files than a process may open.
        below = sorted(file for file in path.rglob("*") if file.name.endswith(_SUFFIXES) and file.is_file())
        found: list[tuple[Path, ...]] = [tuple(below)]
    elif has_magic(name) and not path.exists():
        found = [(Path(match),) for match in sorted(glob(name, recursive=True)) if Path(match).is_file()]
    else:
        found = [tuple(files(path, keep))]
    if not any(found):
        raise ConfigError(f"{name}: no such decision log; name one with --log")
    return found


def _timed(entries: Iterator[Entry | str]) -> Iterator[tuple[str, Entry | str]]:
    """With the time at which each is placed; a sentence stays behind the entry before it."""
    at = ""
    for entry in entries:
        if isinstance(entry, Entry):
            at = entry.timestamp
        yield at, entry
