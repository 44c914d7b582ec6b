"""The files in a tarball. Only who reads or writes one imports this: `tarfile` is the largest module of a start."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from guardrails.errors import PolicyError


def pack(files: Mapping[str, bytes]) -> bytes:
    """A tarball of these files by name; the same files give the same bytes."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


def members(
    place: Path | str, packed: bytes, largest: int, check_size: Callable[[Path | str, int], None]
) -> Iterator[tuple[str, bytes]]:
    """Each file's name and bytes. Raises OSError where it cannot be read, PolicyError for a name that appears twice.

    At most `largest` bytes are unpacked, and one more. `check_size` gets what has a size, and the size.
    """
    try:
        yield from _members(place, packed, largest, check_size)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise OSError(str(error)) from error


def _members(
    place: Path | str, packed: bytes, largest: int, check_size: Callable[[Path | str, int], None]
) -> Iterator[tuple[str, bytes]]:
    seen: set[str] = set()
    with gzip.open(io.BytesIO(packed)) as whole:
        # Before anything in it is read: a small file may unpack to any size, and its names count, too.
        unpacked = whole.read(largest + 1)
    check_size(place, len(unpacked))
    with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
        for member in archive:
            if not member.isfile():
                continue
            name = member.name.removeprefix("./").lstrip("/")
            # A sparse file is larger than what it takes in the archive.
            check_size(f"{place}/{name}", member.size)
            if name in seen:
                raise PolicyError(f"{place}/{name}: appears twice; build the bundle again")
            seen.add(name)
            file = archive.extractfile(member)
            yield name, file.read() if file is not None else b""
