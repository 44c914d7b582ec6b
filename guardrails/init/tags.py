"""Which tags look as if they name clusters."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from guardrails.resolve.ownership import EDITABLE

# Words in the keys of tags that tell which machines do the same work. A team or an environment has several clusters.
_WORDS = frozenset(
    ("application", "app", "cluster", "component", "fleet", "service", "shop", "stack", "system", "workload")
)
# Words in values: the two sides of a switch.
_SIDES = frozenset(("blue", "green"))
# Names that people choose for machines, one by one.
_OWN_NAME = "Name"


def keys(tags: Iterable[Mapping[str, str]]) -> Counter[str]:
    """How many machines have each key; those that AWS and its tools write are left out."""
    return Counter(key for each in tags for key in each if not key.startswith(("aws:", *EDITABLE)))


def like_a_cluster(tags: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    """The keys that look as if they name clusters, the one of most machines first.

    Several machines share a value, and a word says so: in the key, or the two sides of a switch in the values.
    """
    every = [*tags]
    found = []
    for key, count in keys(every).items():
        values = Counter(each[key] for each in every if each.get(key))
        shared = values and max(values.values()) > 1
        if shared and key != _OWN_NAME and (_words([key]) & _WORDS or _words(values) & _SIDES):
            found.append((-count, key))
    return tuple(key for _, key in sorted(found))


def _words(texts: Iterable[str]) -> set[str]:
    """In lower case; ``ServiceName`` is two."""
    return {word.lower() for text in texts for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", text)}
