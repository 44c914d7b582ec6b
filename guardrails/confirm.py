"""Ask the person at the terminal or notebook: a table of what would be hit, then the cluster's name, typed.

One question, one answer: a wrong name, nothing for a while, the end of input and Ctrl-C are a denial. Where nobody sits
nothing is asked. The text is plain, at most 80 columns wide, and goes to standard error.
"""

from __future__ import annotations

import os
import select
import sys
import textwrap
import threading
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from guardrails import caller
from guardrails.show import decision as show_decision
from guardrails.show import text
from guardrails.show.section import Page
from guardrails.values import Decision

# A terminal hands over no longer line.
_LONGEST = 4096


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
    # Blanks at the ends of a name, or several in a row, nobody sees; what is not printable nobody can type.
    name = _typed(" ".join(clusters))
    return name if name and name.isprintable() else next((target.id for target in hit), decision.call.operation)


def ask(decision: Decision, timeout_s: float) -> Answer:
    """Ask at the terminal or notebook of this process. Never raises; waits `timeout_s` seconds at most."""
    shell = caller.notebook()
    nobody = _nobody() or ("" if shell else _no_terminal())
    if nobody:
        return _unasked(nobody)
    name = name_of(decision)
    try:
        typed = _in_notebook(shell, decision, timeout_s) if shell else _at_terminal(decision, timeout_s)
    except KeyboardInterrupt:
        typed, why = None, "It was interrupted (Ctrl-C)"
    except NobodyThere as error:
        return _unasked(str(error))
    except Exception as error:
        # Whatever keeps a person from answering is a denial.
        typed, why = None, f"The question could not be asked ({type(error).__name__}: {error})"
    else:
        why = f"Nothing was typed within {timeout_s:g} s" if typed is None else f"What was typed is not {name!r}"
    if typed is not None and _typed(typed) == name:
        return Answer(given=True)
    if not shell and (typed is None or not typed.endswith("\n")):
        sys.stderr.write("\n")
    return Answer(given=False, why=f"{why}; make the call again to be asked again")


def _typed(text: str) -> str:
    return " ".join(text.split())


class NobodyThere(Exception):
    """It turned out only when asking that nobody can answer; says why."""


def _unasked(why: str) -> Answer:
    return Answer(
        given=False, why=f"Nobody can be asked here, because {why}: make the call in a terminal or a notebook"
    )


def _in_notebook(shell: Any, decision: Decision, timeout_s: float) -> str | None:
    from guardrails.notebook import question  # noqa: PLC0415  (IPython is there only in a notebook)

    try:
        return question.typed(shell, asked_page(decision), asking(name_of(decision), timeout_s), timeout_s)
    except question.NobodyThere as error:
        raise NobodyThere(str(error)) from error


def _at_terminal(decision: Decision, timeout_s: float) -> str | None:
    # What was typed before the question is no answer to it.
    _forget_typed(sys.stdin.fileno())
    sys.stderr.write("\n".join(_question(decision, name_of(decision), timeout_s)))
    sys.stderr.flush()
    return _line(sys.stdin.fileno(), timeout_s)


def _nobody() -> str:
    """Why nobody can be asked, wherever this process runs; "" where somebody can."""
    if os.environ.get("CI"):
        return "this is a CI job (CI is set)"
    if threading.current_thread() is not threading.main_thread():
        return "the call comes from a thread of its own, and only the main thread asks"
    return ""


def _no_terminal() -> str:
    """Why nobody sits at a terminal of this process."""
    try:
        stdin = sys.stdin.fileno()
        if not os.isatty(stdin) or not os.isatty(sys.stderr.fileno()):
            return "standard input or standard error is no terminal"
        if os.tcgetpgrp(stdin) != os.getpgrp():
            return "this process runs in the background"
    except (OSError, ValueError, AttributeError):
        return "standard input or standard error is closed or replaced"
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


def _question(decision: Decision, name: str, timeout_s: float) -> Iterator[str]:
    yield ""
    yield from text.lines(asked_page(decision))
    yield ""
    yield from textwrap.wrap(asking(name, timeout_s), text.WIDTH)
    yield "> "


def asked_page(decision: Decision) -> Page:
    """What a person must see before they give their word."""
    return show_decision.page(decision, "guardrails: this call needs your word")


def asking(name: str, timeout_s: float) -> str:
    """The one question."""
    return f"To send it, type {name!r} within {timeout_s:g} s; anything else blocks it."
