"""Policy documents within AWS's limits on their size.

https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from guardrails.backstop.statements import Statement
from guardrails.errors import ConfigError

# Characters of a document. AWS Organizations counts white space, too: the newline at the end of a file has room.
LIMITS = {"scp": 5120, "iam": 6144, "permission-boundary": 6144}
# How many AWS attaches to one place, by default for IAM; one of the five is FullAWSAccess, or what took its place.
ROOM = {"scp": 4, "iam": 10, "permission-boundary": 1}
# A boundary says what is allowed at most; the other kinds only take away.
_BOUNDARY = {"Sid": "GuardrailsRest", "Effect": "Allow", "Action": "*", "Resource": "*"}


@frozen
class Policy:
    """A document of its own; `text` is what to attach."""

    name: str
    document: dict[str, Any]

    @property
    def text(self) -> str:
        """The document as compact JSON."""
        return _text(self.document)


def policies(statements: Sequence[Statement], kind: str) -> tuple[tuple[Policy, ...], tuple[str, ...]]:
    """The statements as documents of this kind, and the actions for which there was no room.

    A principal can have one permission boundary only, so all that fits is in one document; the rest is left out.
    Raises ConfigError where a document has no room for a single action with its condition.
    """
    limit, first = LIMITS[kind] - len("\n"), [_BOUNDARY] if kind == "permission-boundary" else []
    documents: list[list[dict[str, Any]]] = [[*first]]
    left: list[str] = []
    for number, (statement, action) in enumerate(_each(statements)):
        if not _added(documents[-1], statement, action, number, limit):
            if first:
                left.append(action)
                continue
            documents.append([])
            if not _added(documents[-1], statement, action, number, limit):
                raise ConfigError(
                    f"a policy of {LIMITS[kind]:,} characters has no room for {action} with its condition: shorten the "
                    "names of the clusters or of their tag, or give --except fewer times"
                )
    made = [
        Policy(f"guardrails-backstop-{number}", _document(each)) for number, each in enumerate(documents, 1) if each
    ]
    return tuple(made), tuple(left)


def room(kind: str, count: int) -> str:
    """Where so many documents of a kind are attached, as a sentence; "" where one place has room for all."""
    if count <= ROOM[kind]:
        return ""
    if kind == "scp":
        return (
            "AWS attaches at most 5 service control policies to a root, an OU or an account, and FullAWSAccess is one: "
            f"{count} documents do not fit one of them. Attach {ROOM[kind]} to the account and the others to its OU, "
            "as the policies of all levels count, or make fewer with --effects or --no-agents"
        )
    return (
        f"AWS attaches {ROOM[kind]} managed policies to a user, group or role by default, and {count} documents are "
        "more: raise that quota, or make fewer with --effects or --no-agents"
    )


def _each(statements: Iterable[Statement]) -> Iterator[tuple[Statement, str]]:
    return ((statement, action) for statement in statements for action in statement.actions)


def _added(document: list[dict[str, Any]], statement: Statement, action: str, number: int, limit: int) -> bool:
    """Whether there is room for this action; it is then in the document, in the statement with its condition."""
    body = statement.document([action], number)
    same = [each for each in document if each.get("Condition") == body["Condition"]]
    if same:
        same[0]["Action"].append(action)
    else:
        document.append(body)
    if len(_text(_document(document))) <= limit:
        return True
    if same:
        same[0]["Action"].pop()
    else:
        document.pop()
    return False


def _document(statements: list[dict[str, Any]]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, separators=(",", ":"))
