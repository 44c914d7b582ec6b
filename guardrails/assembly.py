"""From checked settings to the parts of a guard: engine and policies, evidence, look-ups, memory, log."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import botocore.session
from attrs import evolve

from guardrails.classify.classify import Evidence
from guardrails.config.load import reload
from guardrails.config.settings import Settings
from guardrails.enforce.approvals import Desk
from guardrails.enforce.break_glass.grant import Terms
from guardrails.enforce.denied_often import DeniedOften
from guardrails.errors import ConfigError, PolicyError
from guardrails.evaluate import bundle, bundle_file, configured, floor, own_rules, self_test
from guardrails.evaluate.checked_before import checked_once
from guardrails.evaluate.embedded import EmbeddedEngine, compiled
from guardrails.evaluate.engine import Engine, EngineFailure
from guardrails.evaluate.opa_server import OpaServer
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.evaluate.reloading import ReloadingEngine
from guardrails.memory import History, SqliteStore, StateUnavailable
from guardrails.memory import configured as configured_memory
from guardrails.memory.approvals import ApprovalFolder, Identity
from guardrails.memory.fleet import FleetStore
from guardrails.memory.pacer import Pacer
from guardrails.memory.sqlite import Denials
from guardrails.record.background import Background
from guardrails.record.decision_log import DecisionLog
from guardrails.record.upload import Uploader, sink_of, spool_of
from guardrails.resolve import caller_identity
from guardrails.resolve.lookups import Lookups, Watch
from guardrails.resolve.own_requests import OwnRequests
from guardrails.resolve.ownership import EDITABLE, Ownership
from guardrails.values import Decision, Origin


def evidence(settings: Settings) -> Evidence:
    """What this configuration reads liveness from."""
    marks = [tag.key for tag in (settings.live.mark, settings.live.eip_tag) if tag is not None]
    return Evidence(frozenset((*settings.cluster_keys, *marks)), settings.live.ssm_parameter, EDITABLE)


def engine(settings: Settings, report: Callable[[str], None] | None = None) -> Engine:
    """The policies, on the engine that is configured. Raises PolicyError or ConfigError.

    `report` gets a sentence about what may be wrong with rules that load, here and at each reload.
    """
    if settings.engine == "embedded":
        before: list[bundle.Bundle] = []

        def make(now: Settings) -> EmbeddedEngine:
            read = policies(now)
            own_rules.check_not_lost(before, read, now.policies)
            made = embedded(read, kept=settings.policy_key is None and settings.organisation is None)
            before[:] = [read]
            _report(findings(now, read), report)
            return made

        return ReloadingEngine(settings, make, reload, _files)
    made = _server(settings)
    self_test.check(made, time.time(), settings.enforcement)
    return made


def _report(mistakes: Sequence[Mistake], report: Callable[[str], None] | None) -> None:
    if mistakes and report is not None:
        more = f" ({len(mistakes) - 1} more; `guardrails policy check` lists all)" if len(mistakes) > 1 else ""
        report(f"a policy may not do what it should: {mistakes[0]}{more}")


def _files(settings: Settings) -> Iterator[Path]:
    """The files whose edits change the policies or their parameters."""
    if settings.file is not None:
        yield settings.file
    if settings.organisation is not None:
        yield settings.organisation
    for folder in (bundle.shipped(), *settings.policies):
        if not folder.is_dir():
            yield folder
        elif bundle_file.is_bundle(folder):
            yield from (path for path in folder.rglob("*") if path.is_file())
        else:
            try:
                yield from bundle.policy_files(folder)
            except PolicyError:
                # Its files are lost; loading it again says why.
                yield folder


def embedded(read: bundle.Bundle, *, kept: bool = False) -> EmbeddedEngine:
    """Policies on the embedded engine, once they have denied what they must. Raises PolicyError.

    What this user's earlier check made of them counts if it may be `kept`: not where somebody else signs or locks them.
    """
    made = EmbeddedEngine(read, checked_once if kept else compiled)
    self_test.check(made, time.time(), bundle.params_of(read).get("enforcement", {}))
    return made


def policies(settings: Settings) -> bundle.Bundle:
    """The policies, shipped and configured, with the configuration's parameters. Raises PolicyError or ConfigError."""
    read = _read(settings)
    rules = bundle.rule_ids(read)
    configured.check_enforcement(settings, rules)
    made = bundle.with_params(read, configured.params(settings, bundle.params_of(read)))
    if settings.floor is not None:
        floor.check(settings, settings.floor, made, policies(settings.floor))
    configured.check_unbreakable(settings, rules, bundle.params_of(made))
    configured.check_approvals(settings, rules, bundle.params_of(made))
    return made


