"""The spool: decisions that the sink does not have yet, in files that all processes of this host append to.

Decisions are lines of numbered segments; all processes append to the last one, under a lock. `position` says up to
which byte of which segment the sink has acknowledged them. Segments before it are deleted, so whatever is lost besides
a segment (the position, an answer of the sink, the process that uploads), the worst is that lines are sent again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Literal

from guardrails.memory.file_lock import locked
from guardrails.record.spool_files import alone, opened, replace, size_of
from guardrails.record.spooled_lines import Batch, Position, Waiting, append_whole, cut
from guardrails.system.files import make_folder, opens_folders, read_at, write_at
from guardrails.values import rfc3339

_PATIENCE_S = 10.0
# A new segment starts at this size, or at an eighth of the bound.
_SEGMENT = 4_000_000
# fsync = "interval": after so many decisions.
_INTERVAL = 100
SET_ASIDE = "set-aside.log"


class SpoolFull(OSError):
    """The spool has no room for another decision. `str()` says what to do."""


class Spool:
    """The spool in `folder`. Methods raise OSError."""

    def __init__(self, folder: Path, max_bytes: int, fsync: Literal["each", "interval", "none"]) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._fsync = fsync
        # Where the disk had no room for the position.
        self._reached = Position(0, 0)

    def open(self) -> None:
        """Create the folder, readable only by its owner, and take the lock once."""
        with self._locked():
            pass

    def append(self, line: bytes, *, bounded: bool = True) -> None:
        """Add a line with its end, whole or not at all. Raises SpoolFull, unless it is not `bounded`."""
        with self._locked() as lock:
            numbers = self._numbers()
            # A number that was used before would be taken for the segment that the position names.
            last = numbers[-1] if numbers else self._kept_position().number + 1
            size = self._size(numbers) + size_of(self.folder / SET_ASIDE)
            if bounded and size + len(line) > self._max_bytes:
                raise self._full(size)
            if self._bytes(last) + len(line) > min(_SEGMENT, self._max_bytes // 8) and self._bytes(last):
                self._force(last)
                last += 1
            with opened(self._segment(last), os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
                new = not os.fstat(file).st_size
                append_whole(file, line)
                self._sync(file, lock, new=new)

    def batch(self, most_lines: int, most_bytes: int) -> Batch | None:
        """The next lines to send, at least one; None where all are acknowledged."""
        numbers = self._numbers()
        position = self._position(numbers)
        if not self._is_start_of_line(position):
            position = Position(position.number, 0)
        for number in numbers:
            start = Position(number, position.offset if number == position.number else 0)
            data = self._read(start)
            # What follows the last end of a line is being written, or its writer was killed; nothing is added to it
            # in a segment that is not the last.
            whole = len(data) if number != numbers[-1] else data.rfind(b"\n") + 1
            if whole:
                return cut(data[:whole], start, most_lines, most_bytes)
        return None

    def acknowledge(self, end: Position) -> None:
        """The sink has everything before `end`."""
        with suppress(FileNotFoundError), opened(self._segment(end.number), os.O_RDONLY) as file:
            # Whatever `fsync` says: a power failure must not leave a position that is ahead of the segment.
            os.fsync(file)
        try:
            replace(self.folder / "position", f"{end.number} {end.offset}\n".encode())
            self._reached = Position(0, 0)
        except OSError:
            # No room on the disk: another process will send the lines again. Deleting them makes room.
            self._reached = end
        numbers = self._numbers()
        for number in numbers[:-1]:
            if number < end.number or (number == end.number and self._bytes(number) <= end.offset):
                self._segment(number).unlink(missing_ok=True)

    def set_aside(self, line: bytes, why: str) -> bool:
        """Keep a line that cannot be sent; False if it is kept already."""
        kept = json.dumps({"why": why, "line": line.decode("utf-8", "backslashreplace")}).encode()[1:] + b"\n"
        with self._locked(), opened(self.folder / SET_ASIDE, os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
            with (self.folder / SET_ASIDE).open("rb") as before:
                # The batch is sent again: the sink was down, or this process was killed before it was acknowledged.
                if any(other.endswith(b", " + kept) for other in before):
                    return False
            append_whole(file, json.dumps({"at": rfc3339(time.time())}).encode()[:-1] + b", " + kept)
            os.fsync(file)
        return True

    def waiting(self) -> Waiting:
        """What is in the spool now."""
        count, oldest, numbers = 0, b"", self._numbers()
        position = self._position(numbers)
        for number in numbers:
            lines = self._read(Position(number, position.offset if number == position.number else 0)).splitlines()
            count += len(lines)
            oldest = oldest or (lines[0] if lines else b"")
        return Waiting(count, self._size(numbers), oldest, size_of(self.folder / SET_ASIDE))

    def segments(self) -> list[Path]:
        """The files with decisions, oldest first."""
        return [self._segment(number) for number in self._numbers()]

    def _position(self, numbers: list[int]) -> Position:
        """Up to where the sink has these segments; the start of what is there where that is not known."""
        kept = self._kept_position()
        return kept if kept.number in numbers else Position(numbers[0] if numbers else 1, 0)

    def _is_start_of_line(self, position: Position) -> bool:
        """False for a position that does not belong to this segment, as after a restored backup."""
        with suppress(FileNotFoundError), opened(self._segment(position.number), os.O_RDONLY) as file:
            return position.offset == 0 or read_at(file, 1, position.offset - 1) == b"\n"
        return True

    def _kept_position(self) -> Position:
        try:
            number, offset = (self.folder / "position").read_text("ascii").split()
            return max(self._reached, Position(int(number), max(0, int(offset))))
        except (FileNotFoundError, PermissionError, ValueError):
            # Another user's: to send lines twice is better than to block calls.
            return self._reached

    def failed(self, why: str) -> None:
        """Keep for people why the last upload failed; "" for one that did not."""
        with suppress(OSError):
            if why:
                replace(self.folder / "last-error", f"{rfc3339(time.time())} {why}".encode())
            else:
                (self.folder / "last-error").unlink(missing_ok=True)

    def last_error(self) -> str:
        """When and why the last upload failed; "" where it did not."""
        try:
            return (self.folder / "last-error").read_text("utf-8", "replace")
        except OSError:
            return ""

    def uploading(self) -> AbstractContextManager[None]:
        """Inside, nothing else uploads. Raises LockedElsewhere at once if another process or thread does."""
        return alone(self.folder / "upload.lock")

    @contextmanager
    def _locked(self) -> Iterator[int]:
        # Someone may have deleted the folder since it was opened.
        make_folder(self.folder)
        with opened(self.folder / "lock", os.O_RDWR | os.O_CREAT) as lock, locked(lock, _PATIENCE_S):
            yield lock

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(int(name[:-6]) for name in names if name.endswith(".jsonl") and name[:-6].isdecimal())

    def _segment(self, number: int) -> Path:
        return self.folder / f"{number:012}.jsonl"

    def _bytes(self, number: int) -> int:
        return size_of(self._segment(number))

    def _size(self, numbers: list[int]) -> int:
        """The bytes that the sink does not have."""
        total = sum(map(self._bytes, numbers))
        return max(0, total - self._position(numbers).offset) if total else 0

    def _read(self, start: Position) -> bytes:
        try:
            with self._segment(start.number).open("rb") as file:
                file.seek(start.offset)
                return file.read()
        except FileNotFoundError:
            # Another process has uploaded it meanwhile.
            return b""

    def _sync(self, file: int, lock: int, *, new: bool) -> None:
        if self._fsync == "each":
            os.fsync(file)
        elif self._fsync == "interval":
            # The lock's file counts for all processes.
            digits = read_at(lock, 8, 0)
            since = (int(digits) if digits.isdigit() else 0) + 1
            if since >= _INTERVAL:
                os.fsync(file)
            write_at(lock, f"{since % _INTERVAL:08}".encode(), 0)
        if new and self._fsync != "none":
            self._force_names()

    def _force(self, number: int) -> None:
        if self._fsync != "none":
            with opened(self._segment(number), os.O_RDONLY) as file:
                os.fsync(file)

    def _force_names(self) -> None:
        if opens_folders():
            with opened(self.folder, os.O_RDONLY) as folder:
                os.fsync(folder)

    def _full(self, size: int) -> SpoolFull:
        why, aside = self.last_error(), size_of(self.folder / SET_ASIDE)
        waiting, ways = size - aside, []
        if waiting:
            ways.append("make the sink take them (`guardrails log upload`; `guardrails doctor` says what is wrong)")
        if aside:
            ways.append(f"look at {self.folder / SET_ASIDE} and move it away")
        return SpoolFull(
            f"the spool {self.folder} is full: {waiting:,} bytes wait for the sink of the decision log"
            f"{f' (last error: {why})' if why else ''}"
            f"{f', and {aside:,} bytes of lines that could not be uploaded are in it' if aside else ''}; "
            f"{', '.join(ways)}, or raise log.spool_max_bytes"
        )
