"""What the organisation's locks cover: the keys they name, and with `mode` every other key that could weaken it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import evolve, field

from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.values import frozen


@frozen
class Limit:
    """What a local file may do with a key while `mode` is locked, in words for the reference page and as a check.

    `keeps` gets the local value and the organisation's (or the default). `if_set` limits are for what an organisation
    cannot know for every project, such as the cluster tag: they hold where its file sets the key.
    """

    words: str
    keeps: Callable[[Any, Any], bool] = field(repr=False)
    if_set: bool = False


def _anything(_given: Any, _base: Any) -> bool:
    return True


_FREE = Limit("", _anything)
# evaluate/floor.py checks these two, because that takes the rules.
_PARAMS = Limit("with `mode` locked, parameters may become stricter, not weaker", _anything)
_ENFORCEMENT = Limit("with `mode` locked, rules may become stricter, not weaker", _anything)
_POLICIES = Limit(
    "with `mode` locked, policies may be added, but not replaced, left out or extended from other files",
    lambda given, base: set(base) <= set(given),
)
_SAME = Limit("with `mode` locked, it cannot be changed", lambda given, base: bool(given == base))
_AS_SET = Limit(
    "with `mode` locked, it cannot be changed where the organisation sets it",
    lambda given, base: bool(given == base),
    if_set=True,
)
_MORE = Limit(
    "with `mode` locked, sources that the organisation sets cannot be left out",
    lambda given, base: set(base) <= set(given),
    if_set=True,
)
_ALL = Limit(
    "with `mode` locked, names may be added, but not left out",
    lambda given, base: set(base) <= set(given),
)
_STAYS_ON = Limit("with `mode` locked, it cannot be switched off", lambda given, base: bool(given or not base))
_AT_MOST = Limit("with `mode` locked, it cannot be raised", lambda given, base: bool(given <= base))
_FRESH = Limit(
    "with `mode` locked, it cannot be raised above the default and what the organisation sets",
    lambda given, base: bool(given <= max(base, Settings().max_fact_age_s)),
)
_AGE = Limit(
    "with `mode` locked, it cannot be raised",
    lambda given, base: base is None or (given is not None and bool(given <= base)),
)
_STAYS_OFF = Limit("with `mode` locked, it cannot be switched on", lambda given, base: bool(base or not given))
_AT_LEAST = Limit("with `mode` locked, it cannot be lowered", lambda given, base: bool(given >= base))

# Every key has a limit; a test compares this with the table of keys.
WITH_LOCKED_MODE: Mapping[str, Limit] = {
    "mode": _SAME, "engine": _SAME, "cluster_tag": _AS_SET, "cluster_tags": _AS_SET, "clusters": _AS_SET,
    "home_region": _AS_SET, "long_tail": _STAYS_ON,
    "max_fact_age_s": _FRESH, "lookup_timeout_s": _FREE, "tripwire": _FREE, "confirm_timeout_s": _FREE,
    "approval_wait_s": _FREE, "approval_folder": _AS_SET,
    "enforcement": _ENFORCEMENT, "policies": _POLICIES, "policy_key": _AS_SET, "params": _PARAMS,
    "max_bundle_age_s": _AGE, "bundle.region": _AS_SET, "bundle.profile": _FREE, "bundle.token_file": _FREE,
    "bundle.token_env": _FREE, "bundle.ca": _AS_SET, "bundle.timeout_s": _FREE, "bundle.poll_s": _AT_MOST,
    "bundle.allow_unsigned": _STAYS_OFF,
    "live.sources": _MORE, "live.eip_addresses": _AS_SET, "live.eip_tag": _AS_SET, "live.listeners": _AS_SET,
    "live.balancers": _AS_SET, "live.records": _AS_SET, "live.command": _AS_SET,
    "live.cnames": _AS_SET, "live.without_machines": _AS_SET, "live.regions": _AS_SET,
    "live.traffic_max_age_s": _AT_LEAST, "live.tag": _AS_SET,
    "live.ssm_parameter": _AS_SET, "live.file": _AS_SET, "live.env": _AS_SET,
    "log.enabled": _FREE, "log.path": _FREE, "log.max_bytes": _FREE, "log.keep": _FREE, "log.labels": _FREE,
    "log.sink": _AS_SET, "log.upload": _AS_SET, "log.upload_delay_s": _FREE, "log.spool": _FREE,
    "log.spool_max_bytes": _FREE, "log.fsync": _AS_SET, "log.region": _AS_SET, "log.profile": _FREE,
    "log.token_file": _FREE, "log.token_env": _FREE, "log.ca": _AS_SET,
    "state.enabled": _STAYS_ON, "state.path": _AS_SET, "state.window_s": _AT_LEAST,
    "state.store": _AS_SET, "state.table": _AS_SET, "state.region": _AS_SET, "state.profile": _FREE,
    "state.timeout_s": _FREE, "state.fallback": _AS_SET, "state.hosts": _AS_SET,
    "pacing.enabled": _FREE, "pacing.share": _FREE, "pacing.max_wait_s": _FREE,
    "opa.url": _AS_SET, "opa.urls": _AS_SET, "opa.fallback": _AS_SET, "opa.token_file": _FREE,
    "opa.token_env": _FREE, "opa.ca": _AS_SET, "opa.cert": _FREE, "opa.key": _FREE, "opa.timeout_s": _FREE,
    "caller.kind": _AS_SET, "caller.agent_marks": _ALL,
    "break_glass.max_minutes": _AT_MOST, "break_glass.command": _AS_SET, "notify": _AS_SET, "telemetry": _FREE,
    "waves": _AS_SET, "wave_sizes": _AS_SET, "wave_pause_s": _AT_LEAST, "wave_checks": _ALL, "wave_command": _AS_SET,
}  # fmt: skip
# One is the short form of the other.
_PAIRS = (("cluster_tag", "cluster_tags"), ("opa.url", "opa.urls"))


def _same_thing(key: str) -> tuple[str, ...]:
    """The keys that say what this one says: itself, and for some another one."""
    return next((pair for pair in _PAIRS if key in pair), (key,))


@frozen
class Locks:
    """The `locked` keys and tables of the organisation's file, and the settings that the file makes (`base`)."""

    locked: Collection[str]
    base: Settings
    # The keys that the file sets, and where it says `locked`.
    keys: Collection[str]
    place: str

    def of(self, key: str) -> str | None:
        """The lock that covers a key: itself, its table, or None."""
        names = _same_thing(key)
        return next((lock for lock in self.locked for key in names if key == lock or key.startswith(f"{lock}.")), None)

    def _sets(self, key: str) -> bool:
        return not {*self.keys}.isdisjoint(_same_thing(key))

    def _given(self, settings: Settings, key: str) -> str:
        """The key, or the one that says the same thing where a file sets that; the local file's comes first."""
        named = [name for name in _same_thing(key) if name in settings.where]
        return next((name for name in named if settings.where[name] != self.base.where.get(name)), (*named, key)[0])

    def applied(self, settings: Settings) -> Settings:
        """The settings, with what they may not fall below. Raises ConfigError where they do already."""
        for key in WITH_LOCKED_MODE:
            given, base = value(settings, key), value(self.base, key)
            if given == base:
                continue
            if self.of(key) is not None:
                raise self.refusal(settings.at(self._given(settings, key)), key)
            limit = WITH_LOCKED_MODE[key]
            if "mode" in self.locked and (self._sets(key) or not limit.if_set) and not limit.keeps(given, base):
                name = self._given(settings, key)
                raise ConfigError(
                    f"{settings.at(name)}: `{name}` is {given!r} here and {base!r} for the organisation; {limit.words} "
                    f"({self.base.at('mode')}); remove it here"
                )
        return evolve(settings, floor=self.base) if "mode" in self.locked else settings

    def refusal(self, where: str, key: str) -> ConfigError:
        """For a locked key that is given another value."""
        by = self.base.at(key) if key in self.keys else self.place
        return ConfigError(f"{where}: `{key}` is locked by {by}; remove it here")


def value(settings: Settings, key: str) -> Any:
    """The value of a key, by its dotted name; for two keys that say the same thing, what they say together."""
    if key in _PAIRS[0]:
        return settings.cluster_keys
    if key in _PAIRS[1]:
        return settings.opa.addresses
    found: Any = settings
    for step in key.split("."):
        found = getattr(found, step)
    return found
