"""The memory of a fleet, in a DynamoDB table. The pages of the README say how to create it.

store.py         what a store does, each step one write to one item
table.py         requests to the table, and its version
failures.py      what a request that failed means
ledger.py        the claims on a cluster
compacting.py    old claims become counts
calls.py         how many calls of an operation were made
turns.py         turns in the buckets of AWS's rate limits
lives.py         since when clusters have been live
membership.py    what belonged to clusters while they were live
freezes.py       what is frozen
cutovers.py      the latest cutover
glasses.py       rules that are set aside by break glass
approvals.py     requests to a second person, and what was granted
own_client.py    the clients for it
attributes.py    values as DynamoDB writes them
server_clock.py  the time by AWS's clock
at_once.py       several requests side by side
"""

from guardrails.memory.dynamodb.approvals import ApprovalTable
from guardrails.memory.dynamodb.cutovers import CutoverTable
from guardrails.memory.dynamodb.glasses import Glasses
from guardrails.memory.dynamodb.store import DynamoStore
from guardrails.memory.dynamodb.table import Place, Table

__all__ = ["ApprovalTable", "CutoverTable", "DynamoStore", "Glasses", "Place", "Table"]
