"""The functions that stand before botocore's, one for each kind of place in `gates`.

Each takes botocore's own function and gives the one in its place. A request with a ticket and no seal was harmless when
it set out: the gates on its way let it pass at once, and the one where it is sent looks at it again.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from botocore.awsrequest import AWSPreparedRequest

from guardrails.errors import CallDenied
from guardrails.intercept import aio
from guardrails.intercept.checks import Checks
from guardrails.intercept.traceback import trimmed
from guardrails.intercept.tripwire import Tripwire


class Replacements:
    """Those of one guard.

    `remember(client)` is told of a client that is used for the first time; the others are as the Interceptor's.
    """

    def __init__(
        self,
        checks: Checks,
        remember: Callable[[Any], None],
        returned: Callable[[str | None, int | None], None],
        spawn: Callable[[Any], Any],
        tripwire: Tripwire | None,
    ) -> None:
        self._checks = checks
        self._key = checks.judge.key
        self._remember = remember
        self._returned = returned
        self.spawn = spawn
        self._tripwire = tripwire

    def by_kind(self) -> Mapping[str, Callable[[Any], Any]]:
        """For `Gates`."""
        return {
            "api_call": self.api_call,
            "make_request": self.make_request,
            "sign": self.sign,
            "add_auth": self.add_auth,
            "prepare": self.prepare,
            "send": self.send,
            "sign_async": self.sign_async,
            "send_async": self.send_async,
            "spawn": self.spawn,
        }

    def api_call(self, original: Any) -> Any:
        """Gives a client its handlers, and a denial the traceback of the person's own code."""
        # The client's own dict, because asking a weak set costs as much as a gate.
        known = self._key

        def _make_api_call(client: Any, operation_name: str, api_params: Any) -> Any:
            if known not in client.__dict__ and self._checks.active:
                self._remember(client)
            try:
                return original(client, operation_name, api_params)
            except CallDenied as error:
                raise trimmed(error)  # noqa: B904  (it is the same one)

        return _make_api_call

    def make_request(self, original: Any) -> Any:
        """Below the events."""
        key = self._key

        def make_request(endpoint: Any, operation_model: Any, request_dict: dict[str, Any]) -> Any:
            context = request_dict.get("context")
            ticket = context.get(key) if context is not None else None
            if ticket is not None and ticket.seal is None:
                return original(endpoint, operation_model, request_dict)
            case = self._checks.requesting(endpoint, operation_model, request_dict)
            waiting = self._checks.settle(case, case.signer) if case is not None else None
            if waiting is not None:
                return aio.after(waiting, lambda: original(endpoint, operation_model, request_dict))
            return original(endpoint, operation_model, request_dict)

        return make_request

    def sign(self, original: Any) -> Any:
        """A signer, presigning included."""
        key = self._key

        def sign(
            signer: Any,
            operation_name: str,
            request: Any,
            region_name: Any = None,
            signing_type: str = "standard",
            *args: Any,
            **kwargs: Any,
        ) -> Any:
            ticket = request.context.get(key)
            if ticket is None or ticket.seal is not None:
                case = self._checks.signing(signer, operation_name, request, presigned=signing_type != "standard")
                if case is not None:
                    self._checks.judge.settle(case)
            if not args and not kwargs:
                # How every request is signed. Python calls a function faster when it need not unpack for it.
                return original(signer, operation_name, request, region_name, signing_type)
            return original(signer, operation_name, request, region_name, signing_type, *args, **kwargs)

        return sign

    def sign_async(self, original: Any) -> Any:
        """The same of aiobotocore."""
        key = self._key

        async def sign(
            signer: Any,
            operation_name: str,
            request: Any,
            region_name: Any = None,
            signing_type: str = "standard",
            *args: Any,
            **kwargs: Any,
        ) -> Any:
            ticket = request.context.get(key)
            if ticket is None or ticket.seal is not None:
                case = self._checks.signing(signer, operation_name, request, presigned=signing_type != "standard")
                if case is not None:
                    await aio.settle(self._checks.judge, case)
            return await original(signer, operation_name, request, region_name, signing_type, *args, **kwargs)

        return sign

    def add_auth(self, original: Any) -> Any:
        """A signature."""
        key = self._key

        def add_auth(auth: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            ticket = request.context.get(key)
            if ticket is None or ticket.seal is not None:
                case = self._checks.authorizing(auth, request)
                if case is not None:
                    self._checks.judge.settle(case)
            if not args and not kwargs:
                return original(auth, request)
            return original(auth, request, *args, **kwargs)

        return add_auth

    def prepare(self, original: Any) -> Any:
        """Hands the ticket on, where botocore does not."""
        if "context" in inspect.signature(AWSPreparedRequest).parameters:
            return original

        def prepare(request: Any) -> Any:
            prepared = original(request)
            if getattr(prepared, "context", None) is None:
                prepared.context = request.context
            return prepared

        return prepare

    def send(self, original: Any) -> Any:
        """What leaves."""
        passed = original if self._tripwire is None else self._told(original, self._tripwire)
        key, harmless = self._key, self._checks.judge.still_harmless

        def send(session: Any, request: Any) -> Any:
            context = getattr(request, "context", None)
            ticket = context.get(key) if context is not None else None
            if ticket is not None and ticket.seal is None and harmless(ticket, request):
                return passed(session, request)
            if self._checks.active:
                case = self._checks.sending(request)
                if case is not None:
                    self._checks.judge.settle(case)
                if self._checks.mark(request):
                    response = None
                    try:
                        response = passed(session, request)
                    finally:
                        self._came_back(request, response)
                    return response
            return passed(session, request)

        return send

    def send_async(self, original: Any) -> Any:
        """The same of aiobotocore."""
        key, harmless = self._key, self._checks.judge.still_harmless

        async def send(session: Any, request: Any) -> Any:
            context = getattr(request, "context", None)
            ticket = context.get(key) if context is not None else None
            if ticket is not None and ticket.seal is None and harmless(ticket, request):
                return await original(session, request)
            if self._checks.active:
                case = self._checks.sending(request)
                if case is not None:
                    await aio.settle(self._checks.judge, case)
                if self._checks.mark(request):
                    response = None
                    try:
                        response = await original(session, request)
                    finally:
                        self._came_back(request, response)
                    return response
            return await original(session, request)

        return send

    def _came_back(self, request: Any, response: Any) -> None:
        ticket = self._checks.judge.ticket(getattr(request, "context", None))
        self._returned(ticket.decision_id if ticket is not None else None, getattr(response, "status_code", None))

    @staticmethod
    def _told(original: Any, tripwire: Tripwire) -> Any:
        def send(session: Any, request: Any) -> Any:
            with tripwire.passing():
                return original(session, request)

        return send
