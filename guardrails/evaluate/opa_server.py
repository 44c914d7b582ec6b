"""The engine `opa`: the same question asked of an OPA server, through opa-python-client.

The client is kept on a short lead: whatever OPA or the network does, a question ends within its deadline, with an
answer of the right shape or with EngineFailure that says what happened.
"""

from __future__ import annotations

import importlib
import json
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any
from urllib.parse import urlsplit

from guardrails.config.settings import OpaSettings
from guardrails.errors import ConfigError
from guardrails.evaluate.engine import ENTRYPOINT, EngineFailure, Evaluation

_PACKAGE, _, _RULE = ENTRYPOINT.removeprefix("data.").rpartition(".")
# A built-in that fails is an error, as on the embedded engine, and not undefined.
_QUERY = {"strict-builtin-errors": "true", "provenance": "true", "metrics": "true"}
_PARAMS = "guardrails.params"
_LONGEST_ANSWER = 16_000_000


class OpaServer:
    """Asks a server that has the policies; `revision` is that of its bundles when it was last asked.

    Connections are pooled for each process. Not followed or honoured: redirects, .netrc, proxies of the environment.
    """

    def __init__(self, settings: OpaSettings) -> None:
        """Nothing is asked yet. Raises ConfigError where the settings name files that are not there."""
        self.revision = ""
        self._settings = settings
        self._token = _token(settings)
        for name, path in (("ca", settings.ca), ("cert", settings.cert), ("key", settings.key)):
            if path is not None and not path.is_file():
                raise ConfigError(f"`opa.{name}` names {path}, which does not exist; name a PEM file")
        self._lock = threading.Lock()
        self._pid = 0
        self._client: Any = None

    def evaluate(self, document: Mapping[str, Any]) -> Evaluation:
        """The result document for an input document. Raises EngineFailure for whatever goes wrong."""
        answer = self._ask(document, _RULE)
        revision, metrics = _revision(answer), answer.get("metrics")
        self.revision = revision
        known = metrics if isinstance(metrics, Mapping) else {}
        numbers = {name: value for name, value in known.items() if isinstance(value, int)}
        return Evaluation(_result(answer), revision, numbers)

    def params(self) -> Mapping[str, Any]:
        """data.guardrails.params as the server has them. Raises EngineFailure."""
        return _result(self._ask({}, "", _PARAMS))

    def _ask(self, document: Mapping[str, Any], rule: str, package: str = _PACKAGE) -> Mapping[str, Any]:
        try:
            json.dumps(document, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise EngineFailure(f"the input is not JSON: {error}") from error
        client = self._connected()
        answered: Future[Any] = Future()

        def ask() -> None:
            try:
                answered.set_result(client.query_rule(document, package, rule, _QUERY))
            except BaseException as error:  # whatever it is, the asking thread is told
                answered.set_exception(error)

        # In a thread: the client's timeout is for each piece that arrives, and a server may send one byte at a time.
        started = time.monotonic()
        threading.Thread(target=ask, name="guardrails-opa", daemon=True).start()
        try:
            answer = answered.result(self._settings.timeout_s)
        except FutureTimeout:
            self._forget(client)
            took = time.monotonic() - started
            raise EngineFailure(f"OPA at {self._settings.url} gave no answer within {took:.1f} s") from None
        except Exception as error:
            raise EngineFailure(f"OPA at {self._settings.url} {_explain(error)}") from error
        if not isinstance(answer, Mapping):
            raise EngineFailure(f"OPA at {self._settings.url} answered with no object")
        return answer

    def _connected(self) -> Any:
        """The client of this process: a connection must not be shared with a forked one."""
        with self._lock:
            if self._client is None or self._pid != os.getpid():
                self._pid = os.getpid()
                self._client = self._make()
            return self._client

    def _forget(self, client: Any) -> None:
        with self._lock:
            if self._client is client:
                self._client = None

    def _make(self) -> Any:
        settings = self._settings
        parts = urlsplit(settings.url)
        secure = parts.scheme == "https"
        opa_client = importlib.import_module("opa_client.opa")  # 200 ms, which nobody else should pay
        client = opa_client.OpaClient(
            host=f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "",
            port=parts.port or (443 if secure else 8181),
            ssl=secure,
            cert=(str(settings.cert), str(settings.key or settings.cert)) if settings.cert else None,
            token=self._token,
            retries=0,
            timeout=settings.timeout_s,
        )
        session = client._session
        # A redirected question would arrive without its input, and a .netrc would go over the token.
        session.max_redirects = 0
        session.trust_env = False
        if secure and settings.ca:
            session.verify = str(settings.ca)
        session.hooks["response"].append(_check_answer)
        return client


def _token(settings: OpaSettings) -> str | None:
    if settings.token_file is not None:
        try:
            return settings.token_file.read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"`opa.token_file` names {settings.token_file}, which cannot be read ({error}); "
                "put the token into it, or leave the key out"
            ) from error
    if settings.token_env is not None:
        token = os.environ.get(settings.token_env, "")
        if not token:
            raise ConfigError(f"`opa.token_env` names {settings.token_env}, which is not set; set it to the token")
        return token
    return None


