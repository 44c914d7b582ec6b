"""Which items of a list are done, in a file, so that a script that was killed goes on where it was.

The first line identifies the list, and each finished item adds a line, which is forced to the disk. A line without its
end, from a crash in the middle of writing, does not count.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import IO, Any, Generic, TypeVar

from guardrails.gradual.holder import Holder, others
from guardrails.system import locks

Item = TypeVar("Item")
_SCHEMA = 1
# What the first line begins with.
_START = b'{"schema": '


class Progress(Generic[Item]):
    """The items that are left, and what to call when some are done. Without a path, nothing is written.

    `key` names an item; by default it is the item itself, which must be something that JSON can express. Raises
    ValueError where the file is not of this list or in use, or an item has no name; OSError where it cannot be written.
    """

    def __init__(
        self, items: list[Item], path: str | os.PathLike[str] | None, key: Callable[[Item], str] | None = None
    ) -> None:
        self._key = key
        self._file: IO[bytes] | None = None
        self._holder = Holder()
        # The file of a loop that was left, and that another one goes on with.
        self._taken = ""
        self.left = items
        if path is not None:
            self._file = _locked(Path(path))
            try:
                self.left = self._left(items, Path(path), self._file)
            except BaseException:
                self.close()
                raise

    def given(self, to: FrameType | None) -> None:
        """Items are about to be yielded to the function of this frame."""
        self._holder = Holder.of(to) if self._file is not None else self._holder

    def done(self, items: Iterable[Item]) -> None:
        """These are finished: they will not come again. Raises ValueError where another loop has gone on meanwhile."""
        if self._taken:
            raise ValueError(
                f"another loop of this process goes on with {self._taken}, because this one had been left; do not go "
                "on with it"
            )
        if self._file is not None:
            self._file.write(b"".join(_line(self._name(item)) for item in items))
            _force(self._file)

    def close(self) -> None:
        """Let another process go on with the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def freed(self, file: IO[bytes], path: Path) -> bool:
        """Let go of this file, if it is this list's and its loop was left. Raises ValueError if the loop goes on."""
        if self._file is None or not os.path.samestat(os.fstat(self._file.fileno()), os.fstat(file.fileno())):
            return False
        if not self._holder.is_gone:
            raise ValueError(
                f"{path} is in use: another loop of this process goes through this list now "
                f"({self._holder.place}); let it end, or call close() on what it goes through"
            )
        self._taken = str(path)
        self.close()
        return True

    def _left(self, items: list[Item], path: Path, file: IO[bytes]) -> list[Item]:
        names = [self._name(item) for item in items]
        digest = hashlib.sha256(json.dumps(sorted(names)).encode()).hexdigest()
        content = file.read()
        whole = content.rpartition(b"\n")[0]
        if not whole:
            # Empty, or killed while the first line was written: nothing was done.
            if content[: len(_START)] != _START[: len(content)]:
                raise _other_file(path)
            file.truncate(0)
            file.write(_line({"schema": _SCHEMA, "list": digest, "items": len(items)}))
            _force(file)
            return items
        header, *finished = _read(whole, path)
        if not isinstance(header, dict) or header.get("list") != digest:
            then = header.get("items", "other") if isinstance(header, dict) else "other"
            raise ValueError(
                f"{path} is the progress of another list ({then} items then, {len(items)} now, or other ones); give "
                "the list that it was started with, or delete the file to start over"
            )
        file.truncate(len(whole) + 1)
        gone = Counter(map(str, finished))
        left = []
        for item, name in zip(items, names, strict=True):
            if gone[name]:
                gone[name] -= 1
            else:
                left.append(item)
        return left

    def _name(self, item: Item) -> str:
        if self._key is not None:
            return str(self._key(item))
        try:
            return json.dumps(item, sort_keys=True)
        except (TypeError, ValueError):
            raise ValueError(
                f"cannot tell {type(item).__name__} items apart after a restart; give key=, a function that returns "
                "the same string for the same item"
            ) from None


def _locked(path: Path) -> IO[bytes]:
    # Appended to: what another process wrote before it was killed stays.
    file = path.open("a+b")
    try:
        locks.take(file.fileno())
    except OSError:
        try:
            _take_over(file, path)
        except BaseException:
            file.close()
            raise
    file.seek(0)
    return file


def _take_over(file: IO[bytes], path: Path) -> None:
    """The lock of a loop that was left: in a notebook, the traceback of an interrupted cell keeps it."""
    if any(each.freed(file, path) for each in others(Progress)):
        try:
            locks.take(file.fileno())
        except OSError:
            pass
        else:
            return
    raise ValueError(f"{path} is in use: another process goes through this list now; wait for it, or end it")


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _force(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())


def _read(whole: bytes, path: Path) -> list[Any]:
    try:
        return [json.loads(line) for line in whole.split(b"\n")]
    except ValueError:
        raise _other_file(path) from None


def _other_file(path: Path) -> ValueError:
    return ValueError(f"{path} is not a file of progress; give another path, or delete it")
