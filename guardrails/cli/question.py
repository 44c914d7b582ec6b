"""A question with yes or no, at a terminal."""

from __future__ import annotations

import click

from guardrails import caller
from guardrails.enforce.ctrl_c import interruptible

# What is shown should be read before the question is answered.
_TIMEOUT_S = 600


def says_yes(question: str, otherwise: str) -> bool:
    """Whether someone at the terminal types yes. `otherwise` says what to do where no one can be asked."""
    # Not click.confirm: Python's input() notices a Ctrl-C pressed just before it starts only at the next key.
    from guardrails.enforce.confirm import terminal, who_can_answer  # noqa: PLC0415  (needs termios, which not every system has)

    try:
        who_can_answer.check(None, caller.describe(None).kind)
        with interruptible():
            typed = terminal.asked(question, _TIMEOUT_S)
    except who_can_answer.NoOneThere as error:
        click.echo(f"No one can confirm this here: {error.why}. {otherwise}.")
        return False
    except (KeyboardInterrupt, OSError):
        return False
    if typed is None:
        click.echo(f"No answer within {_TIMEOUT_S} s.")
        return False
    return typed.strip().lower() in ("y", "yes")
