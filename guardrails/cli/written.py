"""Files that commands write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from guardrails.errors import ConfigError


@contextmanager
def writing(path: Path, mend: str = "name another file") -> Iterator[None]:
    """A file that cannot be written is a ConfigError with its reason and how to mend it."""
    try:
        yield
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}); {mend}") from error
