"""Facts from decision logs: what was found for one call is used for another call about the same resources."""

from __future__ import annotations

import bisect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from attrs import Factory, define

from guardrails.evaluate import rego_input
from guardrails.policy.replay.log_chunks import chunks
from guardrails.record.entries import Entry, parse
from guardrails.values import Call, Caller, Facts, Live, rfc3339

# Keys of a cluster that depend on the recorded call.
_OF_THE_CALL = ("targeted", "remaining")
# Account and region.
_Location = tuple[str, str]


@define
class _History:
    """The states of one thing over time: RFC 3339 times, which sort as strings, and the JSON of each state."""

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
        """The state at `time`; before the first known state, that one."""
        return json.loads(self.texts[max(0, bisect.bisect_right(self.times, time) - 1)])


@define
class KnownFacts:
    """`decisions` are the ids in the logs. Memory grows with the number of changes, not with the length of the logs."""

    decisions: set[str] = Factory(set)
    _targets: dict[tuple[_Location, str], _History] = Factory(dict)
    _worlds: dict[_Location, _History] = Factory(dict)

    @classmethod
    def read(cls, logs: Iterable[Path]) -> KnownFacts:
        """Read decision logs; lines that are not decisions are skipped. Raises ConfigError if a file cannot be read."""
        known = cls()
        for chunk in chunks(logs):
            for line in chunk.lines:
                entry = parse(line)
                if entry is not None:
                    known._add(entry)
        return known

    def _add(self, entry: Entry) -> None:
        self.decisions.add(entry.decision_id)
        document, time = entry.input, entry.timestamp
        if not isinstance(document.get("targets"), dict) or "clusters" not in document:
            return
        call = document["call"]
        location = (str(call.get("account") or ""), str(call.get("region") or ""))
        for name, target in document["targets"].items():
            if isinstance(target, dict) and target.get("resolved"):
                self._targets.setdefault((location, name), _History()).add(time, target)
        clusters = {
            name: {key: value for key, value in cluster.items() if key not in _OF_THE_CALL}
            for name, cluster in document["clusters"].items()
        }
        live = {
            **document["live"],
            "sources": [{**source, "observed_at": "", "age_s": 0} for source in document["live"]["sources"]],
        }
        self._worlds.setdefault(location, _History()).add(time, {"clusters": clusters, "live": live})

    def document(self, call: Call, caller: Caller, when: float) -> dict[str, Any] | str:
        """The input document for this call, from facts in the logs; a sentence if they do not have enough."""
        time, location = rfc3339(when), (call.account or "", call.region)
        if location not in self._worlds:
            return f"the logs have no decision in account {call.account or '?'} and {call.region}"
        unknown = [ref.id for ref in call.targets if (location, ref.id) not in self._targets]
        if unknown:
            return f"the logs have no facts about {', '.join(unknown[:3])}{' …' if len(unknown) > 3 else ''}"
        nothing = Facts((), (), Live(known=False, disputed=False, clusters=()), when)
        document = rego_input.build(call, nothing, caller, when)
        world = self._worlds[location].at(time)
        for ref in call.targets:
            document["targets"][ref.id] = {**self._targets[location, ref.id].at(time), "role": ref.role}
        for source in world["live"]["sources"]:
            source["observed_at"] = time
        document["live"] = world["live"]
        document["clusters"] = world["clusters"]
        for name, cluster in world["clusters"].items():
            named = [
                target
                for target in document["targets"].values()
                if target["type"] == "instance" and target["role"] == "target" and name in target["clusters"]
            ]
            cluster["targeted"] = len(named)
            cluster["remaining"] = max(0, cluster["running"] - sum(target["state"] == "running" for target in named))
        return document
