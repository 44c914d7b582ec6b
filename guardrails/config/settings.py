"""The checked configuration as values, with the default of every key; load.py reads them from files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from attrs import Factory, evolve, field

from guardrails.caller.kinds import CallerSettings
from guardrails.config.places import approval_folder, state_home
from guardrails.config.policy_settings import BundleSettings, OpaSettings, RemoteBundle
from guardrails.values import Mode, frozen

SOURCES = ("eip", "target-group", "elb", "asg", "dns", "ecs", "beanstalk", "rds", "accelerator", "traffic", "command",
           "tag", "ssm", "file", "env")  # fmt: skip


@frozen
class Tag:
    """A tag that marks something, by key and value."""

    key: str
    value: str


# What the source `tag` looks for where `live.tag` is not set.
DEFAULT_MARK = Tag("Live", "true")


@frozen
class LiveSettings:
    """Where to look for the live cluster.

    `eip_addresses`, `eip_tag`, `listeners` and `balancers` narrow down what counts. The clusters in `without_machines`
    need none to be live. Outside `regions` (everywhere, if empty), pointers to clusters that are not there say nothing.
    """

    sources: tuple[str, ...] = ("eip", "target-group")
    eip_addresses: tuple[str, ...] = ()
    eip_tag: Tag | None = None
    listeners: tuple[str, ...] = ()
    balancers: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    without_machines: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    traffic_max_age_s: float = 300.0
    command: tuple[str, ...] = ()
    tag: Tag | None = None
    ssm_parameter: str | None = None
    file: Path | None = None
    env: str | None = None

    @property
    def mark(self) -> Tag | None:
        """The tag that marks live machines, None where the source `tag` is not asked and none is configured."""
        return self.tag or (DEFAULT_MARK if "tag" in self.sources else None)


# In place of a file: the decision log on standard error, and a state that only this process has.
STANDARD_ERROR = Path("-")
IN_MEMORY = Path(":memory:")


@frozen
class LogSettings:
    """The decision log: one JSON line per decision in `path`; a new file at `max_bytes`, `keep` old ones are kept.

    The path STANDARD_ERROR writes to standard error. With a `sink`, each decision also goes into the folder `spool`, of
    at most `spool_max_bytes`, until the sink has it; `fsync` says when it is forced to the disk.
    """

    enabled: bool = True
    path: Path = Factory(lambda: state_home() / "decisions.jsonl")
    max_bytes: int = 50_000_000
    keep: int = 5
    labels: Mapping[str, str] = Factory(dict)
    sink: str | None = None
    upload: bool = True
    upload_delay_s: float = 10.0
    spool: Path | None = None
    spool_max_bytes: int = 500_000_000
    fsync: Literal["each", "interval", "none"] = "each"
    region: str | None = None
    profile: str | None = None
    token_file: Path | None = None
    token_env: str | None = None
    ca: Path | None = None

    @property
    def spool_folder(self) -> Path:
        """Where decisions wait for the sink: beside the log unless `spool` says otherwise."""
        beside = LogSettings().path if self.path == STANDARD_ERROR else self.path
        return self.spool or beside.with_name(f"{beside.name}.spool")


@frozen
class StateSettings:
    """What guards remember together: those of this host in the file `path`, or all that use the DynamoDB `table`.

    Counts cover the last `window_s` seconds. By default the file is ``state.db`` beside the decision log; the path
    IN_MEMORY keeps it in this process. Requests to the table end after `timeout_s` seconds. While it does not answer, a
    host may go on alone (`fallback` is ``host``) with one part in `hosts` of every bound.
    """

    enabled: bool = True
    path: Path | None = None
    window_s: float = 3600.0
    store: Literal["sqlite", "dynamodb"] = "sqlite"
    table: str = "guardrails"
    region: str | None = None
    profile: str | None = None
    timeout_s: float = 2.0
    fallback: Literal["deny", "host"] = "deny"
    hosts: int = 10


@frozen
class PacingSettings:
    """How calls are slowed down before AWS refuses them for their rate.

    This host uses `share` (0 to 1) of EC2's documented token buckets. A call that would have to wait longer than
    `max_wait_s` seconds is refused.
    """

    enabled: bool = True
    share: float = 0.8
    max_wait_s: float = 60.0


@frozen
class BreakGlassSettings:
    """How many minutes a rule may be set aside, and the command that is then started (details as JSON on stdin)."""

    max_minutes: float = 60.0
    command: tuple[str, ...] = ()


# What notices are sent about, and where they go.
NOTICES = ("save", "approval", "break_glass", "freeze")
NOTICE_TARGETS = ("eventbridge", "sns", "webhook", "command")


@frozen
class NotifySettings:
    """One place that gets notices: `to` says which kind it is, and `on` what it is notified of.

    EventBridge has a `bus`, SNS a `topic` (an ARN); a webhook has its address in `url`, or in the variable `url_env`; a
    `command` is a program with its arguments. A notice that has not arrived after `timeout_s` seconds has failed.
    """

    to: str
    on: tuple[str, ...] = NOTICES
    bus: str = "default"
    topic: str = ""
    # With it, anyone can post there.
    url: str = field(default="", repr=False)
    url_env: str = ""
    command: tuple[str, ...] = ()
    region: str | None = None
    profile: str | None = None
    timeout_s: float = 5.0


@frozen
class Settings:
    """A checked configuration.

    `where` has ``file:line`` of each key that a file set, by dotted name; `where_inside` has it for what is inside the
    values, by the path that starts with that name: ("params", "remaining", "bounds").
    """

    mode: Mode = "enforce"
    engine: str = "embedded"
    cluster_tag: str = "Cluster"
    cluster_tags: tuple[str, ...] = ()
    clusters: Mapping[str, tuple[str, ...]] = Factory(dict)
    home_region: str | None = None
    long_tail: bool = False
    max_fact_age_s: float = 5.0
    lookup_timeout_s: float = 10.0
    tripwire: bool = False
    confirm_timeout_s: float = 60.0
    approval_wait_s: float = 0.0
    approval_folder: Path = Factory(approval_folder)
    enforcement: Mapping[str, str] = Factory(dict)
    policies: tuple[Path | RemoteBundle, ...] = ()
    policy_key: Path | None = None
    max_bundle_age_s: float | None = None
    params: Mapping[str, Any] = Factory(dict)
    live: LiveSettings = Factory(LiveSettings)
    log: LogSettings = Factory(LogSettings)
    state: StateSettings = Factory(StateSettings)
    pacing: PacingSettings = Factory(PacingSettings)
    opa: OpaSettings = Factory(OpaSettings)
    bundle: BundleSettings = Factory(BundleSettings)
    break_glass: BreakGlassSettings = Factory(BreakGlassSettings)
    notify: tuple[NotifySettings, ...] = ()
    caller: CallerSettings = Factory(CallerSettings)
    telemetry: bool = False
    waves: Mapping[str, str] = Factory(dict)
    wave_sizes: tuple[int, ...] = (1, 5, 25)
    wave_pause_s: float = 30.0
    wave_checks: tuple[str, ...] = ()
    wave_command: tuple[str, ...] = ()
    where: Mapping[str, str] = Factory(dict)
    where_inside: Mapping[tuple[str | int, ...], str] = Factory(dict)
    # The files it was read from, for reading them again; None where there is none.
    file: Path | None = None
    organisation: Path | None = None
    # True where `file` was not named, but found in the working directory or above it.
    found_upward: bool = False
    # What the organisation's file makes, where it locks `mode`: rules may not fall below it.
    floor: Settings | None = None

    @property
    def cluster_keys(self) -> tuple[str, ...]:
        """The tags that name clusters, in order: the first that something has counts."""
        return self.cluster_tags or (self.cluster_tag,)

    @property
    def local_policies(self) -> tuple[Path, ...]:
        """The folders and bundles of `policies` that are on this host."""
        return tuple(source for source in self.policies if isinstance(source, Path))

    @property
    def remote_bundles(self) -> tuple[RemoteBundle, ...]:
        """The bundles of `policies` that are fetched."""
        return tuple(source for source in self.policies if isinstance(source, RemoteBundle))

    def same_as(self, other: Settings) -> bool:
        """True where both say the same, whichever files say it."""
        return self._content() == other._content()

    def _content(self) -> Settings:
        return evolve(self, where={}, where_inside={}, file=None, organisation=None, found_upward=False, floor=None)

    def at(self, key: str, *inside: str | int) -> str:
        """``guardrails.toml:7`` for what stands at the path `inside` the value of `key`, or for what is around it.

        ``the configuration`` where no file set the key.
        """
        for length in range(len(inside), 0, -1):
            if (key, *inside[:length]) in self.where_inside:
                return self.where_inside[(key, *inside[:length])]
        return self.where.get(key, "the configuration")
