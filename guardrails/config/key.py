"""What a configuration key is: its name, its kind, and what the reference page says about it."""

from __future__ import annotations

from typing import Any

import attrs

from guardrails.config.kinds import Kind
from guardrails.config.settings import Settings
from guardrails.values import frozen


@frozen
class Key:
    """A configuration key. `example` is TOML; `default_words` describes a default that is not a constant."""

    name: str
    kind: Kind
    example: str
    description: str
    default_words: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.name.split("."))

    @property
    def default(self) -> Any:
        """The value that Settings has without any configuration."""
        value: Any = Settings()
        for step in self.path:
            value = getattr(value, step)
        return attrs.asdict(value) if attrs.has(type(value)) else value
