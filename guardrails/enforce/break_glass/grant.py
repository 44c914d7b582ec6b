"""Break glass: named rules set aside by someone, for a reason and for some minutes, in the open.

The rules still report, as warnings, and every decision made meanwhile says so in the decision log. Nothing else
changes: failed look-ups still block, and calls still wait for their turn (Salesforce, 2021-05: the emergency path
skipped what would have stopped the accident).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from guardrails.config.suggest import suggestion
from guardrails.errors import BreakGlassRefused
from guardrails.values import frozen, rfc3339
from guardrails.waiting.command import feed
from guardrails.waiting.program_log import ProgramLog

ENVIRONMENT = "GUARDRAILS_BREAK_GLASS"
_EXAMPLE = "reason=INC-42 disk full; rules=live-cluster/stop,opaque/command; until=2026-11-24T15:40:00Z"
_COMMAND_TIMEOUT_S = 5.0
_logger = ProgramLog()


@frozen
class BreakGlass:
    """What is set aside: `rules` by id, from `opened_at` until `until` (seconds since the epoch).

    `source` is ``code`` or the name of the environment variable, or both.
    """

    reason: str
    rules: tuple[str, ...]
    opened_at: float
    until: float
    source: str

    def with_other(self, other: BreakGlass) -> BreakGlass:
        """Both together: what either sets aside, until the first of them ends."""
        return BreakGlass(
            f"{self.reason}; {other.reason}",
            tuple(dict.fromkeys((*self.rules, *other.rules))),
            min(self.opened_at, other.opened_at),
            min(self.until, other.until),
            f"{self.source}, {other.source}",
        )

    def document(self) -> dict[str, Any]:
        """`input.break_glass` of the Rego contract."""
        return {
            "reason": self.reason,
            "rules": list(self.rules),
            "opened_at": rfc3339(self.opened_at),
            "until": rfc3339(self.until),
            "until_s": self.until,
            "source": self.source,
        }

    def sentence(self) -> str:
        """The announcement."""
        rules = ", ".join(self.rules)
        return f"break glass: {rules} set aside until {rfc3339(self.until)[:19]}Z. Reason: {self.reason}"


@frozen
class Terms:
    """What may be set aside here: `known` rules except the `unbreakable` ones, for `max_minutes` at most."""

    known: Collection[str]
    unbreakable: Collection[str]
    max_minutes: float

    def grant(self, reason: str, rules: Iterable[str], until: float, now: float, source: str) -> BreakGlass:
        """Raises BreakGlassRefused with one sentence."""
        named = (rules,) if isinstance(rules, str) else tuple(rules) if isinstance(rules, Iterable) else ()
        if not isinstance(reason, str) or not reason.strip():
            raise BreakGlassRefused("the reason is missing; say why, with the incident number if there is one")
        if not named or not all(isinstance(rule, str) for rule in named):
            raise BreakGlassRefused("no rule is named; name the rules that the denial lists")
        for rule in named:
            if rule not in self.known:
                hint = suggestion(rule, self.known, "`guardrails policy docs` lists them")
                raise BreakGlassRefused(f"there is no rule {rule!r}; {hint}")
            if rule in self.unbreakable:
                raise BreakGlassRefused(f"{rule} is unbreakable (parameter `unbreakable`); fix what it reports")
        if not until > now:
            raise BreakGlassRefused(f"`until` is in the past ({rfc3339(until)}); give a later time")
        if until - now > self.max_minutes * 60 + 1:
            raise BreakGlassRefused(
                f"it would last {(until - now) / 60:.0f} minutes; at most {self.max_minutes:g} are allowed "
                "(break_glass.max_minutes). When the time is over, break the glass again"
            )
        return BreakGlass(" ".join(reason.split()), tuple(dict.fromkeys(named)), now, until, source)


def parse(value: str, terms: Terms, now: float) -> BreakGlass:
    """The value of GUARDRAILS_BREAK_GLASS. Raises BreakGlassRefused."""
    pairs = [part.partition("=") for part in value.split(";") if part.strip()]
    given = {name.strip(): value.strip() for name, _, value in pairs}
    if given.keys() != {"reason", "rules", "until"}:
        raise BreakGlassRefused(f"the format is {_EXAMPLE!r}")
    try:
        until = datetime.fromisoformat(given["until"])
        zone, until = until.tzinfo, until.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BreakGlassRefused(f"until={given['until']} is not a time; write it as in {_EXAMPLE!r}") from None
    if zone is None:
        raise BreakGlassRefused(f"until={given['until']} has no time zone; end it with Z for UTC")
    rules = [rule.strip() for rule in given["rules"].split(",") if rule.strip()]
    return terms.grant(given["reason"], rules, until.timestamp(), now, ENVIRONMENT)


def environment_value(reason: str, rules: Iterable[str], until: float) -> str:
    """What GUARDRAILS_BREAK_GLASS is set to for this."""
    return f"reason={reason}; rules={','.join(rules)}; until={rfc3339(until)[:19]}Z"


def announce(glass: BreakGlass, caller: Mapping[str, Any], command: tuple[str, ...]) -> None:
    """Log it to ``guardrails``, and start the configured command with it as JSON on its standard input.

    A command that fails, or takes longer than five seconds, is reported to the logger and changes nothing: an emergency
    does not wait for a chat server. It does not inherit GUARDRAILS_BREAK_GLASS, which it would have to announce itself.
    """
    _logger.warning("%s", glass.sentence())
    if not command:
        return
    document = json.dumps({**glass.document(), "caller": dict(caller)}).encode()
    environment = {name: value for name, value in os.environ.items() if name != ENVIRONMENT}
    try:
        feed(command, document, _COMMAND_TIMEOUT_S, environment)
    except (OSError, subprocess.SubprocessError) as error:
        _logger.warning("break glass could not be announced by %s: %s", command[0], error)
