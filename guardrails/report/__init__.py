"""The decision log as a page: ``guardrails report``.

tally.py   counts entries   page.py   the page   picture.py   what a call would hit (blast.py), as a picture
"""

from guardrails.report.html import one, page
from guardrails.report.tally import Tally, tally

__all__ = ["Tally", "one", "page", "tally"]
