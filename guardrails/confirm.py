"""Ask the person at the terminal: a table of what would be hit, then the cluster's name, typed.

One question, one answer: a wrong name, nothing for a while, the end of input and Ctrl-C are a denial. Where nobody sits
nothing is asked. The text is plain, at most 80 columns wide, and goes to standard error.
"""

from __future__ import annotations

import os
import select
import sys
import textwrap
import threading
import time
from collections.abc import Iterator

from attrs import frozen

from guardrails.message import grouped, live_sentence
from guardrails.values import Decision

_WIDTH = 78
_SHOWN = 20
_LONGEST = 1024


@frozen
class Answer:
    """Whether the call may be sent, and what is told about it otherwise."""

    given: bool
    why: str = ""


def name_of(decision: Decision) -> str:
    """What must be typed: the names of the clusters that would be hit; where there is none, the first id."""
    targets = decision.facts.targets if decision.facts else ()
    hit = [target for target in targets if target.role == "target"]
    clusters = sorted({cluster for target in hit for cluster in target.clusters})
    return " ".join(clusters) or next((target.id for target in hit), decision.call.operation)


def ask(decision: Decision, timeout_s: float) -> Answer:
    """Ask at the terminal of this process. Never raises; waits `timeout_s` seconds at most."""
    nobody = _nobody()
    if nobody:
        return Answer(given=False, why=f"Nobody can be asked here, because {nobody}: make the call in a terminal")
    name = name_of(decision)
    try:
        # What was typed before the question is no answer to it.
        _forget_typed(sys.stdin.fileno())
        sys.stderr.write("\n".join(_lines(decision, name, timeout_s)))
        sys.stderr.flush()
        typed = _line(sys.stdin.fileno(), timeout_s)
    except KeyboardInterrupt:
        typed, why = None, "It was interrupted (Ctrl-C)"
    except (OSError, ValueError) as error:
        typed, why = None, f"The terminal could not be read ({error})"
    else:
        why = f"Nothing was typed within {timeout_s:g} s" if typed is None else f"What was typed is not {name!r}"
    if typed is not None and " ".join(typed.split()) == name:
        return Answer(given=True)
    if typed is None or not typed.endswith("\n"):
        sys.stderr.write("\n")
    return Answer(given=False, why=f"{why}; make the call again to be asked again")


def _nobody() -> str:
    """Why nobody can be asked; "" where somebody can."""
    if os.environ.get("CI"):
        return "this is a CI job (CI is set)"
    try:
        stdin = sys.stdin.fileno()
        if not os.isatty(stdin) or not os.isatty(sys.stderr.fileno()):
            return "standard input or standard error is no terminal"
        if os.tcgetpgrp(stdin) != os.getpgrp():
            return "this process runs in the background"
    except (OSError, ValueError, AttributeError):
        return "standard input or standard error is closed or replaced"
    if threading.current_thread() is not threading.main_thread():
        return "the call comes from a thread of its own, and only the main thread asks"
    return ""


def _forget_typed(fd: int) -> None:
    import termios  # noqa: PLC0415  (there is none where there is no terminal)

    termios.tcflush(fd, termios.TCIFLUSH)


def _line(fd: int, timeout_s: float) -> str | None:
    """A line from the terminal, "" at the end of input; None when the time is over."""
    if not select.select([fd], [], [], timeout_s)[0]:
        # Half a name must not reach the shell after this program.
        _forget_typed(fd)
        return None
    return os.read(fd, _LONGEST).decode("utf-8", "replace")


def _lines(decision: Decision, name: str, timeout_s: float) -> Iterator[str]:
    call, facts = decision.call, decision.facts
    yield ""
    yield from _wrapped(f"guardrails: {call.operation} in {call.region} needs your word.")
    yield ""
    targets = [target for target in facts.targets if target.role == "target"] if facts else []
    if targets:
        rows = [("TARGET", "STATE", "CLUSTER", "ADDRESSES")]
        rows += [
            (target.id, target.state or "", " ".join(target.clusters), " ".join(target.public_ips))
            for target in targets[:_SHOWN]
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for row in rows:
            yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()[:_WIDTH]
        if len(targets) > _SHOWN:
            yield f"and {len(targets) - _SHOWN} more"
        yield ""
    for cluster in facts.clusters if facts else ():
        if cluster.targeted or cluster.name in name.split():
            live = "live" if cluster.live else "not live"
            yield from _wrapped(
                f"{cluster.name} ({live}): {cluster.running} of {cluster.total} machines run, this call names "
                f"{cluster.targeted}, {cluster.remaining} would go on running."
            )
    if facts:
        yield from _wrapped(live_sentence(facts.live, time.time()) + ".")
    for violation in grouped(one for one in decision.violations if one.action == "confirm"):
        yield from _wrapped(f"{violation.rule}: {violation.message}")
    yield ""
    yield from _wrapped(f"To send it, type {name!r} within {timeout_s:g} s; anything else blocks it.")
    yield "> "


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
