"""What would change: protection on for what carries a live cluster, off for what carries only retired ones.

A cluster is retired when a guard that shares this memory saw it live, it is live no more, and its rollback window is
over. What belongs to any other cluster, or to one that is not known, is left as it is, unless the caller names it.

Machines of an inferred cluster that a group starts again are left as well: the guard lets one of several go, and what
replaces them must be able to.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from attrs import frozen

from guardrails.backstop.found import Listed, Resource, Search
from guardrails.backstop.kinds import Kind
from guardrails.config.suggest import suggestion
from guardrails.errors import ConfigError
from guardrails.show.failures import failures_sentence
from guardrails.values import EMPTY, Facts

# What starts its machines again, or serves without one of them: `lib.groups` of the policies.
_GROUPS = frozenset(("asg", "eb", "ecs", "eks", "fleet", "tg"))


@frozen
class Roles:
    """What the clusters are. `retired` maps those that are no longer live to when that was seen (seconds).

    `on` and `off` are the clusters that the caller named; a live one is protected whatever `off` says. `replaced` are
    clusters of which a single machine may go.
    """

    live: frozenset[str]
    retired: Mapping[str, float]
    window_s: float
    now: float
    on: frozenset[str] = frozenset()
    off: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()

    def wanted(self, resource: Resource) -> bool | None:
        """Whether a resource is to be protected; None where it is to stay as it is."""
        clusters = resource.clusters or ()
        if self.protected & {*clusters}:
            return True if resource.kind.may_be_on(resource.item) and not self.is_member(resource) else None
        return False if clusters and resource.complete and all(map(self._over, clusters)) else None

    @property
    def protected(self) -> frozenset[str]:
        """What is live, and what the caller wants protected as well."""
        return self.live | self.on

    def is_member(self, resource: Resource) -> bool:
        """Whether it is a machine of live clusters that all do without one."""
        mine = self.protected & {*(resource.clusters or ())}
        return resource.kind.batched and bool(mine) and mine <= self.replaced - self.on

    def kept_until(self, resource: Resource) -> float | None:
        """When the rollback window of what a resource carries ends, None where none is open."""
        clusters = resource.clusters or ()
        if self.protected & {*clusters}:
            return None
        open_ = [self.retired[each] + self.window_s for each in clusters if each in self.retired]
        return max((each for each in open_ if each > self.now), default=None)

    def why(self, clusters: Sequence[str], *, on: bool) -> str:
        """Why the protection is switched, for people."""
        carried = [each for each in clusters if each in (self.live if self.live & {*clusters} else {*clusters})]
        names = ", ".join(carried)
        if not on:
            return f"{names} is retired" if len(carried) == 1 else f"{names} are retired"
        return f"{names} is live" if self.live & {*clusters} else f"--on names {names}"

    def _over(self, cluster: str) -> bool:
        if cluster in self.off:
            return True
        return cluster in self.retired and self.now - self.retired[cluster] >= self.window_s


@frozen
class Change:
    """A protection to switch: `calls` are the operations and parameters that do it."""

    kind: str
    service: str
    id: str
    noun: str
    clusters: tuple[str, ...]
    on: bool
    why: str
    calls: tuple[tuple[str, Mapping[str, Any]], ...]

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "kind": self.kind,
            "id": self.id,
            "clusters": list(self.clusters),
            "protection": "on" if self.on else "off",
            "why": self.why,
            "calls": [{"service": self.service, "operation": name, "params": params} for name, params in self.calls],
        }


@frozen
class Plan:
    """What would change. `blocked` says why nothing may be planned, "" where it may.

    `in_order` counts what is as it should be, `members` the machines of live clusters that groups start again, `left`
    what belongs to other clusters, and `unknown` names what may carry clusters that no look-up shows. `kept` are
    protections that stay on until a rollback window ends (seconds), by noun. `problems` are what could not be looked
    at, and `not_shown` the kinds that AWS does not show here.
    """

    live: tuple[str, ...]
    changes: tuple[Change, ...] = ()
    in_order: int = 0
    left: int = 0
    members: int = 0
    unknown: tuple[str, ...] = ()
    kept: Mapping[str, float] = EMPTY
    problems: tuple[str, ...] = ()
    not_shown: tuple[str, ...] = ()
    blocked: str = ""

    @property
    def complete(self) -> bool:
        """Whether everything could be looked at."""
        return not self.blocked and not self.problems

    @property
    def digest(self) -> str:
        """Equal for equal changes."""
        documents = sorted(json.dumps(change.document(), sort_keys=True) for change in self.changes)
        return hashlib.sha256("\n".join(documents).encode()).hexdigest()[:12]


def replaced(facts: Facts, inferred: str) -> frozenset[str]:
    """The clusters of which the guard lets a single machine go; `inferred` is the policies' parameter of that name."""
    if inferred == "protect":
        return frozenset()
    return frozenset(each.name for each in facts.clusters if each.kind in _GROUPS and each.total > 1)


