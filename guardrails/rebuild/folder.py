"""The folder of snapshots and runs, beside the memory. Its files may hold secrets, so only their owner reads them."""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from guardrails.config.places import state_home
from guardrails.config.settings import IN_MEMORY, Settings
from guardrails.errors import ConfigError
from guardrails.memory import configured
from guardrails.rebuild.merged import merged
from guardrails.rebuild.snapshot import Snapshot, read
from guardrails.system.files import make_folder

# By an hourly run, eight days.
_KEPT = 200
# The snapshots of this long count together: the last ones may be from after a loss.
WINDOW_S = 24 * 3600.0


def folder(settings: Settings) -> Path:
    """Where snapshots and runs are."""
    file = configured.state_file(settings)
    return (state_home() if file == IN_MEMORY else file.parent) / "rebuild"


def write(path: Path, document: Any) -> None:
    """Write JSON that only the owner may read; a file is replaced whole or not at all. Raises ConfigError."""
    try:
        make_folder(path.parent)
        # mkstemp makes it with mode 0600.
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(document, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}); free space or name another file") from error


def load(path: Path) -> Any:
    """The JSON in a file. Raises ConfigError."""
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); name another file") from error
    except ValueError as error:
        raise ConfigError(f"{path} is damaged ({error}); name another file") from error


def keep(settings: Settings, snapshot: Snapshot) -> Path:
    """Write a snapshot beside the earlier ones, and remove the oldest."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(snapshot.taken_at))
    # Two in a second must not replace each other.
    path = _of(settings, snapshot.scope) / f"{stamp}.{snapshot.taken_at % 1 * 1e6:06.0f}.json"
    write(path, snapshot.document())
    for old in sorted(path.parent.glob("*.json"))[:-_KEPT]:
        old.unlink(missing_ok=True)
    return path


def newest(settings: Settings, scope: str, cluster: str) -> Snapshot | None:
    """What is known of a cluster to rebuild it: the snapshots of the last day that has any, put together.

    None where no snapshot has the cluster. Raises ConfigError.
    """
    day: list[Snapshot] = []
    last = 0.0
    for path in sorted(_of(settings, scope).glob("*.json"), reverse=True):
        snapshot = read(load(path), str(path))
        last = last or (snapshot.taken_at if snapshot.of(cluster) else 0.0)
        if last and snapshot.taken_at < last - WINDOW_S:
            break
        if last:
            day.append(snapshot)
    return merged(day[::-1], cluster) if day else None


def _of(settings: Settings, scope: str) -> Path:
    return folder(settings) / "snapshots" / scope.replace("/", "-")
