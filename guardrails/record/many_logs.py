"""Several decision logs read as one, each decision once: of this host, of others, and from S3."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import Path

from attrs import field

from guardrails.config.settings import STANDARD_ERROR, LogSettings
from guardrails.errors import ConfigError
from guardrails.record.entries import Entry, notes, read_files
from guardrails.record.log_files import below, files
from guardrails.record.s3_logs import download
from guardrails.record.upload import spool_of
from guardrails.values import frozen


@frozen
class Logs:
    """The files of some logs: those of one log after the other, oldest first.

    With `repeats`, a decision may be in several files. `names` are what people call files that were downloaded.
    """

    streams: tuple[tuple[Path, ...], ...]
    repeats: bool
    names: Mapping[Path, str] = field(factory=dict)

    def read(self) -> Iterator[Entry | str]:
        """Every entry, as `entries.read`: log after log, each by time. Raises ConfigError for an unreadable file.

        One file is open at a time: a process may not have as many open as there may be hosts.
        """
        every = [file for stream in self.streams for file in stream]
        seen: set[str] = set()
        for entry in read_files(every, notes(every), self.names):
            if self.repeats and isinstance(entry, Entry):
                if entry.decision_id in seen:
                    continue
                seen.add(entry.decision_id)
            yield entry


@contextmanager
def gathered(log: LogSettings, named: Sequence[str], *, own: bool = False) -> Iterator[Logs]:
    """The logs that are `named`: paths, patterns, folders and ``s3://BUCKET/PREFIX``; those of this host by default.

    With `own`, those of this host as well. What is in S3 is downloaded, and deleted afterwards. Raises ConfigError
    where there is no such log.
    """
    if not named:
        yield _own(log)
        return
    with tempfile.TemporaryDirectory(prefix="guardrails-logs-") as folder:
        streams: list[tuple[Path, ...]] = []
        names: dict[Path, str] = {}
        if own and (log.path != STANDARD_ERROR or log.sink is not None):
            streams += _own(log).streams
        for number, name in enumerate(named):
            if name.startswith("s3://"):
                into = Path(folder, str(number))
                into.mkdir()
                downloaded = download(name, log, into)
                names |= downloaded
                streams.append(tuple(downloaded))
            else:
                streams += _local(name, log.keep)
        repeats = len(streams) > 1 or bool(names) or any(os.path.isdir(name) for name in named)
        yield Logs(tuple(dict.fromkeys(streams)), repeats, names)


def _own(log: LogSettings) -> Logs:
    spool = spool_of(log)
    spooled = tuple(spool.segments()) if spool is not None else ()
    # The log itself is gone with the process that wrote it to standard error.
    own = () if spooled and log.path == STANDARD_ERROR else tuple(files(log.path, log.keep))
    return Logs(tuple(filter(None, (own, spooled))), repeats=bool(spooled))


def _local(name: str, keep: int) -> list[tuple[Path, ...]]:
    path = Path(name)
    if name.startswith("cloudwatch://"):
        raise ConfigError(f"{name}: decisions in CloudWatch Logs are read there (Logs Insights); name a file, or s3://")
    if os.path.isdir(path):
        found = below(path)
    elif has_magic(name) and not path.exists():
        found = [(Path(match),) for match in sorted(glob(name, recursive=True)) if Path(match).is_file()]
    else:
        found = [tuple(files(path, keep))]
    if not any(found):
        raise ConfigError(f"{name}: no such decision log; correct the name, or name another one")
    return found
