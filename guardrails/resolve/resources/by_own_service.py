"""Resources of the call's own service by their cluster tag, by whatever the call names them: one without it has none.

Services write names into ARNs in their own ways: Secrets Manager appends six characters, Lambda's calls may add an
alias, a queue is named by its URL, and some ARNs end with an id that no call uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from attrs import evolve

from guardrails.aws.parents import beside
from guardrails.resolve.resources import described
from guardrails.resolve.resources.arns import resource_of, service_of
from guardrails.resolve.resources.naming import closest, is_certain, is_other, is_under, means
from guardrails.resolve.resources.parts import part_of
from guardrails.resolve.resources.resolver import (
    Answers,
    Context,
    Item,
    Resolver,
    carried_by,
    judged,
    last_part,
    named,
    tags_of,
    unknown,
)
from guardrails.resolve.resources.tagging_api import (
    TAGGED,
    answered,
    believable,
    in_stacks,
    samples,
    tagged,
    tagged_with,
)
from guardrails.values import Call, Lookup, Target, TargetFacts, TargetRef

_KIND = "tagged"
# A queue, and what takes messages from it that nothing else gets then.
_SOURCE, _TAKER = "message-source", "message-taker"
# Services in ARNs, and the keys that their further APIs have in the catalogue.
_APIS = {
    "apigateway": "apigatewayv2",
    "bedrock": "bedrock-agent bedrock-data-automation",
    "bedrock-agentcore": "bedrock-agentcore-control",
    "chime": "chime-sdk-identity chime-sdk-media-pipelines chime-sdk-messaging chime-sdk-voice",
    "cloudhsm": "cloudhsmv2",
    "cloudwatch": "monitoring",
    "connect-campaigns": "connectcampaigns connectcampaignsv2",
    "elasticloadbalancing": "elb elbv2",
    "es": "opensearch",
    "greengrass": "greengrassv2",
    "kinesisanalytics": "kinesisanalyticsv2",
    "lex": "lexv2-models lex-models",
    "resiliencehub": "resiliencehubv2",
    "s3": "s3control",
    "servicecatalog": "servicecatalog-appregistry",
    "ses": "sesv2 mailmanager pinpoint-email",
    "sms-voice": "pinpoint-sms-voice-v2",
}
_ARN_SERVICES = {key: service for service, keys in _APIS.items() for key in keys.split()}
# NAME or NAME:ALIAS, behind any of the parts of an ARN: ACCOUNT:NAME, function:NAME, REGION:ACCOUNT:function:NAME
# (https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html, the pattern of FunctionName).
_FUNCTION = re.compile(
    r"(?:arn:[^:]*:lambda:)?(?:[a-z]+(?:-[a-z]+)+-\d:)?(?:\d{12}:)?(?:function:)?(?P<name>[\w.-]++)(?::[\w$.-]++)?"
)
# An id that AWS made up and that no call uses as a name.
_MADE_UP = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# Services in ARNs whose resources another one's calls name, too: directory buckets, and those of Outposts.
_NAMED_WITH = {"s3": ("s3", "s3express", "s3-outposts")}


def _service(call: Call) -> str:
    """The name that ARNs have for the call's service."""
    return _ARN_SERVICES.get(call.service, call.service)


def _lookups(call: Call, keys: tuple[str, ...]) -> tuple[Lookup, ...]:
    # Of any service: the tagging API's name for one may differ from the one that signs its requests.
    names = [name for name in named(call, _KIND, _SOURCE, _TAKER) if not part_of(name, call)]
    return (*tagged_with(keys), *samples(keys), *_describing(names, call, {}))


def _describing(names: Iterable[str], call: Call, answers: Answers) -> Iterable[Lookup]:
    found = (described.describing(name, call, answers) for name in names)
    return (lookup for lookup in found if lookup)


def _followups(call: Call, answers: Answers) -> tuple[Lookup, ...]:
    items, names = answered(answers, but=in_stacks()), named(call, _KIND, _SOURCE, _TAKER)
    missing = [name for name in names if not _meant(name, items, call, answers)]
    # Of a part with a tag of its own nobody need ask whose it is.
    asked = [name for name in names if name in missing or not part_of(name, call)]
    return (*_describing(asked, call, answers), *(in_stacks() if missing else ()))


def _names(name: str, call: Call, answers: Answers) -> list[str]:
    """A name or ARN as the tagging API may show it."""
    service = _service(call)
    if service == "lambda" and (function := _FUNCTION.fullmatch(name)):
        return [function["name"]]
    says = described.described(name, call, answers)
    if says is not None:
        return [value for item in says for value in item.values() if _is_arn(value, service)] or [name]
    # A queue is named by its URL, a parameter may begin with a slash, and a log group's ARN may end with an asterisk.
    if "://" in name:
        name = name.rstrip("/").rpartition("/")[2]
    return [name.removeprefix("/" if service == "ssm" else "").removesuffix(":*")]


