"""Machines that go in waves: which clusters' do, and what the keys about it may be set to."""

from __future__ import annotations

from guardrails.config.kinds import Kind
from guardrails.config.settings import Settings
from guardrails.errors import ConfigError

# Stands for the clusters that have no entry of their own.
EVERY_CLUSTER = "*"
_MODES = ("off", "refuse", "split")
_CHECK = "^arn:[^:]+:(elasticloadbalancing:[^:]+:[0-9]+:targetgroup/.+|cloudwatch:[^:]+:[0-9]+:alarm:.+)$"

WAVES = Kind(
    {
        "type": ["string", "object"],
        "pattern": f"^({'|'.join(_MODES)})$",
        "additionalProperties": {"enum": [*_MODES]},
    },
    lambda value, _: {EVERY_CLUSTER: value} if isinstance(value, str) else dict(value),
    must_be='"off", "refuse" or "split", or a table with one of these for each cluster',
)
SIZES = Kind(
    {"type": "array", "minItems": 1, "items": {"type": "integer", "minimum": 1}}, lambda value, _: tuple(value)
)
CHECKS = Kind(
    {"type": "array", "items": {"type": "string", "pattern": _CHECK}},
    lambda value, _: tuple(value),
    must_be="a list of ARNs of target groups and CloudWatch alarms",
)


def mode_of(settings: Settings, cluster: str) -> str:
    """How machines of a cluster go: ``off`` (all at once), ``refuse`` or ``split``. "" is no cluster."""
    return settings.waves.get(cluster, settings.waves.get(EVERY_CLUSTER, "off"))


def check(settings: Settings) -> None:
    """Raise ConfigError where the memory could not count the waves: it is off, or forgets the first before the last."""
    if not settings.state.enabled:
        raise ConfigError(
            f"{settings.at('state.enabled')}: `state.enabled` is false, and `waves` needs the memory, which counts "
            f"what went before ({settings.at('waves')}); remove one of them"
        )
    number, pause_s, window_s = len(settings.wave_sizes), settings.wave_pause_s, settings.state.window_s
    if number * pause_s >= window_s:
        key = "wave_pause_s" if pause_s != Settings().wave_pause_s else "state.window_s"
        raise ConfigError(
            f"{settings.at(key)}: {number} waves that are {pause_s:g} s apart (`wave_sizes`, `wave_pause_s`) take "
            f"{number * pause_s:g} s, and `state.window_s` is {window_s:g}, so the memory would forget the first "
            f"before the last; set `state.window_s` to {2 * number * pause_s:g}, or shorten the pause"
        )


def in_use(settings: Settings) -> bool:
    """Whether machines of any cluster go in waves."""
    return any(mode != "off" for mode in settings.waves.values())
