"""What a service says of a resource whose ARN does not show the name that calls use, or what it is a part of.

An access point of S3 is its bucket's where it has no tag of its own. Calls name it by its name or its ARN, Cloud
Control and the stacks of CloudFormation by its name alone; the account is then the caller's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from guardrails.resolve import caller_identity
from guardrails.resolve.resources import parts
from guardrails.resolve.resources.resolver import Answers, Item
from guardrails.values import Call, Lookup

# The member that names what an access point is a part of: its bucket.
_WHOLE = "Bucket"
# Of a directory bucket, the service is s3express. An access point of several regions has no region in its ARN, one of
# Object Lambda another service: GetAccessPoint does not know them.
_POINT_ARN = re.compile(r"arn:[^:]*:s3(?:express)?:[^:]+:(?P<account>[^:]*):accesspoint/(?P<name>.+)")
_POINT = Lookup("s3control", "GetAccessPoint", "@", empty_on=("NoSuchAccessPoint",))
# By service and parameter. The item has the ARN.
_BY_NAME: Mapping[tuple[str, str], Lookup] = {
    ("redshift-serverless", "namespaceName"): Lookup(
        "redshift-serverless", "GetNamespace", "namespace", empty_on=("ResourceNotFoundException",)
    ),
    ("redshift-serverless", "workgroupName"): Lookup(
        "redshift-serverless", "GetWorkgroup", "workgroup", empty_on=("ResourceNotFoundException",)
    ),
}
# Parts whose ARN has the whole's in it: a subscription of a topic, an alias of a state machine.
_IN_ARNS = (
    re.compile(r"(?P<whole>arn:[^:]+:sns:[^:]*:\d+:[^:]+):[^:]+"),
    re.compile(r"(?P<whole>arn:[^:]+:states:[^:]*:\d+:stateMachine:[^:]+):[^:]+"),
)
# Access points of another kind, with names of their own: those of several regions, and of Object Lambda.
_OTHER_POINTS = ("MultiRegion", "ObjectLambda")
# What the caller must be allowed to ask; who it is needs no permission.
ASKS = (_POINT, *_BY_NAME.values(), *parts.ASKS)


def describing(name: str, call: Call, answers: Answers) -> Lookup | None:
    """The look-up that describes what the call names so, or says who makes the call, where that comes first."""
    part = parts.part_of(name, call)
    if part is not None:
        return part.about(name)
    for parameter, value in call.params.items():
        lookup = _BY_NAME.get((call.service, parameter))
        if value == name and lookup:
            return lookup.about(**{parameter: name})
    point = _point(name, call)
    if point is None:
        return None
    account, short = point
    account = account or caller_identity.account(answers)
    return _POINT.about(AccountId=account, Name=short) if account else caller_identity.WHO


def described(name: str, call: Call, answers: Answers) -> tuple[Item, ...] | None:
    """What that look-up answered about the thing itself; None where there is none, or no answer."""
    return None if parts.part_of(name, call) else _answered(name, call, answers)


def _answered(name: str, call: Call, answers: Answers) -> tuple[Item, ...] | None:
    lookup = describing(name, call, answers)
    if lookup is None or lookup == caller_identity.WHO or lookup.key() not in answers:
        return None
    return answers[lookup.key()].items


def wholes(name: str, call: Call, answers: Answers) -> list[str]:
    """The ARNs and names of what it is a part of: a bucket, a topic, a function, a file system."""
    if inside := next(filter(None, (part.fullmatch(name) for part in _IN_ARNS)), None):
        return [inside["whole"]]
    items = _answered(name, call, answers) or ()
    part = parts.part_of(name, call)
    return part.wholes_of(items) if part else [item[_WHOLE] for item in items if item.get(_WHOLE)]


def _point(name: str, call: Call) -> tuple[str, str] | None:
    """The account, "" where nothing names it, and the name of an access point of S3; None for anything else."""
    if call.service != "s3control" or any(kind in call.operation for kind in _OTHER_POINTS):
        return None
    if name.startswith("arn:"):
        arn = _POINT_ARN.fullmatch(name)
        return (arn["account"], arn["name"]) if arn else None
    # Calls of its own name it so; those that come to one of them have no parameters of S3 Control.
    own = call.params.get("Name") == name or name not in call.params.values()
    return (str(call.params.get("AccountId") or ""), name) if own else None
