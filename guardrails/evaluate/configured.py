"""What a configuration says to the policies: the levels of rules, and parameters. All of it is checked by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.config.schema import Mismatch
from guardrails.config.settings import Settings, Tag
from guardrails.config.suggest import suggestion
from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate import policy_params

# The parameters that follow from keys outside `params`.
_KEY_OF = {"cluster_tag": "cluster_tag", "cluster_tags": "cluster_tags", "max_fact_age_s": "max_fact_age_s",
           "window_s": "state.window_s", "enforcement": "enforcement", "live": "live",
           "waves": "wave_sizes"}  # fmt: skip
_RULES_LISTED = "`guardrails policy docs` lists all rules"
_PARAMS_LISTED = "`guardrails docs configuration` lists the parameters; declare your own in a data.json"


def check_enforcement(settings: Settings, rules: Iterable[str]) -> None:
    """Raise ConfigError where `enforcement` names a rule that is not among these."""
    known = frozenset(rules)
    for rule in settings.enforcement:
        if rule not in known:
            raise ConfigError(
                f"{settings.at('enforcement', rule)}: `enforcement` names the unknown rule {rule!r}; "
                f"{suggestion(rule, known, _RULES_LISTED)}"
            )


def check_unbreakable(settings: Settings, rules: Iterable[str], params: Mapping[str, Any]) -> None:
    """Raise ConfigError where the parameter `unbreakable` is not a list of these rules."""
    named, known = params.get("unbreakable", []), frozenset(rules)
    if not isinstance(named, list):
        where = settings.at("policies")
        raise ConfigError(f"{where}: the parameter `unbreakable` is {named!r}; it must be a list of rules")
    for number, rule in enumerate(map(str, named)):
        if rule not in known:
            own = "unbreakable" in settings.params
            where = settings.at("params", "unbreakable", number) if own else settings.at("policies")
            raise ConfigError(
                f"{where}: the parameter `unbreakable` names the unknown rule {rule!r}; "
                f"{suggestion(rule, known, _RULES_LISTED)}"
            )


def check_approvals(settings: Settings, rules: Iterable[str], params: Mapping[str, Any]) -> None:
    """Raise ConfigError where the parameter `approvals` names a rule that is not among these."""
    known = frozenset(rules)
    for rule in params.get("approvals", {}):
        # For all rules that ask for confirmation.
        if rule != "confirm" and rule not in known:
            own = rule in settings.params.get("approvals", {})
            where = settings.at("params", "approvals", rule) if own else settings.at("policies")
            raise ConfigError(
                f"{where}: the parameter `approvals` names the unknown rule {rule!r}; "
                f"{suggestion(rule, known, _RULES_LISTED)}"
            )


def params(settings: Settings, declared: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters that the configuration sets, as policies read them; `declared` has those of the policies.

    Raises ConfigError.
    """
    for name in settings.params:
        where = settings.at("params", name)
        if name in _KEY_OF:
            raise ConfigError(f"{where}: `params` must not set {name!r}; set the key `{_KEY_OF[name]}` instead")
        if name not in declared:
            known = declared.keys() - _KEY_OF.keys()
            raise ConfigError(f"{where}: unknown parameter `{name}`; {suggestion(str(name), known, _PARAMS_LISTED)}")
    try:
        given = policy_params.as_json(settings.params)
        policy_params.check(given, declared)
    except Mismatch as mismatch:
        sentence = mismatch.sentence("parameter", ("params",), _PARAMS_LISTED)
        raise ConfigError(f"{settings.at('params', *mismatch.path)}: {sentence}") from None
    return {**given, **_params_from_keys(settings)}


def check_declared(settings: Settings, declared: Mapping[str, Any]) -> None:
    """Raise PolicyError where your own policies declare a shipped parameter with a value that it cannot have."""
    try:
        policy_params.check_shipped(declared)
    except Mismatch as mismatch:
        raise PolicyError(f"{settings.at('policies')}: {about_declared(mismatch)}") from None


def about_declared(mismatch: Mismatch) -> str:
    """What is wrong with a parameter that your own policies declare."""
    return f"in a data.json of `policies`, {mismatch.sentence('parameter', (), _PARAMS_LISTED)}"


def _params_from_keys(settings: Settings) -> dict[str, Any]:
    """The parameters that follow from configuration keys outside `params`."""

    def as_table(tag: Tag | None) -> dict[str, str] | None:
        return None if tag is None else {"key": tag.key, "value": tag.value}

    return {
        "cluster_tag": settings.cluster_keys[0],
        "cluster_tags": [*settings.cluster_keys],
        "max_fact_age_s": settings.max_fact_age_s,
        "window_s": settings.state.window_s,
        "enforcement": dict(settings.enforcement),
        "waves": {"sizes": [*settings.wave_sizes], "pause_s": settings.wave_pause_s},
        "live": {
            "tag": as_table(settings.live.mark),
            "eip_tag": as_table(settings.live.eip_tag),
            "ssm_parameter": settings.live.ssm_parameter,
        },
    }
