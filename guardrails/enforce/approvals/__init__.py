"""Approvals: a blocked call that a second person allows, once.

digest.py     what exactly is approved
standing.py   what the requests and grants of an operation mean for a call, each with its sentence
asking.py     putting a request up, within bounds
desk.py       asking, waiting, and using a grant
whole.py      one approval for many calls: a plan or a cutover
people.py     when two identities are two people
"""

from guardrails.enforce.approvals.desk import Desk, approvable
from guardrails.enforce.approvals.whole import Whole, WholeDesk

__all__ = ["Desk", "Whole", "WholeDesk", "approvable"]
