"""Nearly every call of a process is ungoverned: what its requests look like is worked out once for each operation.

`Judge.review` answers the same question thoroughly, and whenever a request does not look as expected here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.awsrequest import HeadersDict
from botocore.model import OperationModel

from guardrails.intercept.request.operation import KnownOperations, Services
from guardrails.intercept.request.routes import protocol_of

_TARGET = "X-Amz-Target"
_LOWER = _TARGET.lower()


class Glance:
    """What a request for one ungoverned operation looks like. Must cost next to nothing."""

    __slots__ = ("_clear", "_form", "_known", "_operation", "_path", "_rest", "_target", "_target_sent",
                 "_target_whole")  # fmt: skip

    def __init__(self, services: Services, service: str, model: OperationModel) -> None:
        """`model` is the client's; only for a service with a REST protocol is the guard's own read as well."""
        self._known = service in services.known
        rest = protocol_of(model.service_model).startswith("rest-")
        self._rest = services.rest(service) if rest else None
        # The last method and URL that were clear: a request is looked at twice.
        self._clear = ("", "")
        self._operation = operation = model.name
        self._form = f"Action={operation}&"
        self._target = f".{operation}"
        self._target_sent = self._target.encode()
        # As botocore sends it. Another spelling takes longer.
        self._target_whole = f"{model.service_model.metadata.get('targetPrefix', '')}{self._target}".encode()
        # The RPC protocol with CBOR.
        self._path = f"/operation/{operation}"

    def fits(self, request: Mapping[str, Any]) -> bool:
        """True for a request dict made by botocore that clearly asks for this operation, or another ungoverned one."""
        if not self._known:
            return True
        url = request["url"]
        if self._rest is not None:
            asked = (request["method"], url)
            return asked == self._clear or self._is_clear(asked)
        if "?" in url:
            return False
        body, headers = request["body"], request["headers"]
        if type(body) is dict:
            return bool(body.get("Action") == self._operation)
        target = headers.get(_TARGET)
        if target is not None:
            return type(target) is str and target.endswith(self._target)
        return "smithy-protocol" in headers and bool(url.endswith(self._path))

    def still_fits(self, request: Any) -> bool:
        """The same for a prepared request."""
        if not self._known:
            return True
        url = request.url
        if self._rest is not None:
            asked = (request.method, url)
            return asked == self._clear or self._is_clear(asked)
        if "?" in url:
            return False
        body = request.body
        if type(body) is str:
            return body.startswith(self._form)
        headers = request.headers
        if type(headers) is not HeadersDict:
            # Another kind of mapping.
            return False
        if type(body) is bytes and body.startswith(b"{"):
            # botocore sets this header first, and to look it up runs Python functions of its mapping.
            for key, target in headers._dict.items():  # type: ignore[attr-defined]
                if key._lower == _LOWER and type(target) is bytes and target == self._target_whole:
                    return True
                break
        return self._sent_otherwise(url, body, headers)

    def _sent_otherwise(self, url: str, body: Any, headers: Any) -> bool:
        target = headers.get(_TARGET)
        if target is None:
            return bool(url.endswith(self._path)) and "smithy-protocol" in headers
        return type(body) is bytes and body[:1] == b"{" and type(target) is bytes and target.endswith(self._target_sent)

    def _is_clear(self, asked: tuple[str, str]) -> bool:
        if self._rest is None or not self._rest.clear(*asked):
            return False
        self._clear = asked
        return True


class GovernedNames(dict[str, bool]):
    """Which operations of a service are more than passed on, by name; each is looked up once.

    They are governed, or `joining`: what they add may serve from then on. `listening` is whether the events of the
    client are listened to.
    """

    def __init__(self, catalogue: KnownOperations, service: str | None) -> None:
        super().__init__()
        self._catalogue = catalogue
        self.service = service
        self.joining: set[str] = set()
        self.listening = False

    def __missing__(self, operation: str) -> bool:
        governed = self._catalogue.governs(self.service, operation)
        if not governed and self._catalogue.joins(self.service, operation):
            self.joining.add(operation)
        self[operation] = needed = governed or operation in self.joining
        return needed
