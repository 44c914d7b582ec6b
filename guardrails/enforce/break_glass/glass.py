"""Break glass: some rules set aside by somebody, for a reason and for some minutes, in the open.

The rules go on speaking, as warnings, and every decision made meanwhile says so in the decision log. What the guard
does besides rules stays as it is: look-ups that fail still block, and calls still wait for their turn (Salesforce,
2021-05: the emergency path skipped what would have stopped the accident).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from guardrails.errors import BreakGlassRefused
from guardrails.values import rfc3339

ENVIRONMENT = "GUARDRAILS_BREAK_GLASS"
_FORM = "reason=INC-42 disk full; rules=live-cluster/stop,opaque/command; until=2026-11-24T15:40:00Z"
_PATIENCE_S = 5.0
_logger = logging.getLogger("guardrails")


@frozen
class Glass:
    """What is set aside: `rules` by id, from `opened_at` until `until` (seconds since the epoch).

    `source` is ``code`` or the name of the environment variable, or both.
    """

    reason: str
    rules: tuple[str, ...]
    opened_at: float
    until: float
    source: str

    def with_other(self, other: Glass) -> Glass:
        """Both, where both hold: what either sets aside, until the first of them ends."""
        return Glass(
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
        """What everybody may hear."""
        return (
            f"break glass: {', '.join(self.rules)} set aside until {rfc3339(self.until)[:19]}Z, because: {self.reason}"
        )


@frozen
class Terms:
    """What may be set aside here: `known` rules but the `unbreakable` ones, for `max_minutes` at most."""

    known: Collection[str]
    unbreakable: Collection[str]
    max_minutes: float

    def glass(self, reason: str, rules: Iterable[str], until: float, now: float, source: str) -> Glass:
        """Raises BreakGlassRefused with one sentence."""
        named = (rules,) if isinstance(rules, str) else tuple(rules) if isinstance(rules, Iterable) else ()
        if not isinstance(reason, str) or not reason.strip():
            raise BreakGlassRefused("no reason is given; say why, with the number of the incident if there is one")
        if not named or not all(isinstance(rule, str) for rule in named):
            raise BreakGlassRefused("no rule is named; name those that stand in the way, as the denial does")
        for rule in named:
            if rule not in self.known:
                raise BreakGlassRefused(f"there is no rule {rule!r}; `guardrails policy docs` lists them")
            if rule in self.unbreakable:
                raise BreakGlassRefused(f"{rule} is unbreakable (parameter `unbreakable`); mend what it complains of")
        if not until > now:
            raise BreakGlassRefused(f"it ended at {rfc3339(until)}; give a time that is to come")
        if until - now > self.max_minutes * 60 + 1:
            raise BreakGlassRefused(
                f"it would last {(until - now) / 60:.0f} minutes, and {self.max_minutes:g} are allowed "
                "(break_glass.max_minutes); break it again when they are over"
            )
        return Glass(" ".join(reason.split()), tuple(dict.fromkeys(named)), now, until, source)


def parse(text: str, terms: Terms, now: float) -> Glass:
    """The glass in GUARDRAILS_BREAK_GLASS. Raises BreakGlassRefused."""
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    told = {name.strip(): value.strip() for name, _, value in pairs}
    if told.keys() != {"reason", "rules", "until"}:
        raise BreakGlassRefused(f"it is not of the form {_FORM!r}")
    try:
        until = datetime.fromisoformat(told["until"])
        zone, until = until.tzinfo, until.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BreakGlassRefused(f"until={told['until']} is no time; write it as in {_FORM!r}") from None
    if zone is None:
        raise BreakGlassRefused(f"until={told['until']} has no time zone; end it with Z for UTC")
    rules = [rule.strip() for rule in told["rules"].split(",") if rule.strip()]
    return terms.glass(told["reason"], rules, until.timestamp(), now, ENVIRONMENT)


def text(reason: str, rules: Iterable[str], until: float) -> str:
    """The value of GUARDRAILS_BREAK_GLASS for this."""
    return f"reason={reason}; rules={','.join(rules)}; until={rfc3339(until)[:19]}Z"


def announce(glass: Glass, who: Mapping[str, Any], command: tuple[str, ...]) -> None:
    """Say it to the logger ``guardrails``, and to the configured command as JSON on its standard input.

    A command that fails, or takes longer than five seconds, is itself told to the logger and changes nothing: an
    emergency does not wait for a chat server. It gets no GUARDRAILS_BREAK_GLASS, which it would have to announce.
    """
    _logger.warning("%s", glass.sentence())
    if not command:
        return
    told = json.dumps({**glass.document(), "caller": dict(who)}).encode()
    try:
        _told(command, told)
    except (OSError, subprocess.SubprocessError) as error:
        _logger.warning("break glass could not be announced by %s: %s", command[0], error)


def _told(command: tuple[str, ...], text: bytes) -> None:
    environment = {name: value for name, value in os.environ.items() if name != ENVIRONMENT}
    # What it prints nobody reads. It has a session of its own, so that all of it can be ended.
    with subprocess.Popen(  # noqa: S603  (the command of the configuration, without a shell)
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    ) as started:
        try:
            started.communicate(text, timeout=_PATIENCE_S)
        except BaseException:
            os.killpg(started.pid, signal.SIGKILL)
            raise
        if started.returncode:
            raise subprocess.CalledProcessError(started.returncode, command[0])
