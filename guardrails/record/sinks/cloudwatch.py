"""The sink CloudWatch Logs: an event per decision, in a stream per host.

Limits of PutLogEvents: 10,000 events, 1,048,576 bytes with 26 for each event, 24 hours from the first to the last, in
the order of their time, none older than 14 days or two hours ahead.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from guardrails.config.settings import LogSettings
from guardrails.record.entries import parse
from guardrails.record.long_lines import packed
from guardrails.record.sinks import aws
from guardrails.record.spooled_lines import Position

_EVENT_BYTES = 26
# 1 MB today; 256 KB until 2025, and still in some regions and simulators.
_LONGEST = 256 * 1024 - _EVENT_BYTES
_DAY_MS = 24 * 3600 * 1000
# A day less than AWS takes. Its own time is in each entry.
_OLDEST_MS = 13 * _DAY_MS
_PERMISSION = "logs:PutLogEvents"
_ODD = re.compile(r"[:*]+")
_TOO_OLD = 0


class CloudWatchSink:
    """Puts events into the log group of `settings.sink`."""

    most_lines = 10_000
    # With the 26 bytes of each of 10,000 events it stays below AWS's limit.
    most_bytes = 750_000

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._where = str(settings.sink)
        self._group = self._where.removeprefix("cloudwatch://")
        self._stream = _ODD.sub("-", socket.gethostname()) or "host"
        self._client: Any = None

    def send(self, lines: tuple[bytes, ...], start: Position, /) -> Mapping[int, str]:  # noqa: ARG002
        """Put the events, in several requests where they are days apart. Raises SinkFailure."""
        now = time.time() * 1000
        events = sorted((_time(line, now), index) for index, line in enumerate(lines))
        refused: dict[int, str] = {}
        for part in _within_a_day(events):
            messages = {index: _message(lines[index]) for _, index in part}
            sent = [(at, index, message) for at, index in part if (message := messages[index]) is not None]
            too_long = f"it is longer than {_LONGEST:,} bytes, which CloudWatch Logs does not take"
            refused |= {index: too_long for index, message in messages.items() if message is None}
            if sent:
                refused |= self._put(sent)
        return refused

    def try_it(self) -> str:
        """Put an event that is too old, which AWS does not keep."""
        with aws.in_time(self._where, _PERMISSION):
            self._request([{"timestamp": _TOO_OLD, "message": "guardrails doctor"}])
        return _PERMISSION

    def _put(self, events: list[tuple[int, int, str]]) -> Mapping[int, str]:
        with aws.in_time(self._where, _PERMISSION):
            answer = self._request([{"timestamp": at, "message": message} for at, _, message in events])
        # AWS answers with success and drops those.
        info = answer.get("rejectedLogEventsInfo") or {}
        first = max(int(info.get("tooOldLogEventEndIndex", 0)), int(info.get("expiredLogEventEndIndex", 0)))
        last = int(info.get("tooNewLogEventStartIndex", len(events)))
        return {
            index: "CloudWatch Logs refused its time: older than the group's retention, or in the future"
            for place, (_, index, _) in enumerate(events)
            if not first <= place < last
        }

    def _request(self, events: list[dict[str, Any]]) -> Mapping[str, Any]:
        client, self._client = self._client or aws.own_client("logs", self._settings), None
        place = {"logGroupName": self._group, "logStreamName": self._stream}
        try:
            answer: Mapping[str, Any] = client.put_log_events(**place, logEvents=events)
        except ClientError as error:
            if aws.code_of(error) != "ResourceNotFoundException":
                raise
            _create_stream(client, place)
            answer = client.put_log_events(**place, logEvents=events)
        # After a failure the next one has the credentials of then.
        self._client = client
        return answer


def _create_stream(client: Any, place: Mapping[str, str]) -> None:
    try:
        client.create_log_stream(**place)
    except ClientError as error:
        # Another process of this host was faster.
        if aws.code_of(error) != "ResourceAlreadyExistsException":
            raise


def _time(line: bytes, now_ms: float) -> int:
    """When an entry was written, in milliseconds, or the nearest time that AWS takes."""
    entry = parse(line)
    try:
        at = datetime.fromisoformat(entry.timestamp).timestamp() * 1000 if entry else now_ms
    except (ValueError, OverflowError):
        at = now_ms
    return int(min(max(at, now_ms - _OLDEST_MS), now_ms))


def _within_a_day(events: list[tuple[int, int]]) -> Iterator[list[tuple[int, int]]]:
    while events:
        part = [event for event in events if event[0] - events[0][0] < _DAY_MS]
        yield part
        events = events[len(part) :]


def _message(line: bytes) -> str | None:
    short = line if len(line) <= _LONGEST else packed(line)
    return short.decode("utf-8", "replace") if len(short) <= _LONGEST else None