def findings(settings: Settings, read: bundle.Bundle | None = None) -> list[Mistake]:
    """What `policy check` reports of rules that load, in the folders of this configuration.

    `read` has them if they were read before. A bundle is checked when it is built. Raises PolicyError or ConfigError.
    """
    folders = [path for path in settings.policies if not bundle_file.is_bundle(path)]
    if settings.engine != "embedded" or not folders:
        return []
    read = read or policies(settings)
    own = [module for module in own_rules.modules(read) if own_rules.is_below(module.file, folders)]
    loaded = import_module("guardrails.policy.check.loaded")  # brings PyYAML: only for added policies
    return sorted(set(loaded.findings(own, folders, read.modules)))


def terms(settings: Settings) -> Terms:
    """What a break glass may set aside. Raises PolicyError or ConfigError."""
    made = policies(settings)
    unbreakable = frozenset(bundle.params_of(made).get("unbreakable", ()))
    return Terms(bundle.rule_ids(made), unbreakable, settings.break_glass.max_minutes)


def _read(settings: Settings) -> bundle.Bundle:
    for number, path in enumerate(settings.policies):
        if not path.exists():
            raise PolicyError(
                f"{settings.at('policies', number)}: `policies` names {path}, which does not exist; correct it or take "
                "it out"
            )
    packed = [path for path in settings.policies if bundle_file.is_bundle(path)]
    if (len(settings.policies) > len(packed) and packed) or len(packed) > 1:
        raise ConfigError(
            f"{settings.at('policies')}: `policies` names the bundle {packed[0]} and more; a bundle contains all "
            "policies, so name it alone"
        )
    if packed:
        made = bundle.unpack(packed[0], settings.policy_key)
        own_rules.check(made, ())
        return made
    if settings.policy_key is not None:
        raise ConfigError(
            f"{settings.at('policy_key')}: `policy_key` needs a signed bundle, and `policies` names none; put a "
            "bundle made by `guardrails policy build --signing-key` into `policies`"
        )
    made = bundle.read((bundle.shipped(), *settings.policies))
    configured.check_declared(settings, bundle.params_of(made))
    own_rules.check(made, settings.policies)
    return made


def _server(settings: Settings) -> OpaServer:
    """The OPA server, once it has shown that it has this configuration's parameters."""
    if settings.floor is not None:
        floor.check_levels(settings, settings.floor, frozenset(settings.enforcement))
    made = OpaServer(settings.opa)
    try:
        there = made.params()
    except EngineFailure as error:
        raise PolicyError(f"the OPA server cannot be asked for its parameters: {error}") from error
    # What the bundle was built with is merged with its defaults.
    wanted: dict[str, Any] = copy.deepcopy(dict(there))
    bundle.merge(wanted, configured.params(settings, there))
    other = sorted(name for name, value in wanted.items() if there.get(name) != value)
    if other:
        raise ConfigError(
            f"the OPA server at {settings.opa.url} has other parameters than this configuration: "
            f"{', '.join(other)}; build its bundle with this configuration (guardrails policy build)"
        )
    return made


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
    return History(shared, Ownership.configured(settings).named, settings.state.window_s, pacer)


def desk(settings: Settings, lookups: Lookups, notify: Callable[[Decision], None]) -> Desk:
    """Where a blocked call asks for approval: as the caller that AWS knows or, without a table, the host's user."""
    board = configured_memory.board(settings)

    def identify(origin: Origin) -> Identity:
        me = board.me()
        if isinstance(board, ApprovalFolder):
            return me
        caller = caller_identity.of(lookups, origin)
        # The credentials of the call and of the table are one person's, whichever of them approves.
        return evolve(caller, others=tuple({*me.ids} - {caller.id}))

    return Desk(board, identify, notify, settings.approval_wait_s)


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
        background = Background(lambda: Uploader(spool, sink_of(settings.log)), settings.log.upload_delay_s)
    log = DecisionLog(settings.log, background.wake if background is not None else None)
    try:
        log.open()
    except OSError as error:
        which = f"{settings.log.path} or its spool {spool.folder}" if spool is not None else settings.log.path
        raise ConfigError(
            f"{settings.at('log.path')}: the decision log {which} cannot be opened ({error.strerror}); "
            'set log.path to a file this user may write or to "-" (standard error), and state.path likewise or to '
            '":memory:"; or set log.enabled = false'
        ) from error
    return log
