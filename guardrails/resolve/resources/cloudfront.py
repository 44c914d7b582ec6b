"""CloudFront: a distribution carries its own cluster tag and what its origins lead to; an alias, its distribution's.

A bucket leads to no machine. Where an origin outside AWS and the account's hosted zones leads, no look-up shows.
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_ListDistributions.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from attrs import evolve

from guardrails.resolve.resources import route53_names
from guardrails.resolve.resources.resolver import (
    Answers,
    Context,
    Item,
    Part,
    Resolver,
    carried_by,
    same_name,
    strings,
)
from guardrails.resolve.resources.tagging_api import TAGGED, tagged, tagged_with
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_LISTED = Lookup("cloudfront", "ListDistributions", "DistributionList")
_OF_AWS = re.compile(r"\.(elb|compute(-1)?|rds|elasticbeanstalk|awsglobalaccelerator)\.([a-z0-9-]+\.)?amazonaws\.com$|"
                     r"\.(elasticbeanstalk|awsglobalaccelerator)\.com$")  # fmt: skip

# Of the other names of AWS, none is a machine's.
_AWS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".api.aws")

# Their tags are in this region, wherever the call comes from.
_REGION = "us-east-1"
_KIND = "cloudfront:distribution"


def _lookups(_call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    tags = (evolve(each, region=_REGION) for each in tagged_with(keys, [_KIND]))
    return (_LISTED, *tags, *route53_names.ASKS[:1])


def _distributions(ref: TargetRef, call: Call, answers: Answers) -> list[Item]:
    answer = answers.get(_LISTED.key())
    items = [item for page in (answer.items if answer else ()) for item in page.get("Items") or ()]
    if ref.type == "cdn-distribution":
        return [item for item in items if ref.id == item.get("Id")]
    # AWS moves an alias from one distribution to another; to leave it where it is hurts no one.
    held = [item for item in items if ref.id.lower() in map(str.lower, strings("Aliases.Items", item))]
    given = call.params.get("TargetResource")
    to = given.get("DistributionId") if isinstance(given, Mapping) else call.params.get("TargetDistributionId")
    return [item for item in held if item.get("Id") != to]


def _origins(ref: TargetRef, call: Call, answers: Answers) -> tuple[Part, ...]:
    found = []
    for item in _distributions(ref, call, answers):
        # A disabled one answers nobody.
        for name in strings("Origins.Items[].DomainName", item) if item.get("Enabled", True) else ():
            kind = "dns" if _OF_AWS.search(name.lower()) else "dns-name"
            if kind == "dns" or route53_names.has_zone(name, answers):
                found.append(Part(f"origin {name}", (TargetRef(name, kind),)))
    return tuple(found)


def _outside(items: list[Item], answers: Answers) -> list[str]:
    """The origins whose records are somewhere else; none if another origin can be followed."""
    names = [
        name for item in items if item.get("Enabled", True) for name in strings("Origins.Items[].DomainName", item)
    ]
    if any(_OF_AWS.search(name.lower()) or route53_names.has_zone(name, answers) for name in names):
        return []
    return sorted(name for name in names if not name.lower().endswith(_AWS))


def _resolve(ref: TargetRef, context: Context) -> Target:
    items = _distributions(ref, context.call, context.answers)
    names = [str(item.get("ARN") or item["Id"]) for item in items]
    rows = [
        row for row in tagged(context, [_KIND], _REGION) if any(same_name(row["ResourceARN"], each) for each in names)
    ]
    clusters = carried_by(rows, context)
    outside = [] if clusters else _outside(items, context.answers)
    facts: TargetFacts = {"traced": False, "look_at": [f"where {name} leads" for name in outside]} if outside else {}
    # A name that no distribution of this account has is taken from nobody here.
    resolved = bool(items) or ref.type == "cdn-alias"
    return Target(ref.id, ref.type, ref.role, resolved=resolved, clusters=clusters, facts=facts)


_RESOLVER = Resolver(
    _resolve,
    (_LISTED, TAGGED, *route53_names.ASKS),
    _lookups,
    parts=_origins,
)
RESOLVERS = {"cdn-distribution": _RESOLVER, "cdn-alias": _RESOLVER}
