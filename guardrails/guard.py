"""The guard: puts the parts together for users, the interceptor and the commands.

A call's way through the stages is in pipeline.py: intercept -> classify -> resolve -> evaluate -> enforce -> record.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import botocore.session
from attrs import evolve

from guardrails import assembly
from guardrails.activation import inherited
from guardrails.aws import sessions
from guardrails.classify.catalogue import Catalogue
from guardrails.config.exposure import exposed
from guardrails.config.load import load
from guardrails.config.settings import Settings
from guardrails.enforce import confirm
from guardrails.enforce.break_glass.grant import BreakGlass
from guardrails.enforce.break_glass.scope import BreakGlassScope
from guardrails.enforce.confirm import Confirmation
from guardrails.enforce.denied_often import DeniedOften
from guardrails.enforce.pacing import Turns
from guardrails.evaluate.evaluate import allowed, unasked
from guardrails.intercept import BypassingRequest, Interceptor, Judge, Tripwire
from guardrails.memory import configured
from guardrails.notify import NotifyingLog, Sender
from guardrails.resolve.finder import FactFinder
from guardrails.resolve.home import at_home
from guardrails.resolve.lasting import lasting, spare
from guardrails.resolve.lookups import Fetched, Lookups
from guardrails.resolve.own_requests import OwnRequests
from guardrails.self_test import SelfTest
from guardrails.self_test.admission import Admission
from guardrails.show import displayed  # noqa: F401  (gives the values their cards)
from guardrails.show.announcing_log import AnnouncingLog
from guardrails.show.sentences import DENIAL, log_line
from guardrails.system import background
from guardrails.telemetry import reports_of
from guardrails.values import NOT_GOVERNED, Call, Caller, Decision, Facts, Lookup, Origin, frozen
from guardrails.waiting.program_log import ProgramLog

_logger = ProgramLog()


class Guard:
    """One configured guard. Make it with `from_config`, then `install()` or `attach()` it."""

    def __init__(self, settings: Settings) -> None:
        """Load policies and open the decision log. Raises PolicyError or ConfigError; botocore is not touched yet."""
        # Settings that a program made itself are held to the organisation's locks here.
        self.settings = settings = load(settings)
        if warning := exposed(settings):
            _warn(warning)
        self.inherited = False  # from the parent process; the program's own configuration replaces it
        self._catalogue = Catalogue(long_tail=settings.long_tail)
        self._engine = assembly.engine(settings, _warn)
        self.notices = Sender(settings)
        self._models = sessions.models()
        reports = reports_of(settings, _warn)
        log = reports.log(NotifyingLog(AnnouncingLog(assembly.open_log(settings)), self.notices))
        self._lookups = assembly.lookups(settings, self._models, reports.looking_up)
        history = assembly.history(settings)
        callers, history = assembly.callers(settings, history), reports.history(history)
        self._turns = Turns(history.pacer) if history is not None and history.pacer is not None else None
        self._break_glass = BreakGlassScope(
            settings.break_glass, lambda: assembly.terms(settings), configured.post(settings), self.notices.glass_broken
        )
        around = _ThisProcess(settings, self._catalogue, self._models, self._lookups, self._break_glass, callers)
        self._pipeline = reports.pipeline(
            settings=settings,
            catalogue=self._catalogue,
            evidence=assembly.evidence(settings),
            finder=FactFinder(settings, self._lookups, history),
            engine=self._engine,
            log=log,
            turns=self._turns,
            around=around,
            desk=assembly.desk(settings, self._lookups, self.notices.asked),
        )
        self._admission = Admission(self._pipeline, self._models)
        self._judge = Judge(self._catalogue, self._admission, self._admission, settings.max_fact_age_s)
        self._interceptor = Interceptor(
            self._judge, inherited.gates(settings), Tripwire(self._tripped) if settings.tripwire else None
        )
        self._judge.splitter = assembly.splitter(settings, self._catalogue, self._interceptor, self._pipeline)

    @classmethod
    def from_config(cls, config: str | Path | Mapping[str, Any] | Settings | None = None) -> Guard:
        """A guard from a file, a mapping with the same keys, or (None) the file that is found; see config.load."""
        return cls(load(config))

    def __repr__(self) -> str:
        sources = ", ".join(self.settings.live.sources)
        return f"<Guard in mode {self.settings.mode}, policies {self.revision}, live by {sources}>"

    @property
    def revision(self) -> str:
        """The revision of the policies: a digest of their text and data."""
        return self._engine.revision

    def install(self) -> None:
        """Guard every botocore client of this process, existing ones too.

        Raises GuardBroken, and then nothing is installed, when a call that must be denied passes.
        """
        self._interceptor.install()
        try:
            self.self_test()
        except BaseException:
            self.uninstall()
            raise

    def self_test(self) -> dict[str, Decision]:
        """Try the calls that must be denied (self_test/). Returns the installed guard's decisions by what was tried.

        Nothing is sent, looked up, logged or counted. Raises GuardBroken.
        """
        test = SelfTest(self.settings)
        with self._admission.testing(test.pipeline(self._pipeline)):
            return test.run(self._models)

    def uninstall(self) -> None:
        """Take the guard out of botocore again, attached clients included."""
        self._interceptor.uninstall()

    def displaced(self) -> list[str]:
        """The functions of botocore that were replaced since install(). The guard is still behind them."""
        return self._interceptor.displaced()

    def attach(self, client_or_session: Any) -> None:
        """Guard one client (or boto3 resource), or the clients that one session creates from now on."""
        self._interceptor.attach(client_or_session)
        self._break_glass.announce()

    def check(self, client: Any, operation: str, **params: Any) -> Decision:
        """What would be decided on this call: nothing is sent but look-ups, nothing is logged.

        `operation` is AWS's name or the method's (``terminate_instances``). Raises ConfigError for an unknown
        operation, botocore's ParamValidationError for parameters that botocore would refuse. An ungoverned call is an
        ``allow`` whose `reason` says so.
        """
        call, origin = self._interceptor.read(client, operation, params)
        governed = self._catalogue.governs(call.service, call.operation)
        decision = self._pipeline.decide(call, origin) if governed else None
        if decision is None:
            now = time.time()
            decision = evolve(allowed(unasked(call, {}, None, self.revision, now), NOT_GOVERNED), result={})
        return evolve(decision, what_if=self.settings.mode)

    def live(self, client: Any) -> Facts:
        """Which cluster is live in the account and region of `client`, and every cluster there. Only makes look-ups."""
        call, origin = self._interceptor.read(client, None, {})
        return self._pipeline.facts(call, origin)

    def probe(self, client: Any, lookups: Iterable[Lookup]) -> Fetched:
        """What these look-ups return for `client`, in its region, and which are not permitted."""
        _, origin = self._interceptor.read(client, None, {})
        return self._lookups.fetch(lookups, origin)

    @property
    def parts(self) -> tuple[Judge, Admission, Lookups, botocore.session.Session]:
        """What a plan is made with: it judges calls that are not sent."""
        return self._judge, self._admission, self._lookups, self._models

    @property
    def own_requests(self) -> OwnRequests:
        """The guard's own requests in this process, counted."""
        return self._lookups.own

    def break_glass(
        self, *, reason: str, rules: Iterable[str], minutes: float = 15.0
    ) -> AbstractContextManager[BreakGlass]:
        """Set these rules aside for the calls of this thread (or task) inside the `with`, for `minutes` at most.

        They warn instead of blocking, and the decision log has the reason. Tasks started inside count as inside while
        the `with` is open; forked processes do not. A generator that pauses inside leaves it open for its caller until
        the time is over. Raises BreakGlassRefused.
        """
        return self._break_glass.opening(reason, rules, minutes)

    @property
    def broken_glass(self) -> BreakGlassScope:
        """Which rules are set aside now."""
        return self._break_glass

    def _tripped(self, request: BypassingRequest) -> None:
        """A request to AWS bypassed every gate: report it, in the decision log as well. Never raises."""
        what = request.operation or f"{request.method} {request.path}"
        reason = f"tripwire: {what} was sent to {request.host} without the guard being asked"
        call = Call(request.service, request.operation, {}, request.region, request.host)
        _logger.warning("%s", reason)
        try:
            self._pipeline.record_unasked(call, reason)
        except OSError as error:
            _logger.warning("the decision log %s cannot be written: %s", self.settings.log.path, error)


