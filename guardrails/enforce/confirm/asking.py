"""Ask the person at the terminal or notebook: show a table of what would be hit, then have the cluster's name typed.

One question, one answer: a wrong name, silence, the end of input and Ctrl-C are denials. Where no one is at the
keyboard nothing is asked. The question is plain text, at most 80 columns wide, on standard error.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Any

from attrs import evolve

from guardrails import caller
from guardrails.enforce.confirm import who_can_answer
from guardrails.enforce.ctrl_c import interruptible
from guardrails.show import blast_radius
from guardrails.show import decision as show_decision
from guardrails.show.page import Page
from guardrails.values import Caller, Decision, frozen
from guardrails.waiting.interruptions import waiting


@frozen
class Confirmation:
    """Whether the call may be sent, and why not otherwise; `asked` is false where no one could be asked."""

    given: bool
    why: str = ""
    asked: bool = True


def name_of(decision: Decision) -> str:
    """What must be typed: the names of the clusters that would be hit, or the first id where there is none."""
    targets = decision.facts.targets if decision.facts else ()
    hit = [target for target in targets if target.role == "target"]
    clusters = sorted({cluster for target in hit for cluster in target.clusters})
    # Blanks at the ends of a name, or several in a row, cannot be seen; unprintable characters cannot be typed.
    name = _typed(" ".join(clusters))
    return name if name and name.isprintable() else next((target.id for target in hit), decision.call.operation)


def still_means(now: Decision, before: Decision) -> bool:
    """True where a confirmation of `before` covers `now`: no other rule asks, no more is hit, as much remains."""
    shown = _reached(before)
    return (
        _asking(now) <= _asking(before)
        and name_of(now) == name_of(before)
        and all(_within(hit, shown.get(name)) for name, hit in _reached(now).items())
    )


def still_confirmed(now: Decision, before: Decision) -> Decision:
    """A confirmation of `before` holds for `now` where the same question would have been asked."""
    if not before.confirmed or now.action != "confirm":
        return now
    if still_means(now, before):
        return evolve(now, confirmed=True)
    return evolve(now, reason="The situation changed while you were asked; make the call again")


def ask(decision: Decision, timeout_s: float) -> Confirmation:
    """Ask at the terminal or notebook of this process. Never raises; waits at most `timeout_s` seconds."""
    try:
        page = _page(decision)
    except Exception as error:
        # What cannot be shown cannot be confirmed.
        return Confirmation(given=False, why=f"The question could not be asked ({type(error).__name__}: {error})")
    return ask_about(page, name_of(decision), decision.caller, timeout_s)


def ask_about(page: Page, name: str, who: Caller | None, timeout_s: float) -> Confirmation:
    """The same about anything that a page shows: `name` must be typed. `who` wants to do it."""
    shell, asked = caller.notebook(), f"To send it, type '{name}' within {timeout_s:g} s; anything else blocks it."
    try:
        who_can_answer.check(shell, who.kind if who else "script")
        with waiting(), interruptible():
            typed = _in_notebook(shell, page, asked, timeout_s) if shell else _at_terminal(page, asked, timeout_s)
    except KeyboardInterrupt:
        why = "The question was interrupted (Ctrl-C)"
    except who_can_answer.NoOneThere as error:
        return Confirmation(given=False, why=f"No one can be asked here: {error}", asked=False)
    except Exception as error:
        # Anything that keeps a person from answering is a denial.
        why = f"The question could not be asked ({type(error).__name__}: {error})"
    else:
        if typed is not None and _typed(typed) == name:
            return Confirmation(given=True)
        why = f"Nothing was typed within {timeout_s:g} s" if typed is None else f"The answer was not '{name}'"
    return Confirmation(given=False, why=f"{why}; make the call again to be asked again")


def _in_notebook(shell: Any, page: Page, asked: str, timeout_s: float) -> str | None:
    from guardrails.enforce.confirm import notebook  # noqa: PLC0415  (IPython is there only in a notebook)

    return notebook.typed(shell, page, asked, timeout_s)


def _at_terminal(page: Page, asked: str, timeout_s: float) -> str | None:
    from guardrails.enforce.confirm import terminal  # noqa: PLC0415  (where there is no terminal there is no termios)

    return terminal.asked("\n".join(_question(page, asked)), timeout_s)


def _question(page: Page, asked: str) -> Iterator[str]:
    from guardrails.show import text  # noqa: PLC0415  (only a question needs it)

    yield ""
    yield from text.lines(page)
    yield ""
    yield from text.wrapped(asked)
    yield "> "


def _page(decision: Decision) -> Page:
    return show_decision.page(decision, "guardrails: this call needs your confirmation", payloads=True)


def _typed(answer: str) -> str:
    return " ".join(unicodedata.normalize("NFC", answer).split())


def _asking(decision: Decision) -> frozenset[tuple[str, str]]:
    return frozenset((one.rule, one.target) for one in decision.violations if one.action == "confirm")


def _reached(decision: Decision) -> dict[str, blast_radius.Hit]:
    return {hit.cluster: hit for hit in blast_radius.of(decision.input) if hit.touched}


def _within(now: blast_radius.Hit, before: blast_radius.Hit | None) -> bool:
    """True where all machines hit now were shown as hit, and no fewer keep running."""
    return (
        before is not None
        and {*now.machines} <= {*before.machines}
        and {*now.through} <= {*before.through}
        and now.all_reached <= before.all_reached
        and now.running - now.down >= before.running - before.down
    )
