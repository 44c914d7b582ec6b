"""The decision log as a page: ``guardrails report``.

tally.py   counts entries   html.py   the pages   picture.py   the blast radius   *.html.j2   the templates
"""

from guardrails.report.html import decision_page, page
from guardrails.report.tally import Tally, tally

__all__ = ["Tally", "decision_page", "page", "tally"]
