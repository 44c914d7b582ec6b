"""When two identities are two people, and when one is no person's at all."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

# Names that machines and AWS's tools give the sessions of a role: the id of an instance or of an ECS task, a number, or
# what GitHub, CodeBuild and EKS call theirs.
_NO_PERSON = re.compile(
    r"i-[0-9a-f]{8,17}|[0-9a-f]{32}|(?:botocore-session-|aws-\w+-\w*-?|AWSCLI-Session-?)?\d*|AWSCLI-Session"
    r"|GitHubActions|AWSCodeBuild-.*|eks-.*",
    re.IGNORECASE,
)
_OF_A_PERSON = re.compile(r"arn:[\w-]+:(?:iam|sts)::\d*:(?:user|assumed-role|federated-user)/(?:.*/)?([^/]+)")


def is_same(asker: Iterable[str], approver: Iterable[str]) -> bool:
    """Whether the approver is who asked: the same id, or the same short name in any case.

    Both are given by their user ids and ARNs, or as users of the host. The short name is a session's, or an IAM user's.
    """
    asked, approves = {*asker} - {""}, {*approver} - {""}
    return bool(asked & approves or _short(asked) & _short(approves))


def is_person(approver: str) -> bool:
    """False for a session whose name stands for a machine, or for anyone."""
    return ":" not in approver or _NO_PERSON.fullmatch(_session(approver)) is None


def may_approve(approver: str, terms: Iterable[Iterable[str]]) -> bool:
    """Whether every rule's list of approvers has this one; the lists hold patterns of ids."""
    return all(any(fnmatchcase(approver, pattern) for pattern in by) for by in terms)


def _short(identities: Iterable[str]) -> set[str]:
    arns = filter(None, map(_OF_A_PERSON.fullmatch, identities))
    sessions = {_session(one) for one in identities if not one.startswith("arn:")} - {""}
    return {name.lower() for name in (*sessions, *(arn[1] for arn in arns))}


def _session(identity: str) -> str:
    """The name of a role's session: ``alice`` of ``AROAEXAMPLE:alice``; "" for what is not one."""
    return identity.partition(":")[2]
