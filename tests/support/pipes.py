"""A body that can be read once, and whose length is unknown."""

from __future__ import annotations

import io


class Pipe(io.RawIOBase):
    """Readable, and nothing else."""

    def __init__(self, content):
        self._left = io.BytesIO(content)

    def readable(self):
        return True

    def readinto(self, buffer):
        return self._left.readinto(buffer)
