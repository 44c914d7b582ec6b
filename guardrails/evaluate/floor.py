"""With `mode` locked by the organisation, what may not weaken its rules: levels, parameters and policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from guardrails.config.settings import Settings
from guardrails.errors import ConfigError
from guardrails.evaluate import own_rules
from guardrails.evaluate.bundle import Bundle, is_collector, params_of, rule_ids

_LEVELS = {"dryrun": 0, "warn": 1, "deny": 2, "enforce": 2}
# The words of parameters, from weak to strict; a word that is not among them cannot be changed.
_WORDS = {"allow": 0, "ignore": 0, "protect-named": 0, "warn": 1, "bounds": 1, "confirm": 2, "deny": 3,
          "protect": 3}  # fmt: skip
# Numbers that are stricter when larger, and when smaller; others cannot be changed.
_LARGER = frozenset(("rollback_window_s", "min_share", "min_running", "headroom_machines"))
_SMALLER = frozenset(("max_share", "rebuild_minutes", "rebuild_share", "minutes"))
# They follow from keys that have limits of their own (config/locks.py).
_FROM_KEYS = frozenset(("cluster_tag", "cluster_tags", "max_fact_age_s", "window_s", "enforcement", "live", "waves"))


def check_levels(settings: Settings, floor: Settings, rules: frozenset[str]) -> None:
    """Raise ConfigError where `enforcement` makes one of these rules, the organisation's, weaker."""
    for rule, level in settings.enforcement.items():
        least = floor.enforcement.get(rule, floor.mode)
        if rule in rules and _LEVELS[level] < _LEVELS[least]:
            raise ConfigError(
                f"{settings.at('enforcement', rule)}: `enforcement` makes {rule} {level!r}, and the organisation, "
                f"which locks `mode`, has it at {least!r} ({floor.at('mode')}); remove it here"
            )


def check(settings: Settings, floor: Settings, made: Bundle, base: Bundle) -> None:
    """Raise ConfigError where the policies in `made` are weaker than those of the organisation alone, in `base`."""
    check_levels(settings, floor, rule_ids(base))
    for name in _replaced(made, base):
        raise ConfigError(
            f"{settings.at('policies')}: {name}, and the organisation locks `mode` ({floor.at('mode')}); put your "
            "rules into a package of their own"
        )
    check_params(settings, floor, params_of(made), params_of(base))


def check_params(settings: Settings, floor: Settings, now: Mapping[str, Any], base: Mapping[str, Any]) -> None:
    """Raise ConfigError where a parameter is weaker than the organisation's."""
    rules = {*now.get("approvals", {}), *base.get("approvals", {})}
    now, base = (_with_approvals(_with_bounds(params), rules) for params in (now, base))
    for path in _weaker(now, base, ()):
        if path[0] not in _FROM_KEYS:
            name = ".".join(path)
            raise ConfigError(
                f"{settings.at('params', *path)}: the parameter `{name}` is {_at(now, path)!r}, weaker than the "
                f"organisation's {_at(base, path)!r}, and it locks `mode` ({floor.at('mode')}); remove it here"
            )


def _replaced(made: Bundle, base: Bundle) -> Iterator[str]:
    """What is done to the organisation's modules, in words."""
    theirs = {name for name, text in base.modules.items() if not is_collector(text)}
    for name in sorted(theirs - made.modules.keys()):
        yield f"the policy {Path(name).name} of {Path(name).parent} is replaced"
    from guardrails.evaluate.checked import parsed  # noqa: PLC0415  (only where an organisation locks something)

    packages = {module.package for module in parsed(base)}
    for module in own_rules.modules(made):
        if module.file not in base.modules and module.package in packages and not is_collector(module.source.decode()):
            yield f"{module.file} adds to the package {'.'.join(map(str, module.package[1:]))}"


def _weaker(now: Any, base: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The paths of what is weaker than in `base`."""
    if isinstance(base, Mapping) and isinstance(now, Mapping):
        for name in base:
            yield from _weaker(now.get(name), base[name], (*path, name))
        return
    if path and now != base and not _stricter(now, base, path[-1]):
        yield path


def _stricter(now: Any, base: Any, name: str) -> bool:
    if name == "by" and isinstance(base, list) and isinstance(now, list):
        return "*" in base or set(map(str, now)) <= set(map(str, base))
    if isinstance(base, list) and isinstance(now, list):
        return set(map(str, base)) <= set(map(str, now))
    if isinstance(base, str) and isinstance(now, str):
        return base in _WORDS and _WORDS.get(now, -1) > _WORDS[base]
    if not isinstance(now, (int, float)) or not isinstance(base, (int, float)):
        return False
    return (name in _LARGER and now > base) or (name in _SMALLER and now < base)


def _with_bounds(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with every cluster's bounds written out: those that it does not set are the general ones."""
    remaining = params.get("remaining", {})
    clusters = {name: {**remaining.get("bounds", {}), **own} for name, own in remaining.get("clusters", {}).items()}
    return {**params, "remaining": {**remaining, "clusters": clusters}}


def _with_approvals(params: Mapping[str, Any], rules: Iterable[str]) -> dict[str, Any]:
    """The parameters with every rule's terms written out: what is not named cannot be approved."""
    terms = params.get("approvals", {})
    return {**params, "approvals": {rule: {"minutes": 0, "by": ["*"], **terms.get(rule, {})} for rule in rules}}


def _at(params: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        params = params.get(step) if isinstance(params, Mapping) else None
    return params
