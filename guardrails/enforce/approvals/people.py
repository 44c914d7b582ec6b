"""When two identities are two people, and when one is no person's at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

# Names that machines and AWS's tools give the sessions of a role: an instance's id, or a number.
_NO_PERSON = re.compile(r"i-[0-9a-f]{8,17}|(?:botocore-session-|aws-\w+-\w*-?|AWSCLI-Session-?)?\d*|AWSCLI-Session")


def is_same(asker: Iterable[str], approver: str) -> bool:
    """Whether the approver is who asked: the same id, or sessions of two roles that have the same name."""
    names = {_session(one) for one in asker} - {""}
    return approver in {*asker} or _session(approver) in names


def is_person(approver: str) -> bool:
    """False for a session whose name stands for a machine, or for anyone."""
    return ":" not in approver or _NO_PERSON.fullmatch(_session(approver)) is None


def may_approve(approver: str, terms: Iterable[Iterable[str]]) -> bool:
    """Whether every rule's list of approvers has this one; the lists hold patterns of ids."""
    return all(any(fnmatchcase(approver, pattern) for pattern in by) for by in terms)


def _session(identity: str) -> str:
    """The name of a role's session: ``alice`` of ``AROAEXAMPLE:alice``; "" for what is not one."""
    return identity.partition(":")[2]
