"""The busiest minute of the guard's own look-ups, from the decision log."""

from __future__ import annotations

from attrs import Factory, define

from guardrails.memory.rate_limits import read
from guardrails.record.entries import Entry

# What AWS allows in a minute, of each operation, once the bucket is empty. It is the smaller of the limits for reads.
ALLOWED = round(read("").rate * 60)
# Minutes that entries may still be added to: several processes write one log, not quite in order.
_OPEN = 100


@define
class Busiest:
    """The minute with the most look-ups in one account and region. A look-up of many pages counts once.

    `minute` is ``2026-11-28 14:03`` (UTC), `place` ``ACCOUNT/REGION``; both are "" without any look-up.
    """

    most: int = 0
    minute: str = ""
    place: str = ""
    _counts: dict[tuple[str, str], int] = Factory(dict)
    _accounts: dict[str, str] = Factory(dict)

    def add(self, entry: Entry, lookups: int) -> None:
        """Count the look-ups of one decision. Where they failed, its account is unknown: it is the last one's."""
        account = str(entry.call.get("account") or self._accounts.get(entry.region, "?"))
        self._accounts[entry.region] = account
        key = entry.when[:16], f"{account}/{entry.region or '?'}"
        count = self._counts[key] = self._counts.get(key, 0) + lookups
        if count > self.most:
            self.most, (self.minute, self.place) = count, key
        while len(self._counts) > _OPEN:
            del self._counts[next(iter(self._counts))]

    @property
    def sentence(self) -> str:
        """How many, where and when, beside what AWS allows."""
        return (
            f"at most {self.most:,} in a minute ({self.minute} UTC, {self.place}); AWS allows {ALLOWED} a minute of "
            "each EC2 operation that reads without a filter, for all programs of the account together"
        )


def lookups(entry: Entry) -> int:
    """How many look-ups the decision made; what was answered from memory does not count."""
    made = entry.custom.get("lookups")
    return made if isinstance(made, int) else 0
