"""The entrances of a plan as AWS shows them now: nothing that was done is trusted, it is read again."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

from guardrails.cutover.kinds import KINDS, Clients
from guardrails.cutover.plan import Plan, State
from guardrails.cutover.times import in_time


class StepFailed(Exception):
    """A step did not lead where it should; the message says why."""


@frozen
class Entrances:
    """Reads them by `clients` and writes them by `writers`. Both raise what botocore raises, and CallDenied.

    `check` is called right before a change leaves, and may raise.
    """

    plan: Plan
    clients: Clients
    writers: Clients
    check: Callable[[], None]

    def read(self, keys: Iterable[str]) -> dict[str, State]:
        """Their states by key, with as few requests as possible. Raises StepFailed for one that is gone."""
        entrances = [self.plan.entrance(key) for key in keys]
        states: dict[str, State] = {}
        for name in dict.fromkeys(entrance.kind for entrance in entrances):
            ids = [entrance.id for entrance in entrances if entrance.kind == name]
            shown = KINDS[name].read(self.clients, ids)
            states |= {f"{name} {each}": state for each, state in shown.items()}
        for entrance in entrances:
            if entrance.key not in states:
                raise StepFailed(f"AWS does not show {entrance.name} any more")
        return states

    def is_in(self, key: str, state: State) -> bool:
        """Whether an entrance is in a state."""
        return KINDS[self.plan.entrance(key).kind].same(self.read([key])[key], state)

    def open_for(self, key: str, state: State) -> State | None:
        """The present state of an entrance that is not in `state` yet; None where it is.

        Raises StepFailed where someone else has changed it: then it is left as it is.
        """
        entrance = self.plan.entrance(key)
        kind, now = KINDS[entrance.kind], self.read([key])[key]
        if kind.same(now, state):
            return None
        if not kind.ours(now, self.plan.states(key)):
            raise StepFailed(f"{entrance.name} was changed by someone else, and is left as it is: look at it yourself")
        return now

    def write(self, key: str, now: State, wanted: State) -> None:
        """Bring it from one state into another."""
        entrance = self.plan.entrance(key)
        with in_time(self.writers, self.check) as writers:
            KINDS[entrance.kind].write(writers, entrance.id, now, wanted)