@frozen(eq=False)
class _ThisProcess:
    """The Surroundings of the pipeline: what it needs from this process."""

    settings: Settings
    catalogue: Catalogue
    models: botocore.session.Session
    lookups: Lookups
    glass: BreakGlassScope
    callers: DeniedOften

    def home(self, call: Call, origin: Origin) -> Origin:
        """A call to Route 53 or IAM does not say in which region the machines are."""
        if self.catalogue.tells_region(call.service):
            return origin
        return at_home(call, origin, self.settings.home_region, self.models.get_config_variable("region"))

    def caller(self, credentials: Any) -> Caller:
        return self.callers.caller(credentials)

    def break_glass(self, now: float) -> Mapping[str, Any] | None:
        return self.glass.document(now)

    def ask(self, decision: Decision, timeout_s: float) -> Confirmation:
        return confirm.ask(decision, timeout_s)

    def changed(self, call: Call | None) -> None:
        self.lookups.forget(lasting(call), spare(call))

    def look_again(self, origin: Origin, since: float) -> bool:
        return self.lookups.look_again(origin, since)

    def denied(self, decision: Decision) -> None:
        """The record's `denial` is the decision's id, for code that shows denials in another way."""
        _warn(log_line(decision), {DENIAL: decision.id})
        self.callers.note(decision)

    def warn(self, sentence: str) -> None:
        _warn(sentence)


def _warn(sentence: str, extra: Mapping[str, str] | None = None) -> None:
    with background.writing():
        _logger.warning("%s", sentence, extra=extra)