def not_possible(facts: Facts) -> str:
    """Why nothing may be planned on these facts of what is live; "" where it may."""
    if facts.live.known or facts.live.nothing:
        return ""
    failures = failures_sentence(facts.failures)
    return f"it is not known which cluster is live{': ' + failures if failures else ''}; see `guardrails live`"


def plan(search: Search, kinds: Sequence[Kind], roles: Roles) -> Plan:
    """Look at every resource of these kinds, and say what would change.

    Raises ConfigError where `on` or `off` names a cluster that nothing here carries.
    """
    listed = search.listed(kinds)
    _check_named(roles, listed)
    wanted = {id(each): roles.wanted(each) for each in listed.resources}
    touched = [each for each in listed.resources if wanted[id(each)] is not None]
    states = search.state(touched)
    changes: list[Change] = []
    problems, in_order, hidden = [*listed.problems], 0, _hidden(touched, states)
    for each in touched:
        item = states.get((each.kind.name, each.id))
        on, is_on = wanted[id(each)] is True, None if item is None else each.kind.is_on(item)
        if each.kind.name in hidden:
            continue
        if item is None or (is_on is None and not each.kind.members):
            problems.append(f"whether the {each.noun} is on could not be looked at")
        elif is_on is on:
            in_order += 1
        else:
            changes.append(_change(each, item, roles, on=on))
    members = sum(roles.is_member(each) for each in listed.resources)
    kept = {each.noun: until for each in listed.resources if (until := roles.kept_until(each))}
    return Plan(
        live=tuple(sorted(roles.live)),
        changes=tuple(changes),
        in_order=in_order,
        left=sum(each.clusters is not None and wanted[id(each)] is None for each in listed.resources) - members,
        members=members,
        unknown=tuple(f"{each.noun}: {each.why}" for each in listed.resources if each.clusters is None),
        kept=kept,
        problems=tuple(problems),
        not_shown=tuple(sorted(hidden)),
    )


def _check_named(roles: Roles, listed: Listed) -> None:
    carried = {name for each in listed.resources for name in each.clusters or ()} | roles.live
    for name in sorted((roles.on | roles.off) - carried):
        if not listed.problems:
            known = f"the clusters are {', '.join(sorted(carried)) or 'none'}"
            raise ConfigError(f"nothing here carries the cluster {name}; {suggestion(name, sorted(carried), known)}")


def _hidden(resources: Sequence[Resource], states: Mapping[tuple[str, str], Any]) -> set[str]:
    """The kinds whose protection AWS shows for no resource: an older API does not have it."""
    shown: dict[str, bool] = {}
    for each in resources:
        item = states.get((each.kind.name, each.id))
        if item is not None and each.kind.shown:
            shown[each.kind.name] = shown.get(each.kind.name, False) or each.kind.is_on(item) is not None
    return {name for name, seen in shown.items() if not seen}


def _change(resource: Resource, item: Any, roles: Roles, *, on: bool) -> Change:
    clusters = resource.clusters or ()
    return Change(
        resource.kind.name,
        resource.kind.service,
        resource.id,
        resource.noun,
        clusters,
        on,
        roles.why(clusters, on=on),
        tuple(resource.kind.switching(resource.id, item, on=on)),
    )
