"""Which resource of a name a call means, by all that it names: the stage "prod" of this API, and not of that one.

ARNs name a part behind its wholes, each after its kind: ``/restapis/API/stages/NAME``, ``mesh/MESH/virtualNode/NAME``.
Calls name the wholes in parameters of their own, as ``restApiId``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guardrails.aws.parents import beside
from guardrails.resolve.resources.arns import resource_of, service_of
from guardrails.resolve.resources.resolver import Item
from guardrails.values import Call

# An id that AWS made up: no two resources share one. Shorter ones may be a name with a date.
_MADE_UP = re.compile(
    r"[0-9a-f]{32}|([a-z]+-)?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z]+-[0-9a-z]{17}", re.IGNORECASE
)
# https://docs.aws.amazon.com/secretsmanager/latest/userguide/whats-in-a-secret.html
_SECRET = re.compile(r"(?P<arn>arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:(?P<name>.+))-[A-Za-z0-9]{6}")
# Services whose names may hold slashes: "app" is not "blue/app".
_PATHS = ("ecr", "logs", "ssm")
_ACCOUNT = re.compile(r"\d{12}")
# What parameters end with that name something of the kind before it.
_ENDING = re.compile(r"(?:name|identifier|id|arn)$")
# Parts whose ARNs have no word between the whole and the name, and the parameter that names the whole.
_AFTER_WHOLE = {("redshift", "snapshot"): "snapshotclusteridentifier"}


def is_made_up(name: str) -> bool:
    """Whether it is an id that AWS made up, and not a name that two resources may have."""
    return _MADE_UP.fullmatch(name) is not None


def means(name: str, arn: str) -> bool:
    """Whether the name may mean the resource of this ARN, in either case of letters."""
    arn = arn.removesuffix(":*").rstrip("/")
    if name == arn:
        return True
    if secret := _SECRET.fullmatch(arn):
        return name in (secret["arn"], secret["name"])
    resource = resource_of(arn)
    if service_of(arn) == "mq" and name in resource.split(":"):
        return True  # broker:NAME:ID, and calls may use either
    if service_of(arn) == "apigateway":
        resource = resource.partition("+")[0]  # /domainnames/NAME+ID, of one that is private
    if service_of(arn) in _PATHS:
        return name in (resource, resource.partition("/")[2], resource.partition(":")[2])
    return name == resource or resource.endswith((f"/{name}", f":{name}"))


def is_under(name: str, arn: str) -> bool:
    """Whether a name is the ARN of a part of this ARN's resource."""
    return name.startswith((f"{arn}:", f"{arn}/"))


def closest(items: Sequence[Item], shared: Callable[[str], int]) -> list[Item]:
    """The tagged items of whose ARN most is `shared` with what is looked for."""
    counts = [shared(item["ResourceARN"]) for item in items]
    return [item for item, count in zip(items, counts, strict=True) if count == max(counts)]


def segments(text: str) -> list[str]:
    """The kinds, names and ids in a text."""
    return [each for each in re.split("[:/]", text) if each]


def before(name: str, arn: str) -> list[str]:
    """What stands before the name in an ARN: kinds, each with its name but the last."""
    resource = resource_of(arn).removesuffix(":*").rstrip("/")
    return segments(resource[: -len(name)]) if resource.endswith(name) else []


def is_other(name: str, arn: str, call: Call) -> bool:
    """Whether the call names something else around the name than this ARN does: a resource of the same name elsewhere.

    What the call leaves out may be anything.
    """
    arn, name = arn.lower(), name.lower()
    if name.startswith("arn:") or is_made_up(name):
        return False
    first = before(name, arn)
    named = _named(call.params)
    kinds = [*zip(first[::2], [*first[1::2], name], strict=False)]
    if len(first) % 2 and any(_contradicts(kind, value, named) for kind, value in kinds):
        return True
    wholes = first[1::2]
    if len(first) == 2:
        given = named.get(_AFTER_WHOLE.get((arn.split(":")[2], first[0]), ""))
        return given is not None and wholes[0] not in given
    # Each kind has a name: the call must name them all, if it names anything but accounts.
    return len(first) > 2 and bool(surroundings(name, call)) and not {*wholes} <= _words(call.params)


def is_certain(name: str, arn: str, call: Call) -> bool:
    """Whether nothing but this resource is meant: its ARN has no whole, or the call names each."""
    if name.startswith("arn:") or is_made_up(name):
        return True
    return {*before(name.lower(), arn.lower())[1::2]} <= _words(call.params)


def surroundings(name: str, call: Call) -> list[str]:
    """What else the call names that the resource may be a part of: not the account."""
    others = (each for each in beside(name, call.params) if each.lower() != name.lower())
    return [each for each in others if not _ACCOUNT.fullmatch(each)]


def _contradicts(kind: str, value: str, named: Mapping[str, set[str]]) -> bool:
    """Whether the call names another of this kind. Kinds may be in the plural: ``stages``."""
    kind = re.sub(r"\W", "", kind)
    given = named.get(kind) or named.get(kind.removesuffix("s"))
    return given is not None and value not in given


def _named(params: Mapping[str, Any]) -> dict[str, set[str]]:
    """What the call names in lower case, by the kind in the parameter's name, and by the whole name."""
    named: dict[str, set[str]] = {}
    for key, value in params.items():
        if isinstance(value, str) and _ENDING.search(key.lower()):
            for kind in {_ENDING.sub("", key.lower()), key.lower()}:
                named.setdefault(kind, set()).update({value.lower(), *segments(value.lower())})
    return named


def _words(params: Mapping[str, Any]) -> set[str]:
    texts = [value.lower() for value in params.values() if isinstance(value, str)]
    return {*texts, *(word for text in texts for word in segments(text))}