def _wholes(name: str, items: Sequence[Item], call: Call, answers: Answers) -> list[Item]:
    """What it is a part of: named beside it in the call, by what describes it, or at the beginning of its ARN."""
    names = (*beside(name, call.params), *described.wholes(name, call, answers))
    named = [item for each in names for item in _meant(each, items, call, answers)]
    above = [item for item in items if is_under(name, item["ResourceARN"])]
    return [*named, max(above, key=lambda item: len(item["ResourceARN"]))] if above else named


def _is_arn(value: object, service: str) -> bool:
    return isinstance(value, str) and service_of(value) in _NAMED_WITH.get(service, (service,))


def _meant(name: str, items: Sequence[Item], call: Call, answers: Answers) -> list[Item]:
    """What the tagging API lists under a name, an ARN or a URL of the call's own service."""
    service = _service(call)
    names = _names(name, call, answers)
    if service == "secretsmanager" or not name.startswith("arn:"):
        items = tuple(item for item in items if _is_arn(item["ResourceARN"], service))
    whole = [each for each in names if each.startswith("arn:")]
    if whole and service != "secretsmanager":
        return [item for item in items if item["ResourceARN"].removesuffix(":*") in whole]

    def found(case: Callable[[str], str]) -> list[Item]:
        arns = [(item, item["ResourceARN"]) for item in items]
        return [item for item, arn in arns if any(means(case(each), case(arn)) for each in names)]

    exact, folded = (
        [item for item in each if not any(is_other(part, item["ResourceARN"], call) for part in names)]
        for each in (found(str), found(str.lower))
    )
    return _within(exact or folded, call)


def _within(items: list[Item], call: Call) -> list[Item]:
    """Of resources with the same name, those whose ARN has most of what else the call names, such as an API."""
    words = {value for value in call.params.values() if isinstance(value, str)}
    return closest(items, lambda arn: len(words & {*re.split("[:/]", resource_of(arn))}))


def _resolve(ref: TargetRef, context: Context) -> Target:
    # A part without a tag of its own is its whole's.
    items, call = tagged(context), context.call
    meant = _meant(ref.id, items, call, context.answers)
    names = _names(ref.id, call, context.answers)
    if not meant or not all(is_certain(name, item["ResourceARN"], call) for item in meant for name in names):
        # What may be another's of the same name says nothing for the whole that the call names.
        meant += _wholes(ref.id, items, call, context.answers)
    if not meant and (not believable(context) or _may_be_live(ref.id, items, context)):
        return unknown(ref, _KIND)
    clusters = carried_by(meant, context)
    tags = tags_of(meant[0]) if meant else {}
    facts: TargetFacts = {"marked": bool(clusters)}
    return Target(ref.id, _KIND, ref.role, resolved=True, clusters=clusters, tags=tags, facts=facts)


def _may_be_live(name: str, items: Iterable[Item], context: Context) -> bool:
    """Whether the live cluster has resources of the service whose ARNs do not show the names that calls use."""
    if name.startswith("arn:") or _MADE_UP.fullmatch(name):
        return False
    if described.describing(name, context.call, context.answers):
        return False
    service = _service(context.call)
    hidden = [
        item
        for item in items
        if _is_arn(item["ResourceARN"], service) and _MADE_UP.fullmatch(last_part(item["ResourceARN"]))
    ]
    return not {*carried_by(hidden, context)}.isdisjoint(context.live_clusters)


def _on_machines(ref: TargetRef, context: Context) -> Target:
    """An application of SAP that has no cluster tag may be on any machine, and those may have one."""
    target = evolve(_resolve(evolve(ref, type=_KIND), context), type=ref.type)
    if target.clusters or not target.resolved:
        return target
    return evolve(
        target, facts={**target.facts, "traced": False, "look_at": ["ssm-sap:GetComponent of its components"]}
    )


def _taken_from(ref: TargetRef, context: Context) -> Target:
    """A queue: its messages stay with its cluster where everything that takes them is that cluster's, too."""
    target = evolve(_resolve(evolve(ref, type=_KIND), context), type=_SOURCE)
    takers = [_taker(each, context) for each in context.call.targets if each.type == _TAKER]
    keep = takers and all({*target.clusters} <= {*each.clusters} for each in takers)
    harm = None if keep else f"{', '.join(each.id for each in takers)} does not carry the tag of its cluster"
    return judged(target, harm, "what takes its messages is of the same cluster")


def _taker(ref: TargetRef, context: Context) -> Target:
    """A function or a queue, by its own tag: what the call names beside it says nothing about it."""
    meant = _meant(ref.id, tagged(context), context.call, context.answers)
    return Target(ref.id, _TAKER, ref.role, resolved=True, clusters=carried_by(meant, context))


RESOLVERS = {
    _SOURCE: Resolver(_taken_from, (TAGGED, *described.ASKS), _lookups, _followups),
    _TAKER: Resolver(_taker, (TAGGED, *described.ASKS), _lookups, _followups),
    "sap-application": Resolver(_on_machines, (TAGGED,), _lookups, _followups),
    _KIND: Resolver(_resolve, (TAGGED, *described.ASKS), _lookups, _followups),
}
