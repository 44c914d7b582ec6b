"""The revision of the policies that OPA servers last had, on disk, for a start while none of them answers.

All processes of the user share it. It counts only where no one else can have written it: see private_file.py.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from guardrails.evaluate import private_file


def read(urls: Iterable[str]) -> str:
    """That of these servers, "" where it is not known."""
    content = private_file.read(_file(urls))
    return "" if content is None else content.decode()


def write(urls: Iterable[str], revision: str) -> None:
    """Keep it. Does nothing where that cannot be written: a start without the servers fails then."""
    with suppress(OSError):
        private_file.write(_file(urls), revision.encode())


def _file(urls: Iterable[str]) -> Path:
    name = hashlib.sha256(json.dumps(sorted(urls)).encode()).hexdigest()[:24]
    return private_file.folder("opa-revisions") / f"{name}.txt"
