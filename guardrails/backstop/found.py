"""Which resources of each kind there are, which clusters they carry, and whether they are protected.

The guard finds out whose a resource is, by the same resolvers as for a call; a resource's own cluster tag counts, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import evolve, field, frozen

from guardrails.backstop.kinds import Kind
from guardrails.guard import Guard
from guardrails.resolve.ownership import Ownership
from guardrails.show.failures import failure_sentence, failures_sentence
from guardrails.values import Decision, Target

Clients = Callable[[str], Any]
# Look-ups that are made side by side, and machines that one question is about.
_AT_ONCE = 20
_MACHINES = 200


@frozen
class Resource:
    """A resource that can have a protection. `clusters` is None where AWS does not show whose it is; `why` says why.

    `complete` is false where it may carry further clusters.
    """

    kind: Kind
    id: str
    item: Any = field(repr=False)
    clusters: tuple[str, ...] | None = None
    why: str = ""
    complete: bool = True

    @property
    def noun(self) -> str:
        """``termination protection of machine i-0a1``."""
        name = self.id.partition(":loadbalancer/")[2] or self.id
        return f"{self.kind.title} {name}"


@frozen
class Listed:
    """The resources of all kinds, and a sentence for each kind that could not be listed."""

    resources: tuple[Resource, ...]
    problems: tuple[str, ...]


class Search:
    """Finds resources through a guard, with its look-ups. `clients` makes a client of a service, made once."""

    def __init__(self, guard: Guard, clients: Clients) -> None:
        self._guard = guard
        self._clients = clients
        self._ownership = Ownership.configured(guard.settings)

    def listed(self, kinds: Sequence[Kind]) -> Listed:
        """Every resource of these kinds, with its clusters."""
        lookups = {kind.name: kind.listing for kind in kinds}
        fetched = self._guard.probe(self._clients("ec2"), lookups.values())
        resources: list[Resource] = []
        for kind in kinds:
            answer = fetched.answers.get(lookups[kind.name].key())
            if answer is not None:
                resources += self._owned([Resource(kind, *each) for each in kind.resources(answer.items)])
        failed = {each.key: failure_sentence(each) for each in fetched.failures}
        problems = [
            f"{failed[hash(lookups[kind.name].key())]}; or leave {kind.name} out with --leave {kind.name}"
            for kind in kinds
            if hash(lookups[kind.name].key()) in failed
        ]
        return Listed(tuple(resources), tuple(problems))

    def state(self, resources: Sequence[Resource]) -> dict[tuple[str, str], Any]:
        """What AWS says about each resource, by kind and id: the list's item, or the answer to a look-up about it.

        One whose look-up failed is left out.
        """
        states: dict[tuple[str, str], Any] = {}
        for start in range(0, len(resources), _AT_ONCE):
            part = resources[start : start + _AT_ONCE]
            asked = {(each.kind.name, each.id): each.kind.asking(each.id) for each in part}
            fetched = self._guard.probe(self._clients("ec2"), [each for each in asked.values() if each])
            for each in part:
                lookup = asked[each.kind.name, each.id]
                answer = None if lookup is None else fetched.answers.get(lookup.key())
                item = each.item if lookup is None else answer and each.kind.read(answer.items)
                if item is not None:
                    states[each.kind.name, each.id] = item
        return states

    def _owned(self, resources: Sequence[Resource]) -> Iterator[Resource]:
        size = _MACHINES if resources and resources[0].kind.batched else 1
        for start in range(0, len(resources), size):
            part = resources[start : start + size]
            kind = part[0].kind
            operation, params = kind.holders_of([each.id for each in part])
            decision = self._guard.check(self._clients(kind.service), operation, **params)
            for each in part:
                yield self._with_clusters(each, decision)

    def _with_clusters(self, resource: Resource, decision: Decision) -> Resource:
        facts = decision.facts
        if facts is None or facts.problem or facts.failures or decision.unavailable:
            failed = facts.failures if facts else ()
            why = decision.unavailable or (facts.problem if facts else "") or failures_sentence(failed)
            return evolve(resource, why=why or "the guard could not look")
        same = {resource.id, resource.id.rpartition("/")[2]}
        targets = [each for each in facts.targets if each.id in same] or (
            list(facts.targets) if not resource.kind.batched else []
        )
        own = [owner.name for each in targets if (owner := self._ownership.of(each.tags))]
        clusters = tuple(sorted({*own, *(name for each in targets for name in each.clusters)}))
        known = bool(targets) and all(map(_whole, targets))
        if not clusters and not known:
            return evolve(resource, why="no look-up shows whose it is")
        return evolve(resource, clusters=clusters, complete=known)


def _whole(target: Target) -> bool:
    """Whether the target's clusters are all that it carries."""
    facts = target.facts
    partly = facts.get("missing") or facts.get("unread") or facts.get("untraced")
    return target.resolved and facts.get("traced") is not False and not partly
