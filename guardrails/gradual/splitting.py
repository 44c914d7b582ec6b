"""One call, sent in waves by the guard: the same operation for some machines at a time, each decided on afresh."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from attrs import evolve, frozen

from guardrails.classify.catalogue import Catalogue
from guardrails.classify.entry import PerMachine
from guardrails.config.settings import Settings
from guardrails.errors import CallDenied, CallStopped
from guardrails.gradual.attempts import Wave
from guardrails.gradual.configured import configured_checks
from guardrails.gradual.waves import Plan
from guardrails.health import Check, ask
from guardrails.values import Decision, Violation

_RULE = "waves/size"
_GO_ON = "Find out what is wrong, then make the call again for the machines that are left."
_LOOK = (
    "Find out what is wrong, and look which of the machines that may have gone are still there; then make the call "
    "again for those, and for the machines that are left."
)
Params = Mapping[str, Any]
Send = Callable[[Params], Any]


class Deciding(Protocol):
    """What the guard lends to a call that goes in waves."""

    def what_if(self, client: Any, operation: str, params: Params, /) -> Decision | None:
        """What would be decided on this call, None for an ungoverned one; nothing is sent or logged.

        Raises what botocore raises for parameters.
        """
        ...

    def stopped(self, decision: Decision, /) -> CallDenied:
        """Write a call that was stopped into the decision log, and return it as a denial."""
        ...

    def warn(self, sentence: str, /) -> None:
        """Write the sentence into the program's log."""
        ...


class Waiting(Protocol):
    """Sleeps, and shows why."""

    def __call__(self, seconds: float, what: str, /) -> None:
        """Sleep. Ctrl-C ends it with KeyboardInterrupt."""
        ...


class Splitter:
    """Finds the calls that go in waves."""

    def __init__(self, settings: Settings, catalogue: Catalogue, guard: Deciding, wait: Waiting) -> None:
        self._settings = settings
        self._checks = configured_checks(settings)
        self._catalogue = catalogue
        self._guard = guard
        self._wait = wait

    def split(self, client: Any, operation: str, params: Params) -> SplitCall | None:
        """The call in waves; None where it may go at once, or is denied for anything else."""
        per_machine = self._per_machine(client, operation)
        machines = params.get(per_machine.ids) if per_machine is not None else None
        if per_machine is None or not isinstance(machines, (list, tuple)) or not machines:
            return None
        try:
            decision = self._guard.what_if(client, operation, params)
        except Exception:
            # The call itself then fails with the same error.
            return None
        if decision is None or not self._only_too_many(decision):
            return None
        plan = Plan(self._settings.wave_sizes, self._settings.wave_pause_s)
        return SplitCall(decision, client, params, per_machine, plan, self._checks, self._guard, self._wait)

    def rehearsing(self) -> Splitter:
        """The same without pauses and health checks."""
        rehearsal = Splitter(self._settings, self._catalogue, self._guard, lambda _seconds, _what: None)
        rehearsal._checks = None
        return rehearsal

    def _per_machine(self, client: Any, operation: str) -> PerMachine | None:
        model = client.meta.service_model
        service = self._catalogue.service_of(model.signing_name, model.api_version)
        entry = self._catalogue.lookup(service, operation)
        return entry.per_machine if entry is not None else None

    def _only_too_many(self, decision: Decision) -> bool:
        found = decision.facts.waves if decision.facts is not None else None
        denied = {violation.rule for violation in decision.violations if violation.action == "deny"}
        if found is None or decision.action != "deny" or decision.unavailable or denied != {_RULE}:
            return False
        return all(wave["mode"] == "split" and wave["taken"] is not None for wave in found["clusters"].values())


