"""A plan: what a script would do, call by call, and what remains of each cluster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field

from guardrails.planning.entry import NOT_PERMITTED, STATUSES, Entry, Left
from guardrails.planning.journal import Journal
from guardrails.values import frozen

# Exit codes of `guardrails run --plan`.
FINE, GUESS, BLOCKED = 0, 4, 3


@frozen
class Plan:
    """The calls of a script that would change something, in order. Nothing of it was sent.

    `guess` says why what follows is a guess, "" where it is none. `revision` is that of the policies, `mode` that of
    the guard. `made_at` is in seconds since the epoch.
    """

    entries: tuple[Entry, ...]
    revision: str
    guess: str = ""
    made_at: float = field(factory=time.time)
    mode: str = "enforce"

    @property
    def account(self) -> str | None:
        """The account of the calls; None where none says it, or where there are several."""
        accounts = {each.account for each in self.entries if each.account}
        return accounts.pop() if len(accounts) == 1 else None

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions of the calls."""
        return tuple(sorted({each.region for each in self.entries if each.region}))

    @property
    def status(self) -> str:
        """The worst status of a call."""
        return max((each.status for each in self.entries), key=STATUSES.index, default="allowed")

    @property
    def guesses(self) -> tuple[Entry, ...]:
        """The calls that are a guess."""
        return tuple(each for each in self.entries if each.guess)

    @property
    def exit_code(self) -> int:
        """0: each call may be sent, or after a confirmation; 3: one is denied or not permitted; 4: partly a guess."""
        refused = any(each.aws_says.startswith(NOT_PERMITTED) or each.unsent for each in self.entries)
        blocked = self.mode == "enforce" and any(each.status in ("denied", "needs approval") for each in self.entries)
        if refused or blocked:
            return BLOCKED
        return GUESS if self.guess or self.guesses else FINE

    def counts(self) -> Mapping[str, int]:
        """How many calls have each status."""
        found = Counter(each.status for each in self.entries)
        return {status: found[status] for status in STATUSES if found[status]}

    def by_cluster(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """For each cluster, and "" for none, what is created, changed and destroyed."""
        made: dict[str, dict[str, dict[str, None]]] = {}
        for each in self.entries:
            if each.dry_run:
                continue
            names = {**each.things, **({} if each.things else dict.fromkeys([each.name], ""))}
            for cluster in each.clusters or ("",):
                made.setdefault(cluster, {}).setdefault(each.verb, {}).update(dict.fromkeys(names))
        return {
            cluster: {verb: tuple(names) for verb, names in verbs.items()} for cluster, verbs in sorted(made.items())
        }

    def left(self) -> Mapping[str, Left]:
        """What remains of each cluster that is touched, after the last call."""
        made: dict[str, Left] = {}
        for each in self.entries:
            for one in each.left:
                first = made[one.cluster].before if one.cluster in made else one.before
                made[one.cluster] = Left(one.cluster, one.live, first, one.after)
        return made

    def document(self) -> dict[str, Any]:
        """As JSON-safe values."""
        return {
            "schema": 1,
            "made_at": self.made_at,
            "revision": self.revision,
            "mode": self.mode,
            "account": self.account,
            "regions": list(self.regions),
            "guess": self.guess,
            "calls": [each.document() for each in self.entries],
        }


def of_journal(folder: Path, revision: str, mode: str) -> Plan:
    """The plan of a folder so far."""
    journal = Journal(folder)
    with journal.turn():
        entries = tuple(journal.entries)
    guess = folder / "guess"
    return Plan(entries, revision, guess.read_text(encoding="utf-8") if guess.exists() else "", mode=mode)
