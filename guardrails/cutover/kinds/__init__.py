"""A file for each kind of entrance that users come through, and how it is moved.

    address.py   an Elastic IP
    forward.py   the target groups of a listener or rule, by weight
    record.py    the DNS records of a name, by weight or by what they lead to
    role.py      what names the live cluster beside those: a parameter, or a tag
    shares.py    the arithmetic of weights

To add a kind, write a file with a `Kind`, add it to `KINDS`, and have ../found/ look for it.
"""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.cutover.kinds.address import Address
from guardrails.cutover.kinds.forward import LISTENER, RULE
from guardrails.cutover.kinds.kind import Clients, Kind
from guardrails.cutover.kinds.record import Records
from guardrails.cutover.kinds.role import Mark, Pointer

__all__ = ["KINDS", "Clients", "Kind"]
KINDS: Mapping[str, Kind] = {
    "address": Address(),
    "listener": LISTENER,
    "rule": RULE,
    "record": Records(),
    "pointer": Pointer(),
    "mark": Mark(),
}
