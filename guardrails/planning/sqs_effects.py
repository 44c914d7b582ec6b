"""What the calls of SQS do to queues, as GetQueueUrl and GetQueueAttributes show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guardrails.planning.effects import Effect, Planned, register
from guardrails.planning.request import Request
from guardrails.planning.world import World

QUEUE, ATTRIBUTE = "Queue", "QueueAttribute"
# Of a queue that is new.
_ATTRIBUTES = {
    "ApproximateNumberOfMessages": "0", "ApproximateNumberOfMessagesNotVisible": "0",
    "ApproximateNumberOfMessagesDelayed": "0", "VisibilityTimeout": "30", "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600", "DelaySeconds": "0", "ReceiveMessageWaitTimeSeconds": "0",
    "SqsManagedSseEnabled": "true",
}  # fmt: skip


@register("sqs", "CreateQueue")
def _new(planned: Planned) -> Effect:
    name, region, account = str(planned.params.get("QueueName")), planned.call.region, planned.account
    url = f"https://sqs.{region}.amazonaws.com/{account}/{planned.ids.other()}"
    arn = f"arn:aws:sqs:{region}:{account}:{name}"
    attributes = {**_ATTRIBUTES, "QueueArn": arn, **(planned.params.get("Attributes") or {})}
    item = {"QueueUrl": url, "QueueName": name, "Attributes": attributes}
    # A list of queues is not among what the plan knows.
    return Effect((planned.change(QUEUE, url, item),), {"QueueUrl": url}, known=False)


@register("sqs", "DeleteQueue")
def _ended(planned: Planned) -> Effect:
    return Effect((planned.change(QUEUE, str(planned.params.get("QueueUrl")), None),), known=False)


@register("sqs", "SetQueueAttributes")
def _set(planned: Planned) -> Effect:
    url, attributes = planned.params.get("QueueUrl"), planned.params.get("Attributes") or {}
    changes = (planned.change(ATTRIBUTE, f"{url} {name}", {"Value": value}) for name, value in attributes.items())
    return Effect(tuple(changes), known=False)


def ended(world: World, request: Request) -> str | None:
    """The queue that the plan has deleted, where a read names it by its URL or its name."""
    if request.service != "sqs":
        return None
    url, name = request.params.get("QueueUrl"), request.params.get("QueueName")
    gone = (each for each, item in world.of_kind("sqs", request.place, QUEUE).items() if item is None)
    return next((each for each in gone if each == url or (name and each.endswith(f"/{name}"))), None)


def as_set(world: World, request: Request, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """AWS's answer to GetQueueAttributes with what the plan has set since."""
    if request.service != "sqs" or request.operation != "GetQueueAttributes":
        return answer
    later = _later(world, request)
    return {**answer, "Attributes": {**(answer.get("Attributes") or {}), **_wanted(later, request.params)}}


def _later(world: World, request: Request) -> dict[str, str]:
    start = f"{request.params.get('QueueUrl')} "
    changed = world.of_kind("sqs", request.place, ATTRIBUTE)
    return {
        name.removeprefix(start): item["Value"] for name, item in changed.items() if item and name.startswith(start)
    }


def queue(world: World, request: Request) -> dict[str, Any] | None:
    """What AWS says of a queue that the plan has made; None for others."""
    if request.service != "sqs" or request.operation not in ("GetQueueAttributes", "GetQueueUrl"):
        return None
    queues, params = world.of_kind("sqs", request.place, QUEUE), request.params
    if request.operation == "GetQueueUrl":
        found = [each for each in queues.values() if each and each["QueueName"] == params.get("QueueName")]
        return {"QueueUrl": found[-1]["QueueUrl"]} if found else None
    own = queues.get(str(params.get("QueueUrl")))
    return None if own is None else {"Attributes": _wanted({**own["Attributes"], **_later(world, request)}, params)}


def _wanted(attributes: Mapping[str, str], params: Mapping[str, Any]) -> dict[str, str]:
    names = params.get("AttributeNames") or ()
    return {name: value for name, value in attributes.items() if "All" in names or name in names}
