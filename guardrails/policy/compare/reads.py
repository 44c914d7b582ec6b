"""What some rules read of the input, and the values that they compare it with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import evolve

from guardrails.policy.compare.definitions import Nested
from guardrails.values import frozen


@frozen
class Reads:
    """What some rules read together, as in `Definition`, with the values of the parameters that they use.

    `first` are the strings that only one of two sets of policies has: where there are too many, these are tried.
    """

    names: frozenset[str]
    strings: Mapping[str, frozenset[str]]
    numbers: tuple[float, ...]
    keys: Mapping[str, frozenset[str]]
    nested: Nested = frozenset()
    first: frozenset[str] = frozenset()


def united(some: Iterable[Reads]) -> Reads:
    """What all of them read."""
    names: frozenset[str] = frozenset()
    strings: dict[str, frozenset[str]] = {}
    keys: dict[str, frozenset[str]] = {}
    numbers: set[float] = set()
    nested: Nested = frozenset()
    for reads in some:
        nested |= reads.nested
        names |= reads.names
        numbers |= set(reads.numbers)
        add(strings, reads.strings)
        add(keys, reads.keys)
    return Reads(names, strings, tuple(sorted(numbers)), keys, nested)


def both(old: Reads, new: Reads) -> Reads:
    """What rules of two sets of policies read."""
    return evolve(united([old, new]), first=old.strings.get("", frozenset()) ^ new.strings.get("", frozenset()))


def add(into: dict[str, frozenset[str]], more: Mapping[str, frozenset[str]]) -> None:
    """Add strings by what they are compared with."""
    for name, values in more.items():
        into[name] = into.get(name, frozenset()) | values
