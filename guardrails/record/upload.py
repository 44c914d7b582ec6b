"""Uploads the spool to the sink, batch by batch. What the sink has acknowledged is not sent again."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from guardrails.config.settings import LogSettings
from guardrails.record.entries import parse
from guardrails.record.sinks.sink import Sink, SinkFailure
from guardrails.record.spool import SET_ASIDE, Spool
from guardrails.record.spooled_lines import Batch
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


def spool_of(settings: LogSettings) -> Spool | None:
    """The spool that a configuration names; None without a sink."""
    if settings.sink is None:
        return None
    return Spool(settings.spool_folder, settings.spool_max_bytes, settings.fsync)


def sink_of(settings: LogSettings) -> Sink:
    """The sink that a configuration names."""
    return sink_kind(settings)(settings)


def sink_kind(settings: LogSettings) -> Callable[[LogSettings], Sink]:
    """What makes it; imported now, because a thread can import little once the program ends."""
    scheme = str(settings.sink).partition("://")[0]
    module, _, kind = {"s3": "s3.S3Sink", "cloudwatch": "cloudwatch.CloudWatchSink"}.get(
        scheme, "opa_service.OpaService"
    ).partition(".")
    made: Callable[[LogSettings], Sink] = getattr(import_module(f"guardrails.record.sinks.{module}"), kind)
    return made


class Uploader:
    """Sends what is in `spool` to `sink`."""

    def __init__(self, spool: Spool, sink: Sink) -> None:
        self._spool = spool
        self._sink = sink

    def upload(self) -> int:
        """Send everything; how many entries the sink acknowledged. May send again what it sent before.

        Raises SinkFailure, LockedElsewhere while another process uploads, and OSError for the spool.
        """
        count = 0
        # Without anything to send there may not even be a folder.
        if self._next() is None:
            return count
        with self._spool.uploading():
            try:
                while (batch := self._next()) is not None:
                    count += self._send(batch)
                    self._spool.acknowledge(batch.end)
            except (SinkFailure, OSError) as error:
                self._spool.failed(str(error))
                raise
            self._spool.failed("")
        return count

    def _next(self) -> Batch | None:
        return self._spool.batch(self._sink.most_lines, self._sink.most_bytes)

    def _send(self, batch: Batch) -> int:
        entries = []
        for line in batch.lines:
            if parse(line) is not None:
                entries.append(line)
            elif line.strip():
                self._set_aside(line, "it is not a decision: its writer was killed, or the file is damaged")
        if not entries:
            return 0
        refused = self._sink.send(tuple(entries), batch.start)
        for index, why in refused.items():
            self._set_aside(entries[index], why)
        return len(entries) - len(refused)

    def _set_aside(self, line: bytes, why: str) -> None:
        if not self._spool.set_aside(line, why):
            return
        kept = self._spool.folder / SET_ASIDE
        _logger.warning("a line of the spool cannot be uploaded, and is kept in %s: %s", kept, why)
