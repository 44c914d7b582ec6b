"""Confirmation of a call by a person, at the terminal or the notebook of this process.

asking.py            the question, and what counts as an answer
who_can_answer.py    whether anyone can be asked here
terminal.py          one line from a terminal        notebook.py   one line from a notebook
"""

from guardrails.enforce.confirm.asking import Confirmation, ask, ask_about, still_confirmed

__all__ = ["Confirmation", "ask", "ask_about", "still_confirmed"]
