"""A plan as the handler of the gates: reads go to AWS, everything else is answered by the planner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.exceptions import BotoCoreError
from botocore.serialize import create_serializer

from guardrails.intercept.request.outgoing import Outgoing, of_dict
from guardrails.intercept.ticket import ONLY_ASKS
from guardrails.planning import s3_effects, sqs_effects
from guardrails.planning.answers import item_of, not_found_code
from guardrails.planning.entry import NOT_PERMITTED
from guardrails.planning.gates import Outbound, pass_on
from guardrails.planning.planned_ids import is_planned, planned_in
from guardrails.planning.planner import Planner
from guardrails.planning.request import Request


class Rehearsal:
    """Answers the calls of this process for as long as it is `active`."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.judge = planner.judge
        self.active = False

    def kind(self, service: str | None, operation: str) -> str:
        """``read``, ``change`` or ``unknown``."""
        return self._planner.kind(service, operation)

    def refused(self, service: str | None, operation: str, out: Outgoing, how: str) -> Exception:
        """The exception for a request that no client made as an ordinary call; it is in the plan."""
        return self._planner.refused(service, operation, out, how)

    def handle(self, call: Outbound, send: Callable[[dict[str, Any]], Any]) -> Any:
        """A client's call."""
        services, out = self.judge.services, of_dict(call.request)
        model = call.model.service_model
        service = services.of_model(model)
        operation = services.action(service, call.model.name, out)
        context = call.request.get("context") or {}
        region = str(context.get("client_region") or "")
        reads = self.kind(service, operation) == "read"
        if reads and (service in _CREDENTIALS or not self._planner.reading.may_differ(service, region)):
            pass_on(self, call, service, operation, out)
            return send(call.request)
        request = self._planner.request(model, operation, out, context, call.signer, call.credentials)
        if reads:
            return self._read(call, request, send)
        answer = self._planner.planned(request, self._permission(call, request, send))
        return _response(out.url, answer["ResponseMetadata"]["HTTPStatusCode"]), answer

    def _permission(self, call: Outbound, request: Request, send: Callable[[dict[str, Any]], Any]) -> str:
        """AWS's own word on a call of EC2, where it was asked for; "" otherwise."""
        shape, body = call.model.input_shape, call.request.get("body")
        if not self._planner.options.get("ask_aws") or request.service != "ec2" or not isinstance(body, Mapping):
            return ""
        if shape is None or "DryRun" not in shape.members or planned_in(dict(request.params)):
            return ""
        context = {**(call.request.get("context") or {}), ONLY_ASKS: True}
        asked = Outbound(call.endpoint, call.model, {**call.request, "body": {**body, "DryRun": "true"}}, call.signer)
        asked.request["context"] = context
        pass_on(self, asked, request.service, request.operation, of_dict(asked.request))
        try:
            _, parsed = send(asked.request)
        except BotoCoreError as error:
            return f"no answer: {error}"
        word = parsed.get("Error") or {}
        code = str(word.get("Code", ""))
        if code == "DryRunOperation":
            return "permitted"
        return f"{NOT_PERMITTED if 'Unauthorized' in code else code}: {word.get('Message', '')}"

    def _read(self, call: Outbound, request: Request, send: Callable[[dict[str, Any]], Any]) -> Any:
        if (known := self._head(request)) is not None:
            return known
        named = self._planner.reading.named(request)
        world = self._planner.journal.world
        gone = next((name for name, item in named.items() if item is None), sqs_effects.ended(world, request))
        if gone is not None:
            return _not_found(request, call.model, gone)
        asked, nothing_left = _askable(call.request, call.model, request)
        if nothing_left:
            return _response(request.out.url), self._planner.reading.as_it_would_be(
                request, _nothing(call.model, request)
            )
        sent = Outbound(call.endpoint, call.model, asked, call.signer)
        pass_on(self, sent, request.service, request.operation, of_dict(asked))
        http, parsed = send(asked)
        if http.status_code >= 300 and _is_missing(parsed):
            # Perhaps only the plan knows it: by a name that the script gave, or an address.
            made = self._planner.reading.as_it_would_be(request, _EMPTY)
            if named or any(isinstance(rows, list) and rows for rows in made.values()):
                return _response(request.out.url), made
            self._planner.reading.missing(request)
        if http.status_code >= 300 or request.call.undecodable:
            return http, parsed
        return http, sqs_effects.as_set(world, request, self._planner.reading.as_it_would_be(request, parsed))

    def _head(self, request: Request) -> tuple[AWSResponse, dict[str, Any]] | None:
        """The answer to a question for a bucket, an object or a queue that the plan made or ended."""
        world = self._planner.journal.world
        for known in (s3_effects.listed(world, request), sqs_effects.queue(world, request)):
            if known is not None:
                return _response(request.out.url), {**_EMPTY, **known}
        if request.service != "s3" or request.operation not in ("HeadBucket", "HeadObject"):
            return None
        noun, name = s3_effects.head(request.params)
        things = self._planner.journal.world.of_kind("s3", request.place, noun)
        if name not in things:
            return None
        item, url = things[name], request.out.url
        if item is None:
            metadata = {**_EMPTY["ResponseMetadata"], "HTTPStatusCode": 404}
            return _response(url, 404), {"Error": {"Code": "404", "Message": "Not Found"}, "ResponseMetadata": metadata}
        return _response(url), {**_EMPTY, **item}


# They give credentials. A decision that is being made may need these, so they wait for none.
_CREDENTIALS = frozenset(("sts", "awsssoportal", "sso-oauth", "signin", "eks-auth"))
_EMPTY: Mapping[str, Any] = {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}}


def _nothing(model: Any, request: Request) -> Mapping[str, Any]:
    """An answer to a question for what only the plan knows: empty lists, and that something is ready."""
    shape = model.output_shape
    return {**(item_of(shape, request.params, {}) if shape is not None else {}), **_EMPTY}


def _is_missing(answer: Mapping[str, Any]) -> bool:
    """Whether AWS says that something does not exist."""
    code = str((answer.get("Error") or {}).get("Code", ""))
    return any(word in code for word in ("NotFound", "NoSuch", "DoesNotExist", "ValidationError"))


def _not_found(request: Request, model: Any, name: str) -> tuple[AWSResponse, dict[str, Any]]:
    """AWS's answer to a read that names what is gone; waiters end with it."""
    error = {"Code": not_found_code(request.service, model), "Message": f"{name} does not exist: the plan has ended it"}
    metadata = {"HTTPStatusCode": 400, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "planned"}
    return _response(request.out.url, 400), {"Error": error, "ResponseMetadata": metadata}


def _response(url: str, status: int = 200) -> AWSResponse:
    made: Any = AWSResponse(url, status, cast("Any", HeadersDict({})), None)
    made._content = b""
    return cast("AWSResponse", made)


def _askable(wire: dict[str, Any], model: Any, request: Request) -> tuple[dict[str, Any], bool]:
    """The request without the ids that AWS cannot know; and whether nothing is left to ask."""
    params = dict(request.params)
    if not planned_in(params) or not isinstance(wire.get("body"), Mapping):
        return wire, bool(planned_in(params))
    for name, value in request.params.items():
        if is_planned(value):
            return wire, True
        if isinstance(value, list) and name != "Filters" and planned_in(value):
            params[name] = [each for each in value if not planned_in(each)]
            if not params[name]:
                return wire, True
    serializer = create_serializer(model.service_model.metadata["protocol"], include_validation=False)
    return {**wire, "body": serializer.serialize_to_request(params, model)["body"]}, False
