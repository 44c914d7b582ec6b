"""The run itself: the calls of a plan through the guard, in waves, and on from where an earlier attempt stopped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field
from botocore.exceptions import ClientError

from guardrails.gradual.ramp import RampStopped, ramp
from guardrails.rebuild import boot, steps
from guardrails.rebuild.afterwards import after
from guardrails.rebuild.forecast import INTERVAL_S, Forecast, Pace, call_of, forecast
from guardrails.rebuild.look import Watched, growth, in_service
from guardrails.rebuild.progress import DONE, REFUSED, SENT, Progress
from guardrails.rebuild.reading import CannotRead
from guardrails.rebuild.send import Stopped, Surroundings, send
from guardrails.rebuild.steps import Step

_PATIENCE_S = 1800.0
_NEW_TO_AWS_S = (1.0, 2.0, 4.0, 8.0, 15.0)


@define
class Run:
    """One attempt at the calls that are left in `progress`."""

    progress: Progress
    around: Surroundings
    notes: list[str] = field(factory=list)
    _watched: Watched = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._watched = Watched(self.around.reader)

    def go(self) -> None:
        """Start what is not started, wave after wave; then put it behind its target groups. Raises Stopped."""
        progress, around = self.progress, self.around
        progress.write()
        waves = ramp(
            [wave for wave in progress.waves if any(progress.state(step) != DONE for step in wave)],
            healthy=self._next_may_follow,
            factor=1,
            interval_s=INTERVAL_S,
            patience_s=_PATIENCE_S,
            clock=around.clock,
            sleep=around.sleep,
        )
        try:
            for wave in waves:
                self._check_dead()
                self._tell("")
                self._wave(wave)
        except RampStopped as error:
            raise Stopped(f"the last wave was not up for {error.seconds / 60:.0f} min ({error.why})") from error
        self._until_ready()
        self.notes += after(progress, around)
        progress.finished = True
        progress.write()

    # -- starting --------------------------------------------------------------------------------------------------

    def _wave(self, wave: Iterable[Step]) -> None:
        refused = [sentence for step in wave if (sentence := self._start(step))]
        if refused:
            raise Stopped("; ".join(refused))

    def _start(self, step: Step) -> str:
        """Start the machines of a step, unless they are; returns why AWS refused, or ""."""
        if self.progress.state(step) == DONE:
            return ""
        launch, before = step.operation == "RunInstances", self.progress.state(step)
        if before and launch and self._adopted(step):
            return ""
        if before == SENT:
            self.progress.note(step, SENT, unsure=True)
        if not launch and self._growth(step)[0]:
            self.progress.note(step, DONE, at=self.around.clock())
            return ""
        try:
            answer = send(step, self.around, lambda: self._sent(step))
        except ClientError as error:
            self.progress.note(step, REFUSED)
            code, message = error.response["Error"].get("Code"), error.response["Error"].get("Message")
            return (
                f"AWS refused {step.count} machines of {step.params.get('InstanceType', step.key)}: {code}: {message}"
            )
        if launch:
            self._started(step, [each["InstanceId"] for each in answer["Instances"]])
        else:
            self.progress.note(step, DONE, at=self.around.clock())
        return ""

    def _started(self, step: Step, ids: list[str]) -> None:
        # In an order that another attempt finds again.
        new = dict(zip(step.machines, sorted(ids), strict=False))
        for each in steps.tags_of(step, new):
            self._tagged(each)
        self.progress.note(step, DONE, machines=new, at=self.around.clock())

    def _tagged(self, step: Step) -> None:
        """Tag new machines, which AWS does not find everywhere at once. Raises Stopped."""
        for wait in (*_NEW_TO_AWS_S, None):
            try:
                send(step, self.around)
            except ClientError as error:
                if wait is None or not error.response["Error"].get("Code", "").endswith(".NotFound"):
                    raise Stopped(f"{', '.join(step.params['Resources'])} could not be tagged: {error}") from error
                self.around.sleep(wait)
            else:
                return

    def _adopted(self, step: Step) -> bool:
        """Whether AWS started the machines of an earlier attempt, whose answer was lost."""
        filters = [{"Name": "client-token", "Values": self.progress.tokens(step)}]
        try:
            reservations = self.around.reader.all("ec2", "describe_instances", "Reservations", Filters=filters)
        except CannotRead as error:
            raise Stopped(f"whether the last call started machines is not known: {error}") from error
        ids = [machine["InstanceId"] for each in reservations for machine in each.get("Instances") or ()]
        if ids:
            self._started(step, ids)
        return bool(ids)

    def _sent(self, step: Step) -> Mapping[str, Any]:
        params = self._params(step) if step.operation == "RunInstances" else self._growth(step)[1]
        self.progress.note(step, SENT)
        return params

    def _growth(self, step: Step) -> tuple[bool, Mapping[str, Any]]:
        """Whether a group has its size by now, and the call that gives it at least that. Raises Stopped."""
        try:
            return growth(self.around.reader, step.params)
        except CannotRead as error:
            raise Stopped(f"the size of {step.params['AutoScalingGroupName']} is not known: {error}") from error

    def _params(self, step: Step) -> Mapping[str, Any]:
        params = {**step.params, "ClientToken": self.progress.token(step)}
        if params.get("UserData"):
            # As AWS shows it; botocore encodes it again.
            params["UserData"] = base64.b64decode(params["UserData"])
        if reserved := self.progress.reservations.get(step.key):
            params["CapacityReservationSpecification"] = {
                "CapacityReservationTarget": {"CapacityReservationId": reserved}
            }
        return params

    # -- watching --------------------------------------------------------------------------------------------------

    def _next_may_follow(self) -> object:
        new = list(self.progress.new.values())
        self._watched.look(new, self.around.clock())
        if self._watched.dead:
            return True  # the loop stops at once, and not after its patience
        if not all(name in self._watched.running for name in new):
            return False
        return in_service(self.around.reader, self._sizes()) and self._well()

    def _well(self) -> object:
        """Whether the health checks are true; the answer may say why not."""
        return self.around.healthy is None or self.around.healthy()

    def _sizes(self) -> dict[str, int]:
        """The size that each group was given last."""
        done = [step for wave in self.progress.waves for step in wave if self.progress.state(step) == DONE]
        return {
            step.params["AutoScalingGroupName"]: step.params["DesiredCapacity"]
            for step in done
            if step.operation == "UpdateAutoScalingGroup"
        }

    def _check_dead(self) -> None:
        if dead := self._watched.dead:
            some = ", ".join(f"{name} is {state}" for name, state in sorted(dead.items())[:3])
            raise Stopped(
                f"{len(dead)} of the new machines did not stay up ({some}); see the StateReason of DescribeInstances"
            )

    def _until_ready(self) -> None:
        clock, new, why = self.around.clock, list(self.progress.new.values()), ""
        deadline = clock() + _PATIENCE_S
        while True:
            try:
                self._watched.look(new, clock())
                self._check_dead()
                ready = len(self._watched.ready) >= len(new) and in_service(self.around.reader, self._sizes())
                if ready and (well := self._well()):
                    break
                why = str(getattr(well, "why", "")) if ready else ""
            except CannotRead as error:
                self.around.tell(str(error))
            if clock() > deadline:
                left = why or f"{len(new) - len(self._watched.ready)} machines have not passed their status checks"
                raise Stopped(f"{left} for {_PATIENCE_S / 60:.0f} min")
            self._tell(f"waiting for {why or 'status checks'}")
            self.around.sleep(INTERVAL_S)
        self._remember()

    def _remember(self) -> None:
        """Keep how long the machines took, for later plans."""
        types = {machine.id: machine.type for machine in self.progress.machines}
        for entry in self.progress.entries.values():
            for old, new in entry.get("machines", {}).items():
                running, ready = self._watched.running.get(new), self._watched.ready.get(new)
                # A machine that was up when this attempt looked first says nothing about its boot.
                if running and ready and running > self.progress.started_at and not entry.get("remembered"):
                    at = entry["at"]
                    boot.remember(self.around.history, types.get(old, ""), at, running - at, ready - at)
            entry["remembered"] = True

    # -- telling ---------------------------------------------------------------------------------------------------

    def left(self) -> Forecast:
        """What is left, by the tokens that are there now and the boot times that this run has seen."""
        progress, turns = self.progress, self.around.turns
        waves = progress.left
        known = turns.levels([call_of(step) for wave in waves for step in wave])
        starts = {new: entry["at"] for entry in progress.entries.values() for new in entry.get("machines", {}).values()}
        seen = [at - starts[name] for name, at in self._watched.running.items() if name in starts]
        running = max(seen) if seen else progress.running_s
        return forecast(waves, (), Pace(progress.share, known), running, max(progress.ready_s, running))

    def _tell(self, why: str) -> None:
        progress = self.progress
        total = sum(step.count for wave in progress.waves for step in wave)
        text = f"{len(progress.new)} of {total} machines started, {len(self._watched.running)} running"
        rest = boot.minutes(self.left().seconds) if progress.left else boot.minutes(progress.ready_s)
        self.around.tell(f"{text}; about {rest} left{f' ({why})' if why else ''}")
