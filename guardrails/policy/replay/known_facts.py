"""What decision logs know of the world: facts that were found for one call, for another call about the same things."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import Factory, define

from guardrails.evaluate import rego_input
from guardrails.policy.replay.recorded import pieces
from guardrails.record.entries import Entry, parse
from guardrails.values import Call, Caller, Facts, Live, rfc3339

# Of a cluster: what the call that was judged then had to do with it.
_OF_THE_CALL = ("targeted", "remaining")
_HERE = tuple[str, str]


@define
class _History:
    """What something was, each time that it changed: times (RFC 3339, which sort as texts) and JSON texts."""

    times: list[str] = Factory(list)
    texts: list[str] = Factory(list)

    def add(self, time: str, value: Any) -> None:
        text = json.dumps(value, sort_keys=True)
        at = bisect.bisect_right(self.times, time)
        if at and self.texts[at - 1] == text:
            return
        self.times.insert(at, time)
        self.texts.insert(at, text)

    def at(self, time: str) -> Any:
        """What it was at that time; before anything was known of it, what was known first."""
        return json.loads(self.texts[max(0, bisect.bisect_right(self.times, time) - 1)])


@define
class KnownFacts:
    """`decisions` are the ids in the logs. Memory grows with what changed, not with the length of the logs."""

    decisions: set[str] = Factory(set)
    _targets: dict[tuple[_HERE, str], _History] = Factory(dict)
    _worlds: dict[_HERE, _History] = Factory(dict)

    @classmethod
    def read(cls, logs: Iterable[Path]) -> KnownFacts:
        """Everything the logs tell; lines that are no decisions tell nothing. Raises ConfigError for a missing file."""
        known = cls()
        for piece in pieces(logs):
            for line in piece.lines:
                entry = parse(line)
                if entry is not None:
                    known._add(entry)
        return known

    def _add(self, entry: Entry) -> None:
        self.decisions.add(entry.decision_id)
        asked, time = entry.input, entry.timestamp
        if not isinstance(asked.get("targets"), dict) or "clusters" not in asked:
            return
        call = asked["call"]
        here = (str(call.get("account") or ""), str(call.get("region") or ""))
        for name, target in asked["targets"].items():
            if isinstance(target, dict) and target.get("resolved"):
                self._targets.setdefault((here, name), _History()).add(time, target)
        clusters = {
            name: {key: value for key, value in cluster.items() if key not in _OF_THE_CALL}
            for name, cluster in asked["clusters"].items()
        }
        live = {
            **asked["live"],
            "sources": [{**one, "observed_at": "", "age_s": 0} for one in asked["live"]["sources"]],
        }
        self._worlds.setdefault(here, _History()).add(time, {"clusters": clusters, "live": live})

    def document(self, call: Call, caller: Caller, when: float) -> dict[str, Any] | str:
        """The input for this call, made of what the logs know; a sentence where they know too little."""
        time, here = rfc3339(when), (call.account or "", call.region)
        if here not in self._worlds:
            return f"the logs hold no decision of account {call.account or '?'} in {call.region}"
        unknown = [ref.id for ref in call.targets if (here, ref.id) not in self._targets]
        if unknown:
            return f"the logs know nothing of {', '.join(unknown[:3])}{' …' if len(unknown) > 3 else ''}"
        nothing = Facts((), (), Live(known=False, disputed=False, clusters=()), when)
        made = rego_input.build(call, nothing, caller, when)
        world = self._worlds[here].at(time)
        for ref in call.targets:
            made["targets"][ref.id] = {**self._targets[here, ref.id].at(time), "role": ref.role}
        for source in world["live"]["sources"]:
            source["observed_at"] = time
        made["live"] = world["live"]
        made["clusters"] = world["clusters"]
        for name, cluster in world["clusters"].items():
            named = [
                one
                for one in made["targets"].values()
                if one["type"] == "instance" and one["role"] == "target" and name in one["clusters"]
            ]
            cluster["targeted"] = len(named)
            cluster["remaining"] = max(0, cluster["running"] - sum(one["state"] == "running" for one in named))
        return made
