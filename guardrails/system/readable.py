"""Names that the system gives as bytes: of users, hosts, files, and what stands in the environment."""

from __future__ import annotations

import os


def readable(name: str) -> str:
    """The name with a mark for each byte that is not text: policies and logs are JSON, which has no place for it."""
    return os.fsencode(name).decode("utf-8", "replace")
