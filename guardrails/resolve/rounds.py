"""Asks everything that a call's facts take, in as few rounds of look-ups as the answers allow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from attrs import evolve

from guardrails.config.settings import Settings
from guardrails.config.waves import in_use as waves_in_use
from guardrails.resolve import contradictions, health, lists, live, region, serving, shifts, waves
from guardrails.resolve.balancer_limit import BalancerLimit
from guardrails.resolve.capacity import capacity
from guardrails.resolve.changes import narrow
from guardrails.resolve.health import STATUS
from guardrails.resolve.hints import Hint, Hints
from guardrails.resolve.inventory import ADDRESSES, Inventory
from guardrails.resolve.kept_hints import KeptHints
from guardrails.resolve.lookups import Answering, Fetched
from guardrails.resolve.ownership import Ownership
from guardrails.resolve.picture import Picture, inventory_of, picture
from guardrails.resolve.region import INSTANCES, Region
from guardrails.resolve.resources import ec2_instances
from guardrails.resolve.resources.registry import followups, plan
from guardrails.values import Answer, Call, Lookup, LookupFailure, Origin, frozen

# One to four are enough for most calls, and the deadline ends them all. What is left after the last one counts as not
# followed.
_ROUNDS = 30
# What a large region has too many of.
_LISTS = {INSTANCES.key(), STATUS.key()}


@frozen
class Gathered:
    """The answers, and the picture that they show if it had to be looked at on the way, with what contradicts it."""

    fetched: Fetched
    picture: Picture | None = None
    contradicted: tuple[LookupFailure, ...] = ()


class Rounds:
    """Makes the look-ups for calls."""

    def __init__(
        self, settings: Settings, ownership: Ownership, lookups: Answering, kept: KeptHints | None = None
    ) -> None:
        self._live = settings.live
        self._of = serving.counted_machines(settings)
        self._waves = waves_in_use(settings)
        self._ownership = ownership
        self._lookups = lookups
        self._hints = Hints(kept)
        self._limit = BalancerLimit(settings)

    def gather(self, call: Call, origin: Origin) -> Gathered:
        """The answers to everything that the call and the sources of liveness ask, or what failed. Never raises."""
        wanted = self._wanted(call)
        hint = self._hints.of(origin)
        known = self._ask((*self._limit.within(self._hints.lookups(origin, call)), *wanted), origin, call)
        if hint.large:
            known = evolve(known, answers={**region.nothing_but(hint.account), **known.answers})
        asked = {lookup.key() for lookup in wanted} - _too_long(known)
        checks = [lookup for lookup in wanted if lookup.key() == STATUS.key()]
        shown, of_sources, outdated = None, tuple[Lookup, ...](), None
        for _ in range(_ROUNDS):
            fetched = known.only(asked | {*filter(_shows_parts, known.answers)})
            if fetched.required_failures:
                return Gathered(fetched)
            shown = self._look(call, fetched, origin.where)
            of_sources = live.followups(self._live, fetched.answers)
            # Where several ask the same, the last one says whether it may fail.
            further = (
                *shifts.followups(call, fetched.answers),
                *followups(call, fetched.answers, self._ownership.tags),
                *capacity.followups(call, fetched.answers),
                *of_sources,
                *(_about_machines(shown, fetched.answers, checks) if shown else ()),
            )
            more = {lookup.key(): lookup for lookup in further if lookup.key() not in asked}
            if refused := self._limit.refused(asked | more.keys()):
                return Gathered(fetched.with_more(Fetched({}, refused, 0)))
            missing = [lookup for key, lookup in more.items() if key not in known.answers]
            if not more and outdated is None:
                missing = outdated = self._limit.outdated((*wanted, *further), fetched.answers)
            if not more and not missing:
                self._note(origin, of_sources, fetched, call, shown)
                return Gathered(fetched, shown.picture, shown.contradicted) if shown else Gathered(fetched)
            asked |= more.keys()
            known = known.with_more(self._ask(missing, origin, call)) if missing else known
        self._note(origin, of_sources, fetched, call, shown)
        return Gathered(fetched)

    def _note(
        self, origin: Origin, of_sources: tuple[Lookup, ...], fetched: Fetched, call: Call, shown: _Glance | None
    ) -> None:
        known, answers = Region.of(fetched.answers), fetched.answers
        asked = Hint(
            of_sources,
            None if shown is None or known.whole else shown.inventory.questions,
            known.account,
            lists.long_in(answers) | (self._hints.of(origin).long - answers.keys()),
            zoned=any(lookup.key() in answers for lookup in ec2_instances.protections(call)),
        )
        self._hints.note(origin, call, asked)

    def _wanted(self, call: Call) -> tuple[Lookup, ...]:
        """What the call itself shows to be needed."""
        wanted = (
            *plan(call, self._ownership.tags),
            *live.lookups(self._live),
            *capacity.lookups(call),
            *serving.lookups(call, self._of),
            *(waves.lookups(call) if self._waves else ()),
            *shifts.lookups(call),
        )
        keys = {lookup.key() for lookup in wanted}
        return (*wanted, *(lookup for lookup in narrow.lookups(call) if lookup.key() not in keys))

    def _one_page_at_most(self, wanted: Iterable[Lookup], origin: Origin) -> Iterator[Lookup]:
        """The same look-ups, with one page of each list; without that of the machines where it is known not to do."""
        hint = self._hints.of(origin)
        for lookup in wanted:
            key = lookup.key()
            if lists.is_long(key):
                yield lists.one_page(lookup, long=key in hint.long)
            elif key not in _LISTS:
                yield lookup
            elif not hint.large:
                yield evolve(lookup, first_page=True)

    def _ask(self, wanted: Iterable[Lookup], origin: Origin, call: Call) -> Fetched:
        fetched = self._lookups.fetch(self._one_page_at_most(wanted, origin), origin)
        addresses = fetched.answers.get(ADDRESSES.key())
        # What is on the page by luck need not be asked for.
        names = {each.id for each in call.targets} | {
            str(each.get("InstanceId")) for each in (addresses.items if addresses else ())
        }
        whole = region.without_pages(fetched.answers, names)
        return evolve(fetched, answers=lists.with_examples(fetched.answers, whole))

    def _look(self, call: Call, fetched: Fetched, where: str) -> _Glance | None:
        """What the answers so far show of a large region; None where they show all."""
        known = Region.of(fetched.answers)
        if known.whole and not lists.long_in(fetched.answers):
            return None
        inventory = inventory_of(self._live, self._ownership, fetched.answers, known)
        # Other answers that it takes may still be missing; then it is looked at again.
        with suppress(KeyError):
            contradicted = contradictions.among(fetched.answers, inventory)
            seen = picture(self._live, call, fetched.answers, inventory, fetched.failures, region=where)
            return _Glance(inventory, seen, contradicted)
        return _Glance(inventory)


@frozen
class _Glance:
    inventory: Inventory
    picture: Picture | None = None
    contradicted: tuple[LookupFailure, ...] = ()


def _shows_parts(key: str) -> bool:
    return region.is_about_machines(key) or lists.is_of_long(key)


def _too_long(known: Fetched) -> set[str]:
    """The lists that are more than a page: they are asked for in another way, or else all of it."""
    failed = {each.key for each in known.failures}
    return {key for key in _LISTS - known.answers.keys() if hash(key) not in failed}


def _about_machines(shown: _Glance, answers: Mapping[str, Answer], checks: Iterable[Lookup]) -> tuple[Lookup, ...]:
    """What more has to be known of the machines of a large region: what reading the answers so far left open.

    `checks` are the look-ups for the status checks of all machines, if the call takes them.
    """
    further = (*shown.inventory.further(), *(shown.picture.lists.further() if shown.picture else ()))
    if further or STATUS.key() in answers:
        return further
    targets = shown.picture.targets if shown.picture else ()
    about = health.about(shown.inventory, targets)
    return tuple(evolve(each, optional=check.optional) for check in checks for each in about)
