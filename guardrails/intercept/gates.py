"""Replace functions of botocore by gates, in every copy of botocore that the process has or will have.

    BaseClient._make_api_call   gives a client its event handlers, and notices when a call has come back
    Endpoint.make_request       below the events: handlers that were removed, or that changed the request
    RequestSigner.sign          presigned requests, which see no `before-call`, and signers made by hand
    *.add_auth                  signatures that are made without a signer
    AWSRequest.prepare          hands the ticket on, which botocore itself does since 1.43
    URLLib3Session.send         what leaves the process

aiobotocore has its own functions for most of these. The functions that start a process hand the guard on to it.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from types import FunctionType, ModuleType
from typing import Any

from guardrails.activation.imports import ImportWatch
from guardrails.activation.sending import let_go
from guardrails.errors import ConfigError
from guardrails.values import frozen

# gate(original) -> replacement
Gate = Callable[[Any], Any]
# The AWS CLI ships its own botocore inside its package.
_VENDORED = "awscli."
# The mark of a gate that does nothing any more.
_RETIRED = "guardrails_retired"


@frozen
class PatchPoint:
    """A function to replace: of the class `owner`, of every class that defines it ("*"), or of the module ("")."""

    module: str
    owner: str
    name: str


PATCH_POINTS: Mapping[PatchPoint, str] = {
    PatchPoint("botocore.client", "BaseClient", "_make_api_call"): "api_call",
    PatchPoint("botocore.endpoint", "Endpoint", "make_request"): "make_request",
    PatchPoint("botocore.signers", "RequestSigner", "sign"): "sign",
    PatchPoint("botocore.auth", "*", "add_auth"): "add_auth",
    PatchPoint("botocore.crt.auth", "*", "add_auth"): "add_auth",
    PatchPoint("botocore.awsrequest", "AWSRequest", "prepare"): "prepare",
    PatchPoint("botocore.httpsession", "URLLib3Session", "send"): "send",
    PatchPoint("aiobotocore.client", "AioBaseClient", "_make_api_call"): "api_call_async",
    PatchPoint("aiobotocore.signers", "AioRequestSigner", "sign"): "sign_async",
    PatchPoint("aiobotocore.httpsession", "AIOHTTPSession", "send"): "send_async",
    PatchPoint("aiobotocore.httpxsession", "HttpxSession", "send"): "send_async",
    PatchPoint("multiprocessing.spawn", "", "get_preparation_data"): "spawn",
    PatchPoint("multiprocess.spawn", "", "get_preparation_data"): "spawn",
    PatchPoint("billiard.spawn", "", "get_preparation_data"): "spawn",
    PatchPoint("loky.backend.spawn", "", "get_preparation_data"): "spawn",
    PatchPoint("joblib.externals.loky.backend.spawn", "", "get_preparation_data"): "spawn",
    PatchPoint("subprocess", "Popen", "__init__"): "popen",
    PatchPoint("os", "", "execve"): "exec",
    PatchPoint("os", "", "posix_spawn"): "exec",
    PatchPoint("os", "", "posix_spawnp"): "exec",
}


class Gates:
    """The gates of one guard. `gates` has one for every kind in PATCH_POINTS."""

    def __init__(self, gates: Mapping[str, Gate]) -> None:
        self._gates = gates
        # By owner and name of the function: the original and our replacement.
        self._replaced: dict[tuple[Any, str], tuple[Any, Any]] = {}
        modules = {point.module for point in PATCH_POINTS}
        self._watch = ImportWatch(lambda name: name.removeprefix(_VENDORED) in modules, self._patch, "gates")

    def install(self) -> None:
        """Patch every module that is loaded, and every one that is imported later or again."""
        self._watch.start()
        for module in list(sys.modules.values()):
            if isinstance(module, ModuleType):
                self._patch(module)

    def uninstall(self) -> None:
        """Put the original functions back. A gate that something else has wrapped stays, and must do nothing.

        If that is another gate of ours, such as a plan's, it takes this one out as well when it goes.
        """
        self._watch.stop()
        for (owner, name), (original, replacement) in self._replaced.items():
            vars(replacement)[_RETIRED] = True
            if vars(owner).get(name) is replacement:
                setattr(owner, name, _in_use(original))
        self._replaced.clear()

    def displaced(self) -> list[str]:
        """The functions whose gate another library has wrapped or replaced."""
        return sorted(
            f"{getattr(owner, '__qualname__', owner.__name__)}.{name}"
            for (owner, name), (_, replacement) in self._replaced.items()
            if vars(owner).get(name) is not replacement
        )

    def _patch(self, module: ModuleType) -> None:
        name = module.__name__.removeprefix(_VENDORED)
        for point, kind in PATCH_POINTS.items():
            if point.module != name:
                continue
            owners = owners_of(module, point)
            if not owners and name == "os":
                # Windows starts processes by subprocess.Popen alone.
                continue
            if not owners:
                version = getattr(sys.modules.get(name.partition(".")[0]), "__version__", "(version unknown)")
                raise ConfigError(
                    f"{module.__name__} {version} has no {point.owner or name}.{point.name}, so it cannot be guarded; "
                    "use a version that this release of guardrails supports"
                )
            for owner in owners:
                self._replace(owner, point.name, self._gates[kind])

    def _replace(self, owner: Any, name: str, gate: Gate) -> None:
        if (owner, name) in self._replaced:
            return
        original = let_go(vars(owner)[name])
        callee = _callable(owner, original)
        gated = gate(callee)
        if gated is callee:
            # This version of botocore needs no gate here.
            return
        replacement = functools.update_wrapper(gated, original)
        # It was copied with what else the original has.
        vars(replacement).pop(_RETIRED, None)
        self._replaced[owner, name] = original, replacement
        setattr(owner, name, replacement)


def _in_use(function: Any) -> Any:
    """What is below the gates that are retired."""
    while getattr(function, _RETIRED, False):
        function = function.__wrapped__
    return function


def owners_of(module: ModuleType, point: PatchPoint) -> list[Any]:
    """The classes of the module that define the function, or the module itself; [] where it does not exist."""
    if not point.owner:
        return [module] if point.name in vars(module) else []
    if point.owner != "*":
        # gevent puts a class of its own in the place of subprocess's.
        owner = vars(module).get(point.owner)
        return [owner] if isinstance(owner, type) and point.name in vars(owner) else []
    return [
        owner
        for owner in vars(module).values()
        if isinstance(owner, type) and owner.__module__ == module.__name__ and point.name in vars(owner)
    ]


def _callable(owner: Any, original: Any) -> Any:
    """The original as a function of the instance: what wrapt has wrapped must be called as a descriptor."""
    if type(original) is FunctionType or not isinstance(owner, type):
        return original

    def call(instance: Any, *args: Any, **kwargs: Any) -> Any:
        return original.__get__(instance, type(instance))(*args, **kwargs)

    return functools.update_wrapper(call, original)
