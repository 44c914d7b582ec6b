"""Put functions of ours before functions of botocore's, in every copy of it that the process has or will have.

    BaseClient._make_api_call   gives a client its event handlers, and notices when a call has come back
    Endpoint.make_request       below the events: handlers that were removed, or that changed the request
    RequestSigner.sign          presigned requests, which see no `before-call`, and signers made by hand
    *.add_auth                  signatures made without a signer
    AWSRequest.prepare          hands the ticket on, which botocore does itself from 1.43 on
    URLLib3Session.send         what leaves

aiobotocore has functions of its own for most of these.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from attrs import frozen

from guardrails.activation.imports import ImportWatch
from guardrails.errors import ConfigError

# gate(original) -> replacement
Gate = Callable[[Any], Any]
# The AWS CLI ships a botocore of its own inside.
_VENDORED = "awscli."


@frozen
class Place:
    """A function to stand before: of one class, of every class that defines it ("*"), or of the module ("")."""

    module: str
    owner: str
    name: str


PLACES: Mapping[Place, str] = {
    Place("botocore.client", "BaseClient", "_make_api_call"): "api_call",
    Place("botocore.endpoint", "Endpoint", "make_request"): "make_request",
    Place("botocore.signers", "RequestSigner", "sign"): "sign",
    Place("botocore.auth", "*", "add_auth"): "add_auth",
    Place("botocore.crt.auth", "*", "add_auth"): "add_auth",
    Place("botocore.awsrequest", "AWSRequest", "prepare"): "prepare",
    Place("botocore.httpsession", "URLLib3Session", "send"): "send",
    Place("aiobotocore.client", "AioBaseClient", "_make_api_call"): "api_call",
    Place("aiobotocore.signers", "AioRequestSigner", "sign"): "sign_async",
    Place("aiobotocore.httpsession", "AIOHTTPSession", "send"): "send_async",
    Place("aiobotocore.httpxsession", "HttpxSession", "send"): "send_async",
    Place("multiprocessing.spawn", "", "get_preparation_data"): "spawn",
}


class Gates:
    """The gates of one guard. `gates` has one for every kind in PLACES."""

    def __init__(self, gates: Mapping[str, Gate]) -> None:
        self._gates = gates
        self._put: dict[tuple[Any, str], tuple[Any, Any]] = {}
        names = {place.module for place in PLACES}
        self._watch = ImportWatch(lambda name: name.removeprefix(_VENDORED) in names, self._into, "gates")

    def put(self) -> None:
        """Into every module that is there, and into every one that is imported later or again."""
        self._watch.start()
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType):
                self._into(module)

    def take(self) -> None:
        """Put the original functions back. Where somebody stands before our gate, it stays, and must be inert."""
        self._watch.stop()
        for (owner, name), (original, gate) in self._put.items():
            if vars(owner).get(name) is gate:
                setattr(owner, name, original)
        self._put.clear()

    def displaced(self) -> list[str]:
        """The functions in front of whose gate somebody else stands by now."""
        return sorted(
            f"{getattr(owner, '__qualname__', owner.__name__)}.{name}"
            for (owner, name), (_, gate) in self._put.items()
            if vars(owner).get(name) is not gate
        )

    def _into(self, module: ModuleType) -> None:
        known = module.__name__.removeprefix(_VENDORED)
        for place, kind in PLACES.items():
            if place.module != known:
                continue
            owners = _owners(module, place)
            if not owners:
                version = getattr(sys.modules.get(known.partition(".")[0]), "__version__", "of this version")
                raise ConfigError(
                    f"{module.__name__} {version} has no {place.owner}.{place.name}, so it cannot be guarded; "
                    "use a version of it that this version of guardrails knows"
                )
            for owner in owners:
                self._stand_before(owner, place.name, self._gates[kind])

    def _stand_before(self, owner: Any, name: str, gate: Gate) -> None:
        if (owner, name) not in self._put:
            original = vars(owner)[name]
            given = _callable(owner, original)
            made = gate(given)
            if made is given:
                # This version of botocore needs no gate here.
                return
            replacement = functools.update_wrapper(made, original)
            self._put[owner, name] = original, replacement
            setattr(owner, name, replacement)


def _callable(owner: Any, original: Any) -> Any:
    """What can be called with the instance first: instrumentation by wrapt wants to be asked as a descriptor."""
    if type(original) is FunctionType or not isinstance(owner, type):
        return original
    return lambda instance, *args, **kwargs: original.__get__(instance, type(instance))(*args, **kwargs)


def _owners(module: ModuleType, place: Place) -> list[Any]:
    if not place.owner:
        return [module]
    classes = [found for found in vars(module).values() if isinstance(found, type)]
    return [
        found
        for found in classes
        if found.__module__ == module.__name__ and place.name in vars(found) and place.owner in ("*", found.__name__)
    ]
