"""From checked settings to the parts of a guard: engine and policies, evidence, look-ups, memory, log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from importlib import import_module
from typing import TYPE_CHECKING

import botocore.session
from attrs import evolve

from guardrails.classify.classify import Evidence
from guardrails.config.load import reload
from guardrails.config.settings import Settings
from guardrails.config.waves import in_use as waves_in_use
from guardrails.enforce.approvals import Desk
from guardrails.enforce.break_glass.grant import Terms
from guardrails.enforce.denied_often import DeniedOften
from guardrails.errors import ConfigError
from guardrails.evaluate import accepted, bundle, configured, floor, own_rules, rule_book
from guardrails.evaluate.checked_before import checked_once
from guardrails.evaluate.embedded import EmbeddedEngine, compiled
from guardrails.evaluate.engine import Engine
from guardrails.evaluate.reloading import ReloadingEngine
from guardrails.evaluate.remote.in_force import FetchedBundles
from guardrails.evaluate.remote.sources import Read, Sources
from guardrails.memory import History, SqliteStore, StateUnavailable
from guardrails.memory import configured as configured_memory
from guardrails.memory.approvals import ApprovalFolder, Identity
from guardrails.memory.fleet import FleetStore
from guardrails.memory.pacer import Pacer
from guardrails.memory.sqlite import Denials
from guardrails.record.decision_log import DecisionLog
from guardrails.record.patient_writer import NotRead, print_no_warning_for_ever
from guardrails.record.upload import spool_of
from guardrails.resolve import caller_identity
from guardrails.resolve.kept_answers import Watch
from guardrails.resolve.lookups import Lookups
from guardrails.resolve.own_requests import OwnRequests
from guardrails.resolve.ownership import EDITABLE, Ownership
from guardrails.values import Decision, Origin

if TYPE_CHECKING:
    from guardrails.classify.catalogue import Catalogue
    from guardrails.evaluate.rego.mistake import Mistake
    from guardrails.intercept import Interceptor
    from guardrails.intercept.parts import Splitter
    from guardrails.pipeline import Pipeline


def evidence(settings: Settings) -> Evidence:
    """What this configuration reads liveness from."""
    marks = [tag.key for tag in (settings.live.mark, settings.live.eip_tag) if tag is not None]
    return Evidence(frozenset((*settings.cluster_keys, *marks)), settings.live.ssm_parameter, EDITABLE)


def engine(settings: Settings, report: Callable[[str], None] | None = None) -> Engine:
    """The policies, on the engine that is configured. Raises PolicyError or ConfigError.

    `report` gets a sentence about what may be wrong with rules that load, here and at each reload.
    """
    if settings.engine == "embedded":
        return _embedded_engine(settings, report)
    return _servers(settings, report)


def _servers(settings: Settings, report: Callable[[str], None] | None) -> Engine:
    """The OPA servers, once they have shown that they may decide."""
    if settings.floor is not None:
        floor.check_levels(settings, settings.floor, frozenset(settings.enforcement))
    fallback = _embedded_engine(settings, report) if settings.opa.fallback == "embedded" else None
    from guardrails.evaluate import opa_configured  # noqa: PLC0415  (most configurations name no server)

    return opa_configured.servers(settings, fallback, report)


def _embedded_engine(settings: Settings, report: Callable[[str], None] | None) -> Engine:
    """The embedded engine, which takes over edits and new bundles."""
    rule_book.check_signed(settings)
    sources = remote_sources(settings)
    sources.refresh()
    fetched = FetchedBundles(sources)
    before: list[bundle.Bundle] = []

    def make(now: Settings) -> EmbeddedEngine:
        fetched.use(now)
        read = policies(now, sources.contents)
        own_rules.check_not_lost(before, read, now.local_policies)
        made = embedded(read, kept=settings.policy_key is None and settings.organisation is None)
        before[:] = [read]
        _report(findings(now, read), report)
        return made

    return ReloadingEngine(settings, make, reload, rule_book.files, fetched)


def remote_sources(settings: Settings) -> Sources:
    """The bundles that this configuration fetches; none was looked at yet."""

    def load(now: Settings, fetched: Read) -> None:
        # By the thread that looks for bundles; another one decides.
        embedded(policies(now, fetched)).forget()

    return Sources(settings, load)


def _report(mistakes: Sequence[Mistake], report: Callable[[str], None] | None) -> None:
    if mistakes and report is not None:
        more = f" ({len(mistakes) - 1} more; `guardrails policy check` lists all)" if len(mistakes) > 1 else ""
        report(f"a policy may not do what it should: {mistakes[0]}{more}")


def embedded(read: bundle.Bundle, *, kept: bool = False) -> EmbeddedEngine:
    """Policies on the embedded engine, once they have denied what they must. Raises PolicyError.

    What this user's earlier check made of them counts if it may be `kept`: not where somebody else signs or locks them.
    """
    return accepted.engine(read, checked_once if kept else compiled)


def policies(settings: Settings, fetched: Read | None = None) -> bundle.Bundle:
    """The policies, shipped and configured, with the configuration's parameters. Raises PolicyError or ConfigError.

    `fetched` returns a remote bundle; without it they are fetched now.
    """
    if fetched is None:
        sources = remote_sources(settings)
        sources.refresh()
        fetched = sources.contents
    read = rule_book.read(settings, fetched)
    rules = bundle.rule_ids(read)
    configured.check_enforcement(settings, rules)
    made = bundle.with_params(read, configured.params(settings, bundle.params_of(read)))
    if settings.floor is not None:
        floor.check(settings, settings.floor, made, policies(settings.floor, fetched))
    configured.check_unbreakable(settings, rules, bundle.params_of(made))
    configured.check_approvals(settings, rules, bundle.params_of(made))
    return made


def findings(settings: Settings, read: bundle.Bundle | None = None) -> list[Mistake]:
    """What `policy check` reports of rules that load, in the folders of this configuration.

    `read` has them if they were read before. A bundle is checked when it is built. Raises PolicyError or ConfigError.
    """
    folders = rule_book.local_folders(settings)
    if settings.engine != "embedded" or not folders:
        return []
    read = read or policies(settings)
    own = [module for module in own_rules.modules(read) if own_rules.is_below(module.file, folders)]
    loaded = import_module("guardrails.policy.check.loaded")  # brings PyYAML: only for added policies
    return sorted(set(loaded.findings(own, folders, read.modules)))


def terms(settings: Settings) -> Terms:
    """What a break glass may set aside. Raises PolicyError or ConfigError."""
    # By the bundle that is kept: in an emergency its source may be down.
    made = policies(settings, remote_sources(settings).contents)
    unbreakable = frozenset(bundle.params_of(made).get("unbreakable", ()))
    return Terms(bundle.rule_ids(made), unbreakable, settings.break_glass.max_minutes)


def history(settings: Settings) -> History | None:
    """What guards remember together; None where that is switched off. Raises ConfigError."""
    if not settings.state.enabled:
        return None
    shared = configured_memory.store(settings)
    try:
        shared.try_it()
    except StateUnavailable as error:
        raise ConfigError(f"{settings.at('state.path')}: {error}") from error
    pacer = Pacer(shared, settings.pacing.share, settings.pacing.max_wait_s) if settings.pacing.enabled else None
    pause_s = settings.wave_pause_s if waves_in_use(settings) else None
    return History(shared, Ownership.configured(settings).named, settings.state.window_s, pacer, pause_s)


def desk(settings: Settings, lookups: Lookups, notify: Callable[[Decision], None]) -> Desk:
    """Where a blocked call asks for approval: as the caller that AWS knows or, without a table, the host's user."""
    board = configured_memory.board(settings)

    def identify(origin: Origin) -> Identity:
        me = board.me()
        if isinstance(board, ApprovalFolder):
            return me
        caller = caller_identity.of(lookups, origin)
        # The credentials of the call and of the table are one person's, whichever of them approves.
        return evolve(caller, others=tuple(sorted(me.names - {caller.id})))

    return Desk(board, identify, notify, settings.approval_wait_s)


