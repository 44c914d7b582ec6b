"""The guard: the only place that sees all stages.

intercept -> classify -> resolve -> evaluate -> enforce -> record
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import botocore.session
from attrs import evolve

from guardrails import assembly, caller, canary, confirm, document
from guardrails.activation.inherited import Inherited
from guardrails.catalogue import UNREVIEWED, Catalogue
from guardrails.classify import classify
from guardrails.config import load
from guardrails.enforce import enforce
from guardrails.errors import CallDenied, GuardUnavailable
from guardrails.evaluate.engine import EngineFailure, read_result
from guardrails.facts import NOTHING_KNOWN, FactFinder, scope_of
from guardrails.glass import Glass
from guardrails.intercept import Interceptor, Judge, Passed, Tripwire
from guardrails.lookups import Fetched, Lookups
from guardrails.message import failure_sentence, paragraph
from guardrails.origin import Origin
from guardrails.pacing import Turns
from guardrails.set_aside import SetAside
from guardrails.settings import Settings
from guardrails.state import Claim, StateUnavailable
from guardrails.values import Call, Decision, Facts, Lookup, Outcome, Violation

_logger = logging.getLogger("guardrails")
_SLOWER = "Make fewer calls, or one call for several machines; or raise pacing.max_wait_s and let it wait."


class Guard:
    """One configured guard. Make it with `from_config`, then `install()` or `attach()` it."""

    def __init__(self, settings: Settings) -> None:
        """Load policies and open the decision log. Raises PolicyError or ConfigError; botocore is not touched yet."""
        self.settings = settings
        self._catalogue = Catalogue(long_tail=settings.long_tail)
        self._evidence = assembly.evidence(settings)
        self._engine = assembly.engine(settings)
        self._log = assembly.open_log(settings)
        self._models = botocore.session.Session()
        loader = self._models.get_component("data_loader")
        self._lookups = Lookups(settings.max_fact_age_s, settings.lookup_timeout_s, loader)
        history, pacer = assembly.state(settings)
        self._finder = FactFinder(settings, self._lookups, history, pacer)
        self._turns = None if pacer is None else Turns(pacer)
        self._singing: ContextVar[FactFinder | None] = ContextVar("guardrails_canary", default=None)
        self._set_aside = SetAside(settings)
        judge = Judge(
            self._catalogue.governs,
            self._catalogue.services,
            self._admit,
            self._service_model,
            self._catalogue.service_of,
            self._catalogue.owner,
        )
        self._interceptor = Interceptor(
            judge,
            self._came_back,
            lambda: Inherited.of(settings),
            Tripwire(self._tripped) if settings.tripwire else None,
        )

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
            self.sing()
        except BaseException:
            self.uninstall()
            raise

    def sing(self) -> dict[str, Decision]:
        """Try the calls that must be denied (canary.py); the installed guard's decisions by operation.

        Nothing is sent, looked up, logged or counted. Raises GuardBroken.
        """
        token = self._singing.set(canary.finder(self.settings))
        try:
            return canary.sing(self._models)
        finally:
            self._singing.reset(token)

    def uninstall(self) -> None:
        """Take the guard out of botocore again, attached clients included."""
        self._interceptor.uninstall()

    def displaced(self) -> list[str]:
        """The functions of botocore that somebody has replaced since install(): the guard is still behind them."""
        return self._interceptor.displaced()

    def attach(self, client_or_session: Any) -> None:
        """Guard one client (or boto3 resource), or the clients that one session creates from now on."""
        self._interceptor.attach(client_or_session)

    def check(self, client: Any, operation: str, **params: Any) -> Decision:
        """What would be decided on this call: nothing is sent but look-ups, nothing is logged.

        `operation` is AWS's name or the method's (``terminate_instances``). Raises botocore's ParamValidationError for
        parameters that botocore would refuse. An ungoverned call is an ``allow`` whose `reason` says so.
        """
        call, origin = self._interceptor.read(client, operation, params)
        decision = self._decide(call, origin) if self._catalogue.governs(call.service, call.operation) else None
        if decision is None:
            decision = Decision(
                _new_id(), "allow", call, reason="not governed", revision=self.revision, decided_at=time.time()
            )
        return evolve(decision, what_if=True)

    def live(self, client: Any) -> Facts:
        """Which cluster is live in the account and region of `client`, and every cluster there. Makes look-ups only."""
        call, origin = self._interceptor.read(client, None, {})
        return self._facts(call, origin)

    def probe(self, client: Any, lookups: Iterable[Lookup]) -> Fetched:
        """What these look-ups answer as `client`, in its region, and which of them are not permitted."""
        _, origin = self._interceptor.read(client, None, {})
        return self._lookups.fetch(lookups, origin)

    def break_glass(self, *, reason: str, rules: Iterable[str], minutes: float = 15.0) -> AbstractContextManager[Glass]:
        """Set these rules aside, for the calls of this thread (or task) inside the `with`, for so many minutes at most.

        They warn instead of blocking, and the decision log tells the reason. Raises BreakGlassRefused.
        """
        return self._set_aside.breaking(reason, rules, minutes)

    # -- the stages, in order ------------------------------------------------------------------------------------

    def _admit(self, call: Call, origin: Origin) -> str | None:
        """Decide on a call that is about to be sent; raises CallDenied when it must not be.

        Returns the decision's id, for the trace that the call carries; None for an ungoverned call.
        """
        if self._singing.get() is not None:
            self._sung(call, origin)
        claims: list[Claim] = []
        sent = False
        try:
            decision = self._decide(call, origin, claims)
            if decision is None:
                return None
            if decision.action == "confirm" and self.settings.mode == "enforce":
                decision = self._confirmed(decision, call, origin, claims)
            outcome = enforce(decision, self.settings.mode, time.time())
            waited = self._pace(decision, origin) if outcome.send else 0.0
            if waited:
                # The world may have changed meanwhile.
                self._settle(claims, sent=False)
                decision = _as_before(self._decide(call, origin, claims) or decision, decision)
                outcome = evolve(enforce(decision, self.settings.mode, time.time()), waited_s=waited)
            self._record(decision, outcome)
            if not outcome.send:
                raise _denied(decision)
            sent = True
            if self._turns is not None:
                self._turns.sent(decision.id, scope_of(decision.call.account, origin), decision.call)
        finally:
            self._settle(claims, sent=sent)
        # From here on the world may look different.
        self._lookups.forget()
        if outcome.warning:
            _logger.warning("%s", outcome.warning)
        return decision.id

    def _decide(self, call: Call, origin: Origin, claims: list[Claim] | None = None) -> Decision | None:
        """None for an ungoverned call. Whatever goes wrong for a governed one becomes a denial, never an exception.

        What the call would do is claimed in the history, and the claim added to `claims`, where such a list is given.
        """
        started = time.perf_counter_ns()
        try:
            governed = classify(call, self._catalogue, self._evidence)
            if governed is None:
                return None
            call = governed
            if call.undecodable and call.effects != (UNREVIEWED,):
                return self._unavailable(call, origin, f"the request could not be read: {call.undecodable}")
            if call.dry_run:
                return self._passed(call, origin.credentials, "dry run: AWS only checks permissions")
            # Nobody knows what an unreviewed operation acts on, so there is nothing to look up.
            nothing = Facts((), (), NOTHING_KNOWN, time.time())
            facts = nothing if call.effects == (UNREVIEWED,) else self._facts(call, origin, claims)
            looked_up = time.perf_counter_ns()
            call = evolve(call, account=facts.account)
            if facts.failures:
                return self._unavailable(call, origin, "; ".join(map(failure_sentence, facts.failures)), facts)
            decision = self._evaluate(call, facts, origin)
            return evolve(
                decision,
                metrics={
                    **decision.metrics,
                    "timer_guardrails_lookup_ns": looked_up - started,
                    "timer_rego_query_eval_ns": time.perf_counter_ns() - looked_up,
                },
            )
        except EngineFailure as error:
            return self._unavailable(call, origin, f"the policy engine gave no answer: {error}")
        except StateUnavailable as error:
            return self._unavailable(call, origin, str(error))
        except Exception as error:
            _logger.debug("the guard failed while deciding", exc_info=True)
            return self._unavailable(call, origin, f"{type(error).__name__}: {error}")

    def _home(self, call: Call, origin: Origin) -> Origin:
        """Where to look: a call to Route 53 or IAM does not say in which region the machines are."""
        if self._catalogue.tells_region(call.service):
            return origin
        return evolve(origin, home_region=self.settings.home_region or self._models.get_config_variable("region") or "")

    def _facts(self, call: Call, origin: Origin, claims: list[Claim] | None = None) -> Facts:
        return (self._singing.get() or self._finder).find(call, self._home(call, origin), claims)

    def _sung(self, call: Call, origin: Origin) -> None:
        """A canary ends here whatever is decided, in every mode; only an ungoverned call goes on, and is found out."""
        decision = self._decide(call, origin)
        if decision is not None:
            raise _denied(decision)

    def _confirmed(self, decision: Decision, call: Call, origin: Origin, claims: list[Claim]) -> Decision:
        """The decision after a person was asked; made anew, because the world may have changed while somebody read."""
        self._settle(claims, sent=False)
        answer = confirm.ask(decision, self.settings.confirm_timeout_s)
        if not answer.given:
            return evolve(decision, reason=answer.why)
        self._lookups.forget()
        return _as_before(self._decide(call, origin, claims) or decision, evolve(decision, confirmed=True))

    def _pace(self, decision: Decision, origin: Origin) -> float:
        """Wait until EC2's rate limits have room for the call; returns the seconds waited.

        Raises CallDenied where its turn would come too late.
        """
        call = decision.call
        if self._turns is None or self.settings.mode != "enforce" or call.dry_run or call.presigned:
            return 0.0
        pause = self._turns.wait(scope_of(call.account, origin), call)
        if pause.refused:
            late = Violation("pacing/rate-limit", call.name, pause.sentence, _SLOWER, "deny")
            decision = evolve(decision, action="deny", violations=(*decision.violations, late))
            self._record(decision, Outcome(send=False, enforcement="deny"))
            raise _denied(decision)
        return pause.seconds

    def _settle(self, claims: list[Claim], *, sent: bool) -> None:
        for claim in claims:
            try:
                claim.settle(time.time(), sent=sent)
            except StateUnavailable as error:
                # The claim stays as it is, which counts more than was done, never less.
                _logger.warning("%s", error)
        claims.clear()

    def _evaluate(self, call: Call, facts: Facts, origin: Origin) -> Decision:
        now = time.time()
        who = caller.describe(origin.credentials)
        asked = document.build(call, facts, who, now, self._set_aside.document(now))
        evaluated = self._engine.evaluate(asked)
        action, violations = read_result(evaluated.result)
        return Decision(
            id=_new_id(),
            action=action,
            call=call,
            violations=violations,
            facts=facts,
            caller=who,
            revision=evaluated.revision,
            loaded_at=evaluated.loaded_at,
            behind=evaluated.behind,
            decided_at=now,
            input=asked,
            result=evaluated.result,
            metrics=evaluated.metrics,
        )

    def _record(self, decision: Decision, outcome: Outcome) -> None:
        try:
            self._log.write(decision, outcome, self.settings.mode)
        except OSError as error:
            where = self.settings.log.path
            _logger.error("the decision log %s cannot be written: %s", where, error)  # noqa: TRY400  (no traceback)
            if outcome.send and self.settings.mode == "enforce":
                # A change that leaves no trace is one nobody can explain afterwards.
                reason = f"the decision log {where} cannot be written ({error}); mend it or set log.enabled = false"
                raise _denied(evolve(decision, action="deny", unavailable=reason)) from error

    def _came_back(self, decision_id: str | None, status: int | None) -> None:
        """A governed request has come back, with an HTTP status or with none."""
        # Facts fetched while it was under way may be from before it.
        self._lookups.forget()
        if self._turns is not None:
            self._turns.came_back(decision_id, status)

    # -- what the interceptor asks -------------------------------------------------------------------------------

    def _service_model(self, service: str) -> Any:
        return self._models.get_service_model(self._catalogue.botocore_service(service))

    def _tripped(self, passed: Passed) -> None:
        """A request to AWS went round every gate: say so, in the decision log as well. Never raises."""
        what = passed.operation or f"{passed.method} {passed.path}"
        reason = f"tripwire: {what} was sent to {passed.host} without the guard being asked"
        call = Call(passed.service, passed.operation, {}, passed.region, passed.host)
        decision = evolve(self._passed(call, None, reason), action="warn")
        _logger.warning("%s", reason)
        try:
            self._log.write(decision, Outcome(send=True, enforcement="warn"), self.settings.mode)
        except OSError as error:
            _logger.warning("the decision log %s cannot be written: %s", self.settings.log.path, error)

    # -- decisions without a policy ------------------------------------------------------------------------------

    def _passed(self, call: Call, credentials: Any, reason: str) -> Decision:
        return Decision(
            _new_id(),
            "allow",
            call,
            caller=caller.describe(credentials),
            reason=reason,
            revision=self.revision,
            decided_at=time.time(),
            result={"action": "allow", "violations": []},
        )

    def _unavailable(self, call: Call, origin: Origin, why: str, facts: Facts | None = None) -> Decision:
        return Decision(
            _new_id(),
            "deny",
            call,
            facts=facts,
            caller=caller.describe(origin.credentials),
            unavailable=why,
            revision=self.revision,
            decided_at=time.time(),
            result={"action": "deny", "violations": []},
        )


def _as_before(now: Decision, before: Decision) -> Decision:
    """A person's word for `before` holds for `now` where no other rule asks for one."""
    if not before.confirmed or now.action != "confirm":
        return now
    if _asking(now) <= _asking(before):
        return evolve(now, confirmed=True)
    return evolve(now, reason="The situation changed while you were asked; make the call again")


def _asking(decision: Decision) -> frozenset[tuple[str, str]]:
    return frozenset((one.rule, one.target) for one in decision.violations if one.action == "confirm")


def _denied(decision: Decision) -> CallDenied:
    kind = GuardUnavailable if decision.unavailable else CallDenied
    return kind(decision, paragraph(decision, time.time()))


def _new_id() -> str:
    return str(uuid.uuid4())
