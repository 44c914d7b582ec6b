"""Which cluster something belongs to, by its tags."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from guardrails.config.settings import Settings


@frozen
class Ownership:
    """The tags that name clusters, in order: the first that something has counts."""

    tags: tuple[str, ...] = ("Cluster",)

    @classmethod
    def configured(cls, settings: Settings) -> Ownership:
        """The one that the configuration describes."""
        return cls(settings.cluster_keys)

    def named(self, tags: Mapping[str, str]) -> str | None:
        """The cluster that the configured tags of something name; None without one."""
        return next((tags[key] for key in self.tags if tags.get(key)), None)
