"""Writing a file that the user named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guardrails.errors import ConfigError


@contextmanager
def writing(path: Path, fix: str = "name another file") -> Iterator[None]:
    """Raises ConfigError with the reason and the fix when `path` cannot be written."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}); {fix}") from error
