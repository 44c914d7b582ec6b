"""Who gets users, and how large a share: counted before and after a switch, and compared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping

from attrs import define, field

from guardrails.config.settings import LiveSettings
from guardrails.resolve.inventory import Inventory
from guardrails.resolve.machine import Machine
from guardrails.values import Answer, Call, Live, Lookup, Shift, frozen

Answers = Mapping[str, Answer]


class UnclearError(Exception):
    """Why the shares cannot be computed."""


@frozen
class Situation:
    """A call, what was looked up for it, and what is live."""

    call: Call
    answers: Answers
    inventory: Inventory
    seen: Live
    settings: LiveSettings


@frozen
class Way:
    """One kind of switch: what it has to ask, and what it does to users (None for any other call)."""

    shift: Callable[[Situation], Shift | None]
    lookups: Callable[[Call], tuple[Lookup, ...]] = lambda _call: ()
    followups: Callable[[Call, Answers], tuple[Lookup, ...]] = lambda _call, _answers: ()


@define
class Shares:
    """The share of the users that each cluster gets, which of its machines get some, and clusters with unfit ones."""

    shares: dict[str, float] = field(factory=lambda: defaultdict(float))
    machines: dict[str, set[str]] = field(factory=lambda: defaultdict(set))
    unfit: set[str] = field(factory=set)

    def add(self, cluster: str, share: float, machines: Iterable[str], *, healthy: bool = True) -> None:
        """These machines of a cluster get this share between them."""
        if share:
            self.shares[cluster] += share
            self.machines[cluster] |= {*machines}
        if not healthy:
            self.unfit.add(cluster)


def cluster_of(name: str, machines: Iterable[Machine]) -> str:
    """The one cluster of the machines that a name stands for. Raises UnclearError."""
    clusters = {machine.cluster for machine in machines}
    if len(clusters) != 1 or None in clusters:
        raise UnclearError(f"it is not known which cluster {name} belongs to")
    return str(clusters.pop())


def short(name: str) -> str:
    """``targetgroup/NAME/ID`` of an ARN; the name of a classic balancer."""
    return name.rpartition(":")[2]


def moved(way: str, pairs: Iterable[tuple[Shares, Shares]]) -> Shift:
    """All that a call moves, as one shift: each pair has the shares at one entrance, before and after.

    Raises UnclearError where a cluster gains users at one entrance and loses some at another: the sum would hide it.
    """
    pairs = [*pairs]
    if not pairs:
        raise UnclearError("nothing that gets users was found")
    gaining, losing = set[str](), set[str]()
    for before, after in pairs:
        for name in {*before.shares, *after.shares}:
            difference = round(after.shares.get(name, 0) - before.shares.get(name, 0), 4)
            gaining |= {name} if difference > 0 else set()
            losing |= {name} if difference < 0 else set()
    if gaining & losing:
        raise UnclearError(f"{min(gaining & losing)} would gain users in one place and lose some in another")
    befores, afters = zip(*pairs, strict=True)
    unfit = {name for after in afters for name in after.unfit}
    then = _mean([each.shares for each in afters])
    return Shift(
        way,
        True,
        _mean([each.shares for each in befores]),
        then,
        {name: name not in unfit for name in then},
        machines_before=_least([each.machines for each in befores]),
        machines_after=_least([each.machines for each in afters]),
    )


def _mean(shares: list[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for each in shares for name in each})
    return {name: round(sum(each.get(name, 0) for each in shares) / len(shares), 4) for name in names}


def _least(counts: list[dict[str, set[str]]]) -> dict[str, int]:
    """The least number at any entrance where it gets users."""
    names = sorted({name for each in counts for name in each})
    return {name: min(len(each[name]) for each in counts if name in each) for name in names}