@frozen(eq=False)
class SplitCall:
    """A call whose machines go in waves. `decision` is the one on the whole call."""

    decision: Decision
    client: Any
    params: Params
    per_machine: PerMachine
    plan: Plan
    checks: Check | None
    guard: Deciding
    wait: Waiting

    def send(self, send: Send) -> Any:
        """Send all waves, and return one response for the whole call.

        AWS's own error about the first wave is raised unchanged. Raises CallStopped where a later one fails, is denied,
        or health is not proved before it; KeyboardInterrupt, with what went already, for Ctrl-C.
        """
        machines, answers = list(self.params[self.per_machine.ids]), list[Any]()
        gone: list[Any] = []
        batches = list(self.plan.parts(machines))
        sizes = ", ".join(str(len(batch)) for batch in batches)
        self.guard.warn(f"{self._name} of {len(machines)} machines goes out in waves of {sizes}")
        for number, batch in enumerate(batches, 1):
            wave: Wave | None = None
            try:
                self._before(number, len(batches), len(gone), len(machines))
                wave = Wave(self.client, self._name, len(batch))
                answers.append(wave.send(send, {**self.params, self.per_machine.ids: batch}))
            except BaseException as error:
                if not gone and not isinstance(error, (_Unhealthy, KeyboardInterrupt)):
                    raise
                unknown = batch if wave is not None and wave.unclear(error) else []
                found = _Machines(gone, unknown, machines[len(gone) + len(unknown) :])
                raise self._stopped(error, found) from (
                    None if isinstance(error, (_Unhealthy, KeyboardInterrupt)) else error
                )
            gone += batch
        return self._whole(answers)

    def _before(self, number: int, waves: int, gone: int, machines: int) -> None:
        seconds = self.plan.pause_s if number > 1 else self._under_way()
        if seconds:
            self.wait(seconds, f"then wave {number} of {waves} of {self._name} ({gone} of {machines} machines went)")
        health = ask(self.checks) if self.checks is not None else None
        if health is not None and not health:
            raise _Unhealthy(health.why)

    def _under_way(self) -> float:
        """How long the wave of an earlier call still lasts."""
        found = self.decision.facts.waves if self.decision.facts is not None else None
        return max((wave["wait_s"] for wave in found["clusters"].values()), default=0.0) if found is not None else 0.0

    def _stopped(self, error: BaseException, machines: _Machines) -> BaseException:
        """What to raise instead, once the log has what went already."""
        why, went = _why(error), machines.sentence()
        found = machines.gone, machines.left, machines.unknown
        if isinstance(error, CallDenied):
            # The wave's own denial is in the log, with its rules.
            self.guard.warn(f"{self._name} was stopped between waves: {went}")
            return CallStopped(error.decision, f"{error.paragraph} Stopped between waves: {went}.", *found)
        message = f"{self._name} was stopped between waves: {why}. {went[0].upper()}{went[1:]}."
        go_on = _LOOK if machines.unknown else _GO_ON
        stop = Violation("waves/stopped", self._name, message, go_on, "deny")
        denial = self.guard.stopped(evolve(self.decision, violations=(stop,), approval=None))
        if isinstance(error, KeyboardInterrupt):
            return KeyboardInterrupt(message)
        return CallStopped(denial.decision, denial.paragraph, *found)

    def _whole(self, answers: list[Any]) -> Any:
        """One response of the same shape: what it lists about the machines of all waves, the rest as in the last."""
        whole, listed = answers[-1], self.per_machine.answer
        if not listed or not isinstance(whole, dict):
            return whole
        return {**whole, listed: [item for answer in answers for item in answer.get(listed) or ()]}

    @property
    def _name(self) -> str:
        return self.decision.call.operation


@frozen
class _Machines:
    """What became of the machines of a call that was stopped."""

    gone: list[Any]
    unknown: list[Any]
    left: list[Any]

    def sentence(self) -> str:
        """``1 machine (i-1) went already, 2 machines (i-2, i-3) may have gone, 0 machines did not``."""
        unknown = f"{_listed(self.unknown)} may have gone, " if self.unknown else ""
        return f"{_listed(self.gone)} went already, {unknown}{_listed(self.left)} did not"


class _Unhealthy(Exception):
    """Health was not proved before a wave."""


def _why(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted (Ctrl-C)"
    if isinstance(error, _Unhealthy):
        return str(error)
    return f"a wave failed with {type(error).__name__}: {error}".rstrip(".")


def _listed(machines: list[Any]) -> str:
    """``2 machines (i-1, i-2)``, with every id: these are what a person has to go on with."""
    names = [str(next(iter(each.values()), each)) if isinstance(each, dict) else str(each) for each in machines]
    return f"{len(names)} machine{'s' * (len(names) != 1)}" + (f" ({', '.join(names)})" if names else "")
