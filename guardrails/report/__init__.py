"""The decision log as a page: ``guardrails report``.

tally.py   counts entries         page.py      the page
blast.py   what a call would hit  picture.py   that, as a picture
"""

from guardrails.report.page import one, page
from guardrails.report.tally import Tally, tally

__all__ = ["Tally", "one", "page", "tally"]
