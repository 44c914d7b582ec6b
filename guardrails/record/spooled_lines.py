"""Lines in the files of the spool: where they are, and how one is added."""

from __future__ import annotations

import os

from guardrails.system.files import read_at
from guardrails.values import frozen


@frozen(order=True)
class Position:
    """A place in the spool: byte `offset` of segment `number`."""

    number: int
    offset: int


@frozen
class Batch:
    """Lines of one segment, without their ends, from `start` to `end`."""

    lines: tuple[bytes, ...]
    start: Position
    end: Position


@frozen
class Waiting:
    """What the sink does not have: decisions and their bytes, the oldest one's line, and bytes that were set aside."""

    count: int
    size: int
    oldest: bytes
    set_aside: int


def append_whole(file: int, line: bytes) -> None:
    """Write the line, whole or not at all."""
    size = os.fstat(file).st_size
    if size and read_at(file, 1, size - 1) != b"\n":
        # Its writer was killed. This line must not become part of that one.
        line = b"\n" + line
    written = os.write(file, line)
    if written != len(line):
        os.ftruncate(file, size)
        raise OSError(f"only {written} of {len(line)} bytes fit on the disk")


def cut(data: bytes, start: Position, most_lines: int, most_bytes: int) -> Batch:
    lines: list[bytes] = []
    size = 0
    for line in data.splitlines(keepends=True):
        if lines and (len(lines) == most_lines or size + len(line) > most_bytes):
            break
        lines.append(line)
        size += len(line)
    return Batch(tuple(line.rstrip(b"\n") for line in lines), start, Position(start.number, start.offset + size))
