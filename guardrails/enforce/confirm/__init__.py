"""A person's word for a call: typed at the terminal or the notebook of this process.

asking.py   the question, and what counts as an answer      nobody.py     whether anybody can be asked
terminal.py one line from a terminal                        (notebook/question.py: the same from a notebook)
"""

from guardrails.enforce.confirm.asking import Answer, ask, still_means

__all__ = ["Answer", "ask", "still_means"]
