"""The checked configuration as values; config.py reads them from files, the defaults are here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

from guardrails.values import Mode

SOURCES = ("eip", "tag", "ssm", "file", "env")


@frozen
class Tag:
    """A tag that marks something: its key and its value."""

    key: str
    value: str


@frozen
class LiveSettings:
    """Where to look for the live cluster. `eip_addresses` and `eip_tag` narrow down which addresses count."""

    sources: tuple[str, ...] = ("eip",)
    eip_addresses: tuple[str, ...] = ()
    eip_tag: Tag | None = None
    tag: Tag | None = None
    ssm_parameter: str | None = None
    file: Path | None = None
    env: str | None = None


def _state_home() -> Path:
    return Path(os.environ.get("XDG_STATE_HOME") or "~/.local/state").expanduser() / "guardrails"


@frozen
class LogSettings:
    """The decision log: one JSON line per decision in `path`, rotated at `max_bytes`, `keep` old files kept."""

    enabled: bool = True
    path: Path = Factory(lambda: _state_home() / "decisions.jsonl")
    max_bytes: int = 50_000_000
    keep: int = 5
    labels: Mapping[str, str] = Factory(dict)


@frozen
class OpaSettings:
    """The OPA server of the engine `opa`. One deadline, `timeout_s`, for a whole question.

    The token is sent as a bearer token. `ca` is what the server's certificate is checked against, `cert` and `key` are
    this client's own (mutual TLS), all PEM files.
    """

    url: str = "http://127.0.0.1:8181"
    token_file: Path | None = None
    token_env: str | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    timeout_s: float = 2.0


@frozen
class StateSettings:
    """What the guards of this host remember together: counts are over the last `window_s` seconds.

    `path` is the file, by default ``state.db`` beside the decision log.
    """

    enabled: bool = True
    path: Path | None = None
    window_s: float = 3600.0


@frozen
class PacingSettings:
    """How calls are slowed down before AWS refuses them for their rate.

    This host uses `share` (0 to 1) of EC2's documented token buckets. A call whose turn comes later than `max_wait_s`
    seconds from now is refused instead.
    """

    enabled: bool = True
    share: float = 0.8
    max_wait_s: float = 60.0


@frozen
class BreakGlassSettings:
    """For how many minutes a rule may be set aside at once, and the command that is told of it (JSON on its stdin)."""

    max_minutes: float = 60.0
    command: tuple[str, ...] = ()


@frozen
class Settings:
    """A checked configuration. `where` gives ``file:line`` of each key that a file set, by dotted name."""

    mode: Mode = "enforce"
    engine: str = "embedded"
    cluster_tag: str = "Cluster"
    home_region: str | None = None
    long_tail: bool = False
    max_fact_age_s: float = 5.0
    lookup_timeout_s: float = 10.0
    tripwire: bool = False
    confirm_timeout_s: float = 60.0
    enforcement: Mapping[str, str] = Factory(dict)
    policies: tuple[Path, ...] = ()
    policy_key: Path | None = None
    params: Mapping[str, Any] = Factory(dict)
    live: LiveSettings = Factory(LiveSettings)
    log: LogSettings = Factory(LogSettings)
    state: StateSettings = Factory(StateSettings)
    pacing: PacingSettings = Factory(PacingSettings)
    opa: OpaSettings = Factory(OpaSettings)
    break_glass: BreakGlassSettings = Factory(BreakGlassSettings)
    where: Mapping[str, str] = Factory(dict)
    # The files this was read from, for reading them again; None where there is none.
    file: Path | None = None
    organisation: Path | None = None

    def at(self, key: str) -> str:
        """``guardrails.toml:7`` for an error about `key`, or ``the configuration`` when no file set it."""
        return self.where.get(key, "the configuration")
