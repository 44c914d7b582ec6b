"""moto's server application, and calls to it without a network, a botocore client or a recorded request."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

from guardrails.testing import machine_filters
from guardrails.testing.fault import WSGI, Fault, StartResponse, answer
from guardrails.testing.request import read

_logger = logging.getLogger("guardrails.testing")


@contextmanager
def no_profile() -> Iterator[None]:
    """Hide AWS_PROFILE and AWS_DEFAULT_PROFILE, because moto makes boto3 sessions and fails on an unknown profile."""
    hidden = {key: os.environ.pop(key) for key in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE") if key in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def moto_app() -> WSGI:
    """Moto's application for all services. Raises ImportError with the command that installs moto."""
    try:
        from moto.moto_server.werkzeug_app import (  # noqa: PLC0415  (optional)
            DomainDispatcherApplication,
            create_backend_app,
        )
    except ModuleNotFoundError as error:
        raise ImportError(
            f"guardrails.testing needs moto's server ({error.name} is missing); pip install 'botocore-guardrails[demo]'"
        ) from error

    machine_filters.add()

    class Dispatcher(DomainDispatcherApplication):
        # Without this, moto fails with a traceback for a service it does not have.
        def get_backend_for_host(self, host: str | None) -> Any:
            named = host is not None and "amazonaws.com" in host
            known = not named or any(pattern.match(f"http://{host}") for _, pattern in self.backend_url_patterns)
            return super().get_backend_for_host(host) if known else None

    return Dispatcher(lambda backend: create_backend_app(backend) if backend else _not_simulated)


def _not_simulated(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    request = read(environ)
    fault = Fault(400, "NotSimulated", f"moto does not simulate {request.service}")
    return answer(fault, request, environ, start_response)


def make_server(app: WSGI) -> Any:
    """A threaded HTTP server for `app` on a free port of 127.0.0.1, not yet serving; it logs only to our logger."""
    import werkzeug.serving  # noqa: PLC0415  (optional)
    from moto.moto_server import werkzeug_app  # noqa: PLC0415  (optional)

    # Older releases of moto 5.2 have none of their own.
    handler: Any = getattr(werkzeug_app, "MotoRequestHandler", werkzeug.serving.WSGIRequestHandler)

    class Quiet(handler):  # type: ignore[misc]
        # werkzeug's own logger writes to stderr.
        def log(self, _type: str, message: str, *args: Any) -> None:
            _logger.debug(message, *args)

    return werkzeug.serving.make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)


class Direct:
    """Calls moto's EC2 operations in the query protocol, inside the process.

    It uses no botocore client, so an installed guard neither sees nor stops the double's own set-up.
    """

    def __init__(self, app: WSGI, region: str) -> None:
        from werkzeug.test import Client  # noqa: PLC0415  (optional)

        self._client = Client(app, use_cookies=False)
        scope = f"testing/20231009/{region}/ec2/aws4_request"
        self._headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}

    def call(self, operation: str, params: dict[str, Any] | None = None) -> ET.Element:
        """The root element of the response. Raises RuntimeError with AWS's error if there is one."""
        form = {"Action": operation, "Version": "2016-11-15"}
        form |= {key: str(value) for key, value in (params or {}).items()}
        response = self._client.post("/", data=form, headers=self._headers)
        text = response.get_data(as_text=True)
        if response.status_code != 200:
            raise RuntimeError(f"the simulated AWS answered {operation} with {response.status}: {text}")
        return ET.fromstring(text)  # noqa: S314  (moto's answer, made in this process)

    def reset(self) -> None:
        """Delete the state of all services."""
        response = self._client.post("/moto-api/reset")
        if response.status_code != 200:
            raise RuntimeError(f"the simulated AWS could not be reset: {response.status}")


def strings(root: ET.Element, path: str) -> list[str]:
    """The strings at a path of tag names such as ``addressesSet/item/publicIp``, in any namespace."""
    elements = root.findall("/".join(f"{{*}}{name}" for name in path.split("/")))
    return [element.text or "" for element in elements]


def indexed(name: str, values: Any) -> dict[str, str]:
    """A list in the query protocol: ``{"InstanceId.1": "i-1", "InstanceId.2": "i-2"}``."""
    return {f"{name}.{number}": str(value) for number, value in enumerate(values, 1)}
