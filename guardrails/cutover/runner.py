"""Goes through a plan step by step, with a gate after each, and goes back when anything is wrong.

What was done is never trusted: before every change the entrance is read again from AWS, and after it, too. So each
change can be repeated, by another host as well, and an answer that was lost does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from guardrails.cutover.entrances import Entrances, StepFailed
from guardrails.cutover.hold import LEASE_S, Hold, HoldLost
from guardrails.cutover.kinds import KINDS, Clients
from guardrails.cutover.plan import RETURNED, RETURNING, STUCK, SWITCHED, Move, Plan, Record, State
from guardrails.cutover.times import Times, TooLate
from guardrails.errors import CallDenied
from guardrails.memory.store import StateUnavailable

# How often AWS is asked again whether it did what it was asked to.
_TRIES = 5
_MEMORY_TRIES = 3
_PAUSE_S = 2.0
_INTERVAL_S = 10.0
# How long after the hold was renewed a change may leave: AWS has it, or it has failed, before the hold is over.
SEND_WITHIN_S = LEASE_S - 15


class Watch(Protocol):
    """Says why users must not go on to the new side; "" where nothing is wrong."""

    def problem(self) -> str:
        """Never raises."""
        ...


class WentBack(Exception):
    """The cutover did not go on. The record says whether everything is as before; `str()` says why it went back."""


class Runner:
    """Works on a cutover that this process holds. `say` gets a sentence for each thing that happens.

    `writers` change something, by default the `clients`; each such change must be over before the hold is.
    """

    def __init__(
        self,
        hold: Hold,
        clients: Clients,
        gate: Watch,
        say: Callable[[str], None],
        times: Times | None = None,
        writers: Clients | None = None,
    ) -> None:
        self._hold, self._gate, self._say = hold, gate, say
        self._times = times or Times()
        self._entrances = Entrances(hold.record.plan, clients, writers or clients, self._in_time)
        self._renewed = self._alone_until = self._times.clock()

    @property
    def record(self) -> Record:
        """How far it is."""
        return self._hold.record

    @property
    def _plan(self) -> Plan:
        return self._hold.record.plan

    def forward(self) -> None:
        """Go on from the step that was begun last to the end. Raises WentBack, HoldLost, and what interrupted it."""
        try:
            for number in range(max(self.record.begun, 1), len(self._plan.steps) + 1):
                self._step(number)
            self._hold.release(phase=SWITCHED, note="every step is done")
        except HoldLost:
            raise
        except (Exception, KeyboardInterrupt) as error:
            why = "it was interrupted" if isinstance(error, KeyboardInterrupt) else _reason(error)
            self.back(why)
            raise WentBack(why) from error
        self._say(f"every step is done: {self._plan.to} has all users. `guardrails cutover finish` or `abort` ends it")

    def back(self, why: str) -> None:
        """Bring every entrance back into the state that it had before. Raises HoldLost; the record has the outcome.

        Goes on without the shared memory where that does not answer. A request of this process, or of the one before
        it, may still arrive, so what is there is looked at once more.
        """
        self._say(f"going back, because {why}")
        self._note(phase=RETURNING, note=why)
        self._return_all()
        self._times.sleep(_PAUSE_S)
        problems = self._return_all()
        phase, note = (STUCK, "; ".join(problems)) if problems else (RETURNED, why)
        try:
            self._hold.release(phase=phase, note=note)
        except StateUnavailable as error:
            self._say(f"the outcome could not be written: {error}")
        self._say(f"not everything is as before: {note}" if problems else "everything is as before")

    def finish(self) -> None:
        """Move what names the live cluster, once everything else is seen to be where it should. Raises StepFailed."""
        self._bring(self._plan.wanted(len(self._plan.steps)), change=False)
        for move in self._plan.roles:
            self._say(move.what)
            self._reach(move.key, move.state)

    # -- forward -------------------------------------------------------------------------------------------------

    def _step(self, number: int) -> None:
        step = self._plan.steps[number - 1]
        # Noted first: who takes over knows what may have been changed.
        self._keep(begun=number)
        self._say(f"step {number} of {len(self._plan.steps)}: {self._plan.share(number)} to {self._plan.to}")
        wanted = self._plan.wanted(number)
        self._bring({key: wanted[key] for key in wanted if key not in {move.key for move in step.moves}})
        for move in step.moves:
            self._move(move)
        self._pass()
        self._bake(max(step.wait_s, self._plan.bake_s))
        # What someone else changed meanwhile is noticed before more users follow.
        self._bring(wanted, change=False)

    def _move(self, move: Move) -> None:
        self._say(f"  {move.what}")
        self._reach(move.key, move.state)

    def _bring(self, wanted: Mapping[str, State], *, change: bool = True) -> None:
        for key, now in self._entrances.read(wanted).items():
            entrance = self._plan.entrance(key)
            if not KINDS[entrance.kind].same(now, wanted[key]):
                if not change:
                    raise StepFailed(f"{entrance.name} is not where this cutover left it; someone else changed it")
                self._reach(key, wanted[key])

    def _reach(self, key: str, wanted: State) -> None:
        """Bring an entrance into a state. Raises StepFailed, CallDenied, HoldLost and StateUnavailable."""
        failed = "AWS does not show the change"
        for attempt in range(_TRIES):
            # The first look after a change comes at once.
            self._times.sleep(_PAUSE_S if attempt > 1 else 0)
            try:
                now = self._entrances.open_for(key, wanted)
                if now is None:
                    return
                # Always: what is sent now must be over before another host may take over.
                self._keep()
                self._entrances.write(key, now, wanted)
            except (CallDenied, StepFailed, HoldLost, StateUnavailable):
                raise
            except Exception as error:
                failed = _reason(error)
        if not self._entrances.is_in(key, wanted):
            raise StepFailed(f"{self._plan.entrance(key).name} could not be changed: {failed}")

    def _pass(self) -> None:
        """Wait until the gate opens. Raises StepFailed."""
        since = self._times.clock()
        while problem := self._gate.problem():
            if self._times.clock() - since >= self._plan.patience_s:
                raise StepFailed(problem)
            self._say(f"  waiting: {problem}")
            self._wait(_INTERVAL_S)

    def _bake(self, seconds: float) -> None:
        """Let users use it, and look at its health all the while."""
        until = self._times.clock() + seconds
        while (left := until - self._times.clock()) > 0:
            self._wait(min(_INTERVAL_S, left))
            self._pass()

    def _wait(self, seconds: float) -> None:
        self._renew()
        self._times.sleep(seconds)

    # -- back ----------------------------------------------------------------------------------------------------

    def _return_all(self) -> list[str]:
        """The last that was moved first; why some could not be."""
        return [problem for key in reversed(self._plan.moved_first()) if (problem := self._return(key))]

    def _return(self, key: str) -> str:
        """Bring an entrance back; why it could not be, "" where it is as before. Raises HoldLost."""
        entrance, failed = self._plan.entrance(key), "AWS does not show the change"
        for attempt in range(_TRIES + 1):
            # The first look after a change comes at once.
            self._times.sleep(_PAUSE_S if attempt > 1 else 0)
            try:
                now = self._entrances.open_for(key, entrance.before)
                if now is None:
                    return ""
                if attempt < _TRIES:
                    self._note()
                    self._say(f"  {entrance.name} goes back")
                    self._entrances.write(key, now, entrance.before)
            except HoldLost:
                raise
            except StepFailed as error:
                return str(error)
            except CallDenied as error:
                # Asking again changes nothing, and what is denied is counted.
                return f"{entrance.name} could not be brought back: {_reason(error)}"
            except Exception as error:
                failed = _reason(error)
        return f"{entrance.name} could not be brought back: {failed}"

    # -- both ----------------------------------------------------------------------------------------------------

    def _renew(self) -> None:
        """Stay the owner: never act on a hold that may be over."""
        if self._times.clock() - self._renewed > LEASE_S / 4:
            self._keep()

    def _keep(self, **changes: object) -> None:
        for left in reversed(range(_MEMORY_TRIES)):
            asked = self._times.clock()
            try:
                self._hold.keep(**changes)
                break
            except StateUnavailable:
                if not left:
                    raise
                self._times.sleep(_PAUSE_S)
        self._renewed = asked

    def _note(self, **changes: object) -> None:
        """The same on the way back, which needs no memory."""
        try:
            if self._times.clock() >= self._alone_until:
                self._keep(**changes)
        except StateUnavailable as error:
            self._renewed = self._times.clock()
            self._alone_until = self._renewed + LEASE_S / 4
            self._say(f"going back without the shared memory: {error}")

    def _in_time(self) -> None:
        """Raises TooLate, after which the memory is asked whether this process still has the cutover."""
        if self._times.clock() - self._renewed > SEND_WITHIN_S:
            raise TooLate("this process stood still; the change was not sent")


def _reason(error: BaseException) -> str:
    if not isinstance(error, CallDenied):
        return str(error) or type(error).__name__
    reasons = [f"{each.rule}: {each.message}" for each in error.decision.violations]
    ways = dict.fromkeys(each.remediation for each in error.decision.violations)
    return " ".join(("the guard blocks that.", *reasons, *ways)) if reasons else error.paragraph
