"""The last verified bundle of each source, on disk, for a start without a network.

All processes of the user share them. A file has a line of JSON and the bundle as it was fetched; the time of the file
beside it is when one of them last found the bundle to be the newest.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from guardrails.config.policy_settings import RemoteBundle
from guardrails.evaluate import private_file
from guardrails.values import frozen


@frozen
class Fetched:
    """A bundle's bytes and the tag (ETag) with which the source knows them, "" where it has none."""

    packed: bytes
    tag: str = ""

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.packed).hexdigest()


def read(remote: RemoteBundle) -> Fetched | None:
    """None where nothing is kept, or where others can have written it."""
    content = private_file.read(_file(remote))
    if content is None:
        return None
    head, _, packed = content.partition(b"\n")
    try:
        return Fetched(packed, str(json.loads(head)["tag"]))
    except (ValueError, LookupError, TypeError):
        return None


def write(remote: RemoteBundle, bundle: Fetched) -> None:
    """Keep it instead of the one before. Raises OSError."""
    head = json.dumps({"source": remote.url, "tag": bundle.tag}).encode()
    private_file.write(_file(remote), head + b"\n" + bundle.packed)


def checked_at(remote: RemoteBundle) -> float:
    """When the bundle was last found to be the newest, in seconds since the epoch; 0.0 where that is not known."""
    stamp = _stamp(remote)
    try:
        return stamp.stat().st_mtime if private_file.is_private(stamp.parent) else 0.0
    except OSError:
        return 0.0


def note_check(remote: RemoteBundle) -> None:
    """It is the newest now. Does nothing where that cannot be written."""
    with suppress(OSError):
        _stamp(remote).touch(mode=0o600)


def _file(remote: RemoteBundle) -> Path:
    name = hashlib.sha256(remote.url.encode()).hexdigest()[:24]
    return private_file.folder("bundles") / f"{name}.bundle"


def _stamp(remote: RemoteBundle) -> Path:
    return _file(remote).with_suffix(".checked")