def splitter(settings: Settings, catalogue: Catalogue, interceptor: Interceptor, pipeline: Pipeline) -> Splitter | None:
    """What sends calls in waves, None where the configuration has none sent so."""
    if settings.mode != "enforce" or "split" not in settings.waves.values():
        return None
    made: Splitter = import_module("guardrails.gradual.deciding").splitter(settings, catalogue, interceptor, pipeline)
    return made


def callers(settings: Settings, history: History | None) -> DeniedOften:
    """Who makes calls here, and how often they were denied, as this host remembers it."""
    store = None if history is None else history.store
    host = store.host if isinstance(store, FleetStore) else store
    return DeniedOften(settings.caller, Denials(host) if isinstance(host, SqliteStore) else None)


def lookups(settings: Settings, session: botocore.session.Session, watch: Watch = nullcontext) -> Lookups:
    """The guard's own requests. `session` lends its loader of service models; `watch` goes around each look-up."""
    loader = session.get_component("data_loader")
    own = OwnRequests(settings.pacing.share if settings.pacing.enabled else None)
    return Lookups(settings.max_fact_age_s, settings.lookup_timeout_s, loader, own, watch)


def open_log(settings: Settings) -> DecisionLog:
    """The decision log, ready to be appended to. Raises ConfigError."""
    spool = spool_of(settings.log)
    background = None
    if spool is not None and settings.log.upload:
        from guardrails.record.background import Background  # noqa: PLC0415  (most logs have no sink)
        from guardrails.record.upload import Uploader, sink_kind  # noqa: PLC0415

        sink = sink_kind(settings.log)
        background = Background(lambda: Uploader(spool, sink(settings.log)), settings.log.upload_delay_s)
    log = DecisionLog(settings.log, background.wake if background is not None else None)
    print_no_warning_for_ever()
    try:
        log.open()
    except NotRead as error:
        raise ConfigError(
            f"{settings.at('log.path')}: the decision log {settings.log.path} cannot be opened ({error.strerror}); "
            "start what reads it first, set log.path to a file, or set log.enabled = false"
        ) from error
    except OSError as error:
        which = f"{settings.log.path} or its spool {spool.folder}" if spool is not None else settings.log.path
        why, way = error.strerror, ""
        if str(error.filename).endswith(".lock"):
            why, way = f"{why}: {error.filename}, which lies beside it", "give its folder to this user, or "
        raise ConfigError(
            f"{settings.at('log.path')}: the decision log {which} cannot be opened ({why}); {way}"
            'set log.path to a file this user may write or to "-" (standard error), and state.path likewise or to '
            '":memory:"; or set log.enabled = false'
        ) from error
    return log
