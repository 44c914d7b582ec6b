"""Calls that must be denied, sent through the whole guard short of the network, at every install().

`evaluate/self_test.py` asks the policies only. These calls take the way of a script's: a real botocore client, its
events, the gates, the reading of what was serialized, the catalogue, the resolvers, the policies, the decision, the
exception. They name a machine of a live cluster in a small world of their own, whose look-ups are answered here. The
mode is ``enforce`` whatever is configured, and the client has no way out of the process. (Facebook, 2021-10-04: a bug
in the audit tool let a command through.)
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import botocore.session
from attrs import evolve
from botocore.exceptions import BotoCoreError, HTTPClientError

from guardrails import caller
from guardrails.caller.kinds import CallerSettings
from guardrails.config.settings import LiveSettings, Settings
from guardrails.enforce.confirm import Confirmation
from guardrails.errors import CallDenied, ConfigError, GuardBroken
from guardrails.pipeline import Pipeline
from guardrails.resolve.finder import FactFinder
from guardrails.self_test import small_client
from guardrails.self_test.calls import MUST_BE_DENIED
from guardrails.self_test.small_client import WouldBeSent
from guardrails.self_test.world import World
from guardrails.values import Call, Caller, Decision, Origin, Outcome

_ORDER = "start mocks and tracers after guardrails.install()"


class SelfTest:
    """One run, for a guard with these settings. It is the test pipeline's log and surroundings, too."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._decisions: list[Decision] = []

    def pipeline(self, usual: Pipeline) -> Pipeline:
        """What decides on the test's calls: as the usual one, in their own small world."""
        settings = evolve(self._settings, mode="enforce")
        finder = FactFinder(evolve(settings, live=LiveSettings()), World(settings.cluster_keys[0]), None)
        return evolve(usual, settings=settings, finder=finder, log=self, turns=None, around=self, desk=None)

    def run(self, session: botocore.session.Session) -> dict[str, Decision]:
        """Make every call. Returns the decisions by what was tried. `session` lends its loader.

        Raises GuardBroken where a call was not judged, could not be decided on, or would have been sent although the
        configuration's `enforcement` weakens no rule that it violates; ConfigError where botocore cannot make a client.
        """
        try:
            made = small_client.make(session)
        except BotoCoreError as error:
            raise ConfigError(f"botocore cannot make a client here: {error}; fix AWS's own configuration") from error
        with _no_tracebacks():
            return {name: self._decision(name, attempt, made) for name, attempt in MUST_BE_DENIED.items()}

    def _decision(self, name: str, attempt: Callable[[Any], object], client: Any) -> Decision:
        call = f"{name} on a machine of the live cluster"
        self._decisions.clear()
        try:
            attempt(client)
        except CallDenied as error:
            decision = error.decision
        except (WouldBeSent, HTTPClientError, BytesWarning):
            # The last: with Python's -bb, botocore itself makes no presigned URL.
            if not self._decisions:
                raise GuardBroken(f"the guard is broken: {call} got past it and would have been sent") from None
            decision = self._decisions[-1]
            if not self._weakened(decision):
                raise GuardBroken(
                    f"the guard is broken: {call} would have been sent, and no rule in `enforcement` explains it; fix "
                    "the policies, or take them out of `policies`"
                ) from None
        except Exception as error:
            raise GuardBroken(
                f"the guard is broken: {call} ended in {type(error).__name__}: {error}; {_ORDER}"
            ) from error
        else:
            raise GuardBroken(
                f"the guard is broken: {call} got past the guard, and something else answered for AWS; {_ORDER}"
            )
        if decision.unavailable:
            raise GuardBroken(f"the guard is broken: it cannot decide on {call}: {decision.unavailable}")
        return decision

    def _weakened(self, decision: Decision) -> bool:
        """True where the configuration gives a violated rule the very action that let the call pass."""
        enforcement = self._settings.enforcement
        return decision.allowed and any(enforcement.get(one.rule) == one.action for one in decision.violations)

    # -- the log and the surroundings of the pipeline ---------------------------------------------------------------

    def write(self, decision: Decision, _outcome: Outcome, _mode: str) -> None:
        """Keeps the decision for this run only."""
        self._decisions.append(decision)

    def not_sent(self, _decision_id: str, _why: str) -> None:
        """Nothing is sent."""

    def home(self, _call: Call, origin: Origin) -> Origin:
        """The small world is in every region."""
        return origin

    def caller(self, credentials: Any) -> Caller:
        """As for a script: the test confirms nothing, and is never denied too often."""
        return caller.describe(credentials, CallerSettings(kind="script", agent_marks=()))

    def break_glass(self, _now: float) -> Mapping[str, Any] | None:
        """Nothing is set aside."""
        return None

    def ask(self, _decision: Decision, _timeout_s: float) -> Confirmation:
        """Never confirms."""
        return Confirmation(given=False, why="the self-test asks nobody")

    def changed(self, _call: Call | None) -> None:
        """Nothing is remembered."""

    def look_again(self, _home: Origin, _since: float) -> bool:
        """The small world is always the same."""
        return False

    def denied(self, _decision: Decision) -> None:
        """Every call is denied, and none is reported."""

    def warn(self, sentence: str) -> None:
        """Nothing is reported."""


@contextmanager
def _no_tracebacks() -> Iterator[None]:
    """Botocore logs each request that cannot leave with a traceback, which a program at DEBUG would print."""
    logger, thread = logging.getLogger("botocore.endpoint"), threading.get_ident()

    def drop(record: logging.LogRecord) -> bool:
        return record.exc_info is None or record.thread != thread

    logger.addFilter(drop)
    try:
        yield
    finally:
        logger.removeFilter(drop)
