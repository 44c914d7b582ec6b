"""What a call takes of clusters whose machines go in waves, and how the live clusters are meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guardrails.config.settings import Settings
from guardrails.config.waves import mode_of
from guardrails.memory import MachineState
from guardrails.memory.waves import leaving, lowers_a_size, may_take
from guardrails.resolve import health
from guardrails.resolve.balancers import machines_of, not_serving
from guardrails.resolve.inventory import Inventory
from guardrails.values import Answer, Call, Earlier, Live, LiveSide, Lookup, Past, Target, Wave, Waves
from guardrails.waiting.clock import monotonic

_TAKING = frozenset(("terminate", "stop", "scale-in"))
# What a load balancer or group may lose.
_MEMBERS = frozenset(("instance", "elb-target"))
# Waves that are further apart than this, or than four pauses, are another run.
_APART_S = 600.0


def lookups(call: Call) -> tuple[Lookup, ...]:
    """The status checks, for a call that takes machines out of service."""
    loses = "traffic" in call.effects and any(target.type in _MEMBERS for target in call.targets)
    return (health.STATUS,) if loses or _TAKING & {*call.effects} or may_take(call) else ()


class WaveFacts:
    """Finds these facts. It remembers how many machines of each live cluster were healthy while waves have gone out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._apart_s = max(_APART_S, 4 * settings.wave_pause_s)
        # By scope and cluster: the most that were healthy, how many waves had taken then, and when it was last asked.
        self._best: dict[tuple[str, str], tuple[int, int, float]] = {}

    def find(
        self,
        call: Call,
        scope: str,
        targets: Iterable[Target],
        machines: Mapping[str, MachineState],
        answers: Mapping[str, Answer],
        inventory: Inventory,
        seen: Live,
        past: Past,
    ) -> Waves | None:
        """None where the call takes no machine of a cluster whose machines go in waves."""
        taken = {name: part.number for name, part in leaving(call, targets, machines).items() if part.number != 0}
        modes = {name: mode for name in taken if (mode := mode_of(self._settings, name)) != "off"}
        if not modes:
            return None
        return Waves(
            clusters={
                name: _wave(mode, taken[name], past.earlier.get(name, Earlier())) for name, mode in modes.items()
            },
            live={
                name: self._side(scope, name, answers, inventory, past)
                for name in seen.clusters
                # What is live may have no machines here.
                if inventory.clusters.get(name) or (scope, name) in self._best
            },
            loop=_loop(call),
            sized=lowers_a_size(call),
        )

    def _side(
        self, scope: str, cluster: str, answers: Mapping[str, Answer], inventory: Inventory, past: Past
    ) -> LiveSide:
        passing = health.passing(answers)
        if passing is None:
            return LiveSide(healthy=None, best=0)
        running = {each.id for each in inventory.clusters.get(cluster, ()) if each.state == "running"}
        unfit = {machine.id for name in not_serving(answers) for machine in machines_of(name, inventory)}
        healthy, now = len((running & passing) - unfit), monotonic()
        gone = past.earlier.get(cluster, Earlier()).gone
        best, before, at = self._best.get((scope, cluster), (0, gone, now))
        if healthy >= best or now - at > self._apart_s:
            best, before = healthy, gone
        self._best[scope, cluster] = best, before, now
        # What the waves themselves took of it since then is not what it lost.
        return LiveSide(healthy=healthy, best=max(0, best - max(0, gone - before)))


def _wave(mode: str, taken: int | None, before: Earlier) -> Wave:
    return Wave(mode=mode, taken=taken, gone=before.gone, in_wave=before.in_wave, wait_s=before.wait_s)


def _loop(call: Call) -> str:
    """``ec2.terminate_instances(InstanceIds=batch)``: the call for one part of the machines."""
    ids, part = call.per_machine, "batch"
    named = [target.id for target in call.targets if target.role == "target"]
    if not ids and [target.type for target in call.targets] == ["instance"]:
        ids, part = next((name for name, value in call.params.items() if value in named), ""), "each"
    if not ids:
        return ""
    others = "".join(f", {name}={value!r}" for name, value in call.params.items() if name != ids)
    method = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in call.operation).lstrip("_")
    once = f"{call.service}.{method}({ids}={part}{others})"
    return once if part == "batch" else f"[{once} for each in batch]"