class _NoAnswerError(Exception):
    """OPA answered, but not the question; the message is the rest of a sentence that starts with its address."""


def _check_answer(response: Any, **_: Any) -> None:
    """Called by requests for every response, before anything reads it as an answer."""
    if response.is_redirect:
        raise _NoAnswerError(f"redirects to {response.headers.get('Location')}, which is not followed")
    if len(response.content) > _LONGEST_ANSWER:
        raise _NoAnswerError(f"answered with {len(response.content):,} bytes, more than {_LONGEST_ANSWER:,}")
    if response.status_code != 200:
        raise _NoAnswerError(f"answered {response.status_code}: {_reason(response)}")
    kind = response.headers.get("Content-Type", "")
    if not kind.startswith("application/json"):
        raise _NoAnswerError(f"answered with {kind or 'no content type'}, not with JSON; is it an OPA server?")


def _reason(response: Any) -> str:
    """What OPA says about an error: its message, and the first of the errors below it."""
    try:
        found = response.json()
        below = [str(error.get("message", "")) for error in found.get("errors", [])][:1]
        return "; ".join(text for text in (str(found.get("message", "")), *below) if text) or str(response.reason)
    except (ValueError, AttributeError, TypeError):
        return str(response.reason)


def _explain(error: BaseException) -> str:
    if isinstance(error, _NoAnswerError):
        return str(error)
    kind = type(error).__name__
    words = {
        "ConnectTimeout": "cannot be reached in time",
        "ReadTimeout": "gave no answer in time",
        "SSLError": "cannot be trusted, or does not trust this client",
        "ConnectionError": "cannot be reached, or broke the connection off",
        "ChunkedEncodingError": "broke the answer off",
        "JSONDecodeError": "answered with what is not JSON",
    }
    # The libraries wrap the reason several times, each with all of the address.
    reason = error
    while reason.__cause__ or reason.__context__:
        reason = reason.__cause__ or reason.__context__  # type: ignore[assignment]
    return f"{words.get(kind, 'could not be asked')} ({type(reason).__name__}: {reason})"


def _result(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    # Undefined arrives as success without a result.
    result = answer.get("result")
    if not isinstance(result, Mapping):
        what = "undefined there; has the server loaded the policies?" if result is None else "not an object"
        raise EngineFailure(f"{ENTRYPOINT} is {what}")
    return result


def _revision(answer: Mapping[str, Any]) -> str:
    """Of every bundle that the server has, as its provenance tells."""
    provenance = answer.get("provenance")
    bundles = provenance.get("bundles") if isinstance(provenance, Mapping) else None
    if not isinstance(bundles, Mapping):
        return "no bundle"
    found = [str(entry.get("revision", "")) for _, entry in sorted(bundles.items()) if isinstance(entry, Mapping)]
    return ",".join(revision for revision in found if revision) or "no bundle"
