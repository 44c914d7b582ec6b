"""Requests for a second person's approval, and what became of them.

record.py   what is kept of a request, its grants and its use      folder.py   in a folder of one host
reading.py  the same from a string that anyone may have written
In a table of many hosts they are kept by memory/dynamodb/approvals.py.
"""

from guardrails.memory.approvals.folder import ApprovalFolder
from guardrails.memory.approvals.record import Board, Grant, Identity, Record, Request

__all__ = ["ApprovalFolder", "Board", "Grant", "Identity", "Record", "Request"]
