"""The spool: decisions that the sink does not have yet, in files that all processes of this host append to.

Decisions are lines of numbered segments; all processes append to the last one, under a lock. `position` says up to
which byte of which segment the sink has acknowledged them. Segments before it are deleted, so whatever is lost besides
a segment (the position, an answer of the sink, the process that uploads), the worst is that lines are sent again.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from guardrails.memory.file_lock import LockedElsewhere, locked
from guardrails.record.spooled_lines import Batch, Position, Waiting, append_whole, cut
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
            if bounded and (size := self._size(numbers) + self._set_aside_size()) + len(line) > self._max_bytes:
                raise self._full(size)
            if self._bytes(last) + len(line) > min(_SEGMENT, self._max_bytes // 8) and self._bytes(last):
                self._force(last)
                last += 1
            with self._opened(self._segment(last), os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
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
        with suppress(FileNotFoundError), self._opened(self._segment(end.number), os.O_RDONLY) as file:
            # Whatever `fsync` says: a power failure must not leave a position that is ahead of the segment.
            os.fsync(file)
        try:
            self._replace("position", f"{end.number} {end.offset}\n".encode())
            self._reached = Position(0, 0)
        except OSError:
            # No room on the disk: another process will send the lines again. Deleting them makes room.
            self._reached = end
        numbers = self._numbers()
        for number in numbers[:-1]:
            if number < end.number or (number == end.number and self._bytes(number) <= end.offset):
                self._segment(number).unlink(missing_ok=True)

    def set_aside(self, line: bytes, why: str) -> None:
        """Keep a line that cannot be sent."""
        kept = {"at": rfc3339(time.time()), "why": why, "line": line.decode("utf-8", "backslashreplace")}
        with self._locked(), self._opened(self.folder / SET_ASIDE, os.O_RDWR | os.O_APPEND | os.O_CREAT) as file:
            append_whole(file, json.dumps(kept).encode() + b"\n")
            os.fsync(file)

    def waiting(self) -> Waiting:
        """What is in the spool now."""
        count, oldest, numbers = 0, b"", self._numbers()
        position = self._position(numbers)
        for number in numbers:
            lines = self._read(Position(number, position.offset if number == position.number else 0)).splitlines()
            count += len(lines)
            oldest = oldest or (lines[0] if lines else b"")
        return Waiting(count, self._size(numbers), oldest, self._set_aside_size())

    def segments(self) -> list[Path]:
        """The files with decisions, oldest first."""
        return [self._segment(number) for number in self._numbers()]

    def _position(self, numbers: list[int]) -> Position:
        """Up to where the sink has these segments; the start of what is there where that is not known."""
        kept = self._kept_position()
        return kept if kept.number in numbers else Position(numbers[0] if numbers else 1, 0)

    def _is_start_of_line(self, position: Position) -> bool:
        """False for a position that does not belong to this segment, as after a restored backup."""
        with suppress(FileNotFoundError), self._opened(self._segment(position.number), os.O_RDONLY) as file:
            return position.offset == 0 or os.pread(file, 1, position.offset - 1) == b"\n"
        return True

    def _kept_position(self) -> Position:
        try:
            number, offset = (self.folder / "position").read_text("ascii").split()
            return max(self._reached, Position(int(number), max(0, int(offset))))
        except (FileNotFoundError, ValueError):
            return self._reached

    def failed(self, why: str) -> None:
        """Keep for people why the last upload failed; "" for one that did not."""
        with suppress(OSError):
            if why:
                self._replace("last-error", f"{rfc3339(time.time())} {why}".encode())
            else:
                (self.folder / "last-error").unlink(missing_ok=True)

    def last_error(self) -> str:
        """When and why the last upload failed; "" where it did not."""
        try:
            return (self.folder / "last-error").read_text("utf-8", "replace")
        except OSError:
            return ""

    @contextmanager
    def uploading(self) -> Iterator[None]:
        """Inside, no other process uploads. Raises LockedElsewhere at once if one does."""
        with self._opened(self.folder / "upload.lock", os.O_RDWR | os.O_CREAT) as lock:
            try:
                # Not flock: a process that is forked meanwhile would keep it after this one is killed.
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError) as error:
                raise LockedElsewhere(error.errno, "another process uploads them") from error
            yield

    @contextmanager
    def _locked(self) -> Iterator[int]:
        # Someone may have deleted the folder since it was opened.
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._opened(self.folder / "lock", os.O_RDWR | os.O_CREAT) as lock, locked(lock, _PATIENCE_S):
            yield lock

    @contextmanager
    def _opened(self, path: Path, flags: int) -> Iterator[int]:
        file = os.open(path, flags | os.O_CLOEXEC, 0o600)
        try:
            yield file
        finally:
            os.close(file)

    def _numbers(self) -> list[int]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        return sorted(int(name[:-6]) for name in names if name.endswith(".jsonl") and name[:-6].isdecimal())

    def _segment(self, number: int) -> Path:
        return self.folder / f"{number:012}.jsonl"

    def _bytes(self, number: int) -> int:
        try:
            return self._segment(number).stat().st_size
        except FileNotFoundError:
            return 0

    def _size(self, numbers: list[int]) -> int:
        """The bytes that the sink does not have."""
        total = sum(map(self._bytes, numbers))
        return max(0, total - self._position(numbers).offset) if total else 0

    def _set_aside_size(self) -> int:
        try:
            return (self.folder / SET_ASIDE).stat().st_size
        except FileNotFoundError:
            return 0

    def _read(self, start: Position) -> bytes:
        try:
            with self._segment(start.number).open("rb") as file:
                file.seek(start.offset)
                return file.read()
        except FileNotFoundError:
            # Another process has uploaded it meanwhile.
            return b""

    def _replace(self, name: str, content: bytes) -> None:
        new = self.folder / f"{name}.{os.getpid()}"
        new.write_bytes(content)
        new.replace(self.folder / name)

    def _sync(self, file: int, lock: int, *, new: bool) -> None:
        if self._fsync == "each":
            os.fsync(file)
        elif self._fsync == "interval":
            # The lock's file counts for all processes.
            digits = os.pread(lock, 8, 0)
            since = (int(digits) if digits.isdigit() else 0) + 1
            if since >= _INTERVAL:
                os.fsync(file)
            os.pwrite(lock, f"{since % _INTERVAL:08}".encode(), 0)
        if new and self._fsync != "none":
            self._force_names()

    def _force(self, number: int) -> None:
        if self._fsync != "none":
            with self._opened(self._segment(number), os.O_RDONLY) as file:
                os.fsync(file)

    def _force_names(self) -> None:
        with self._opened(self.folder, os.O_RDONLY) as folder:
            os.fsync(folder)

    def _full(self, size: int) -> SpoolFull:
        why = self.last_error()
        return SpoolFull(
            f"the spool {self.folder} is full: {size:,} bytes wait for the sink of the decision log"
            f"{f' (last error: {why})' if why else ''}; make the sink take them (`guardrails log upload`; `guardrails "
            "doctor` says what is wrong), or raise log.spool_max_bytes"
        )
