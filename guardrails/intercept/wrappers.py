"""The functions that take the place of botocore's, one for each kind in `gates.PATCH_POINTS`.

The endpoint's is in endpoint.py. Each takes botocore's own function last and returns its replacement. A request with a
ticket and no seal was ungoverned when it set out: the gates on its way let it pass at once, and the one where it is
sent looks at it again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.awsrequest import AWSPreparedRequest

from guardrails.aws.uninstrumented import OWN, unwrapped
from guardrails.errors import CallDenied
from guardrails.intercept import aio
from guardrails.intercept.api_call import joining, joining_async, within_async
from guardrails.intercept.endpoint import GATE
from guardrails.intercept.glance import GovernedNames
from guardrails.intercept.judge import Judge
from guardrails.intercept.parts import in_parts
from guardrails.intercept.ticket import PendingRequest
from guardrails.intercept.traceback import trimmed
from guardrails.intercept.tripwire import Tripwire
from guardrails.waiting.interruptions import fails_by_itself

# What must be decided on before botocore's function may run with these arguments.
Check = Callable[..., PendingRequest | None]


def api_call(
    judge: Judge, remember: Callable[[Any], GovernedNames], listen: Callable[[Any], None], original: Any
) -> Any:
    """Remember a client, listen to its events from its first governed call on, and shorten a denial's traceback."""
    known = judge.key
    # For the guard's own clients: without the tracers that were there first.
    plain = unwrapped(original)

    def _make_api_call(client: Any, operation_name: str, api_params: Any) -> Any:
        own = client.__dict__
        governed = own.get(known)
        if governed is None and judge.active:
            governed = remember(client)
        call = plain if OWN in own else original
        try:
            if governed is not None:
                if not governed[operation_name]:
                    # If a handler turns it into a governed call, its decisions count as sent.
                    return call(client, operation_name, api_params)
                if operation_name in governed.joining:
                    joined = partial(judge.joined, governed.service, operation_name)
                    return joining(joined, call, client, operation_name, api_params)
                if not governed.listening:
                    listen(client)
            splitter = judge.splitter if judge.active else None
            return in_parts(splitter, judge.finished, call, client, operation_name, api_params)
        except CallDenied as error:
            raise trimmed(error)  # noqa: B904  (the same error)

    return _make_api_call


def api_call_async(judge: Judge, listen: Callable[[Any], None], original: Any) -> Any:
    """The same for a client of aiobotocore, whose events are listened to from the first call on."""
    known = judge.key

    async def _make_api_call(client: Any, operation_name: str, api_params: Any) -> Any:
        if known not in client.__dict__ and judge.active:
            listen(client)
        call = within_async(judge.finished, original, client, operation_name, api_params)
        names = client.__dict__.get(known)
        if names is None or not names[operation_name] or operation_name not in names.joining:
            return await call
        return await joining_async(partial(judge.joined, names.service, operation_name), call)

    return _make_api_call


def sign(judge: Judge, original: Any) -> Any:
    """A signer, presigning included."""
    check, key = _signing(judge), judge.key

    def sign(signer: Any, operation_name: str, request: Any, *args: Any, **kwargs: Any) -> Any:
        ticket = request.context.get(key)
        if ticket is not None and ticket.seal is None and not args and not kwargs:
            # As nearly every request is signed; Python calls it faster without the rest.
            return original(signer, operation_name, request)
        pending = check(signer, operation_name, request, *args, **kwargs)
        if pending is not None:
            judge.decide(pending)
        return original(signer, operation_name, request, *args, **kwargs)

    return sign


def sign_async(judge: Judge, original: Any) -> Any:
    """A signer of aiobotocore."""
    check = _signing(judge)

    async def sign(signer: Any, operation_name: str, request: Any, *args: Any, **kwargs: Any) -> Any:
        pending = check(signer, operation_name, request, *args, **kwargs)
        if pending is not None:
            await aio.decide_in_thread(judge, pending)
        return await original(signer, operation_name, request, *args, **kwargs)

    return sign


def _signing(judge: Judge) -> Check:
    key = judge.key

    def check(
        signer: Any,
        operation_name: str,
        request: Any,
        region_name: Any = None,  # noqa: ARG001  (as botocore's signature has it)
        signing_type: str = "standard",
        *_: Any,
        **__: Any,
    ) -> PendingRequest | None:
        ticket = request.context.get(key)
        if ticket is not None and ticket.seal is None:
            return None
        return judge.review_signing(signer, operation_name, request, presigned=signing_type != "standard")

    return check


def add_auth(judge: Judge, original: Any) -> Any:
    """A signature, perhaps made without a signer."""
    key, check = judge.key, judge.review_authorizing

    def add_auth(auth: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        ticket = request.context.get(key)
        if ticket is None or ticket.seal is not None:
            pending = check(auth, request)
            if pending is not None:
                judge.decide(pending)
        return original(auth, request, *args, **kwargs)

    return add_auth


def prepare(original: Any) -> Any:
    """Hands the ticket on, where botocore does not."""
    if "context" in inspect.signature(AWSPreparedRequest).parameters:
        return original

    def prepare(request: Any) -> Any:
        prepared = original(request)
        if getattr(prepared, "context", None) is None:
            prepared.context = request.context
        return prepared

    return prepare


def send(judge: Judge, tripwire: Tripwire | None, original: Any) -> Any:
    """What leaves the process."""
    key = judge.key
    if tripwire is not None:
        original = tripwire.expecting(original)

    def send(session: Any, request: Any) -> Any:
        # As `still_ungoverned`, without a call of it: nearly every request leaves here.
        context = getattr(request, "context", None)
        ticket = context.get(key) if context is not None else None
        glance = ticket.glance if ticket is not None else None
        try:
            clear = glance is not None and glance.still_fits(request)
        except Exception as error:
            if glance is None or not fails_by_itself(error, partial(glance.still_fits, request)):
                raise
            clear = False
        if clear:
            return original(session, request)
        pending = judge.review_sending(request)
        if pending is not None:
            judge.decide(pending)
        decision_id, response, failure, tried = judge.mark(request), None, None, False
        try:
            judge.leaves(decision_id)
            # In one line: a signal's exception comes after the mark of `leaves`, and nothing was sent, or after this.
            response = original(session, (tried := True) and request)
        except BaseException as error:
            failure = error
            raise
        finally:
            judge.came_back(decision_id, response, failure, tried=tried)
        return response

    send.__dict__[GATE] = True
    return send


def send_async(judge: Judge, original: Any) -> Any:
    """What leaves the process through aiobotocore."""
    still_ungoverned = judge.still_ungoverned

    async def send(session: Any, request: Any) -> Any:
        if still_ungoverned(request):
            return await original(session, request)
        pending = judge.review_sending(request)
        if pending is not None:
            await aio.decide_in_thread(judge, pending)
        decision_id, response, failure, tried = judge.mark(request), None, None, False
        try:
            judge.leaves(decision_id)
            # In one line: a signal's exception comes after the mark of `leaves`, and nothing was sent, or after this.
            response = await original(session, (tried := True) and request)
        except BaseException as error:
            failure = error
            raise
        finally:
            judge.came_back(decision_id, response, failure, tried=tried)
        return response

    send.__dict__[GATE] = True
    return send
