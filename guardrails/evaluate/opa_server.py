"""The engine `opa`: an OPA server decides, asked through opa-python-client.

Whatever OPA or the network does, a question ends within its deadline: with an answer of the right shape, or with an
EngineFailure that says what happened.
"""

from __future__ import annotations

import importlib.util
import json
import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any
from urllib.parse import urlsplit

from guardrails.config.policy_settings import OpaSettings
from guardrails.config.tokens import bearer
from guardrails.errors import ConfigError
from guardrails.evaluate import opa_versions
from guardrails.evaluate.engine import ENTRYPOINT, EngineFailure, Evaluation
from guardrails.waiting import deadline, http, threads
from guardrails.waiting.clock import monotonic
from guardrails.waiting.deadline import Deadline
from guardrails.waiting.interruptions import wait_for

_PACKAGE, _, _RULE = ENTRYPOINT.removeprefix("data.").rpartition(".")
# A built-in function that fails is an error, as on the embedded engine, instead of undefined.
_QUERY = {"strict-builtin-errors": "true", "provenance": "true", "metrics": "true"}
_PARAMS, _ENGINE = "guardrails.params", "guardrails.engine"
_LONGEST_ANSWER = 16_000_000
# The revision of a server that has policies, but no bundle with a revision.
NO_BUNDLE = "no bundle"


class OpaServer:
    """Asks a server that has the policies; `revision` and `version` (of OPA) are those of the last answer.

    Connections are pooled per process. Redirects, .netrc and proxies from the environment are ignored.
    """

    def __init__(self, settings: OpaSettings, url: str | None = None) -> None:
        """The server at `url`, or the one of the settings. Connects at the first question.

        Raises ConfigError if a file in the settings, or the client, is missing.
        """
        if importlib.util.find_spec("opa_client") is None:
            raise ConfigError("engine = \"opa\" needs opa-python-client; pip install 'botocore-guardrails[opa]'")
        self.url = url or settings.url
        self.revision = self.version = ""
        self._settings = settings
        self._token = bearer("opa", settings.token_file, settings.token_env)
        for name, path in (("ca", settings.ca), ("cert", settings.cert), ("key", settings.key)):
            if path is not None and not path.is_file():
                raise ConfigError(f"`opa.{name}` names {path}, which does not exist; name a PEM file")
        self._lock = threading.Lock()
        self._pid = 0
        self._client: Any = None

    def evaluate(self, document: Mapping[str, Any]) -> Evaluation:
        """The result document for an input document. Raises EngineFailure, whatever goes wrong."""
        answer = self._ask(document, _RULE)
        revision, metrics = _revision(answer), answer.get("metrics")
        self.revision = revision
        # OPA may be replaced while this process runs.
        if why := opa_versions.refused(self.version):
            raise EngineFailure(f"OPA at {self.url} {why}")
        timers = metrics if isinstance(metrics, Mapping) else {}
        numbers = {name: value for name, value in timers.items() if isinstance(value, int)}
        return Evaluation(_result(answer), revision, numbers)

    def params(self) -> Mapping[str, Any]:
        """data.guardrails.params on the server. Raises EngineFailure."""
        return _result(self._ask({}, "", _PARAMS))

    def matches(self) -> bool | None:
        """Whether OPA finds a word of the input in a set with another word of the input; some versions do not.

        None where the server's bundle has no such rule. Raises EngineFailure.
        """
        words = {"call": {"service": "same", "operation": "same"}}
        found = self._ask(words, "matches", _ENGINE).get("result")
        return found if isinstance(found, bool) else None

    def _ask(self, document: Mapping[str, Any], rule: str, package: str = _PACKAGE) -> Mapping[str, Any]:
        try:
            json.dumps(document, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise EngineFailure(f"the input is not JSON: {error}") from error
        client = self._connected()
        answered: Future[Any] = Future()
        until = Deadline(deadline.left(self._settings.timeout_s))

        def ask() -> None:
            try:
                with deadline.within(until):
                    answered.set_result(client.query_rule(document, package, rule, _QUERY))
            except BaseException as error:  # handed to the asking thread
                answered.set_exception(error)

        # In a thread: the client's timeout counts anew for each piece that arrives, and a server may send single bytes.
        started = monotonic()
        try:
            threads.start(threading.Thread(target=ask, name="guardrails-opa", daemon=True))
        except RuntimeError:
            ask()
        if not wait_for(answered, until.left()):
            self._forget(client)
            took = monotonic() - started
            raise EngineFailure(f"OPA at {self.url} gave no answer within {took:.1f} s")
        try:
            answer = answered.result()
        except Exception as error:
            raise EngineFailure(f"OPA at {self.url} {_explain(error)}") from error
        if not isinstance(answer, Mapping):
            raise EngineFailure(f"OPA at {self.url} answered with something that is not an object")
        provenance = answer.get("provenance")
        self.version = str(provenance.get("version") or "") if isinstance(provenance, Mapping) else ""
        return answer

    def _connected(self) -> Any:
        """The client of this process; a forked process must not share its connections."""
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
        parts = urlsplit(self.url)
        secure = parts.scheme == "https"
        opa_client = importlib.import_module("opa_client.opa")  # takes 200 ms: only for those who use it
        client = opa_client.OpaClient(
            host=f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or "",
            port=parts.port or (443 if secure else 8181),
            ssl=secure,
            cert=(str(settings.cert), str(settings.key or settings.cert)) if settings.cert else None,
            token=self._token or None,
            retries=0,
            timeout=settings.timeout_s,
        )
        session = client._session
        # A redirected question would arrive without its input, and a .netrc would override the token.
        session.max_redirects = 0
        session.trust_env = False
        if secure and settings.ca:
            session.verify = str(settings.ca)
        session.hooks["response"].append(_check_answer)
        for adapter in session.adapters.values():
            pools = adapter.poolmanager.pool_classes_by_scheme
            adapter.poolmanager.pool_classes_by_scheme = http.ending(pools)
        return client


class _NoAnswerError(Exception):
    """OPA answered with something else; the message completes a sentence that starts with its address."""


def _check_answer(response: Any, **_: Any) -> None:
    """Called by requests for every response, before it is read as an answer."""
    if response.is_redirect:
        raise _NoAnswerError(f"redirects to {response.headers.get('Location')}, which is not followed")
    if len(response.content) > _LONGEST_ANSWER:
        raise _NoAnswerError(
            f"answered with {len(response.content):,} bytes, more than the {_LONGEST_ANSWER:,} allowed"
        )
    if response.status_code != 200:
        raise _NoAnswerError(f"answered {response.status_code}: {_reason(response)}")
    kind = response.headers.get("Content-Type", "")
    if not kind.startswith("application/json"):
        raise _NoAnswerError(f"answered with {kind or 'no content type'} instead of JSON; is it an OPA server?")


def _reason(response: Any) -> str:
    """OPA's message about an error, and the first of the errors it lists."""
    try:
        document = response.json()
        first = [str(error.get("message", "")) for error in document.get("errors", [])][:1]
        return "; ".join(text for text in (str(document.get("message", "")), *first) if text) or str(response.reason)
    except (ValueError, AttributeError, TypeError):
        return str(response.reason)


def _explain(error: BaseException) -> str:
    if isinstance(error, _NoAnswerError):
        return str(error)
    what_failed = {
        "ConnectTimeout": "cannot be reached in time",
        "ReadTimeout": "gave no answer in time",
        "SSLError": "failed the TLS handshake",
        "ConnectionError": "cannot be reached, or closed the connection",
        "ChunkedEncodingError": "stopped in the middle of its answer",
        "JSONDecodeError": "gave an answer that is not JSON",
    }
    reason, kind = http.innermost(error), type(error).__name__
    if kind == "ConnectionError" and isinstance(reason, TimeoutError):
        # requests calls it so where the time is over in the middle of the answer.
        kind = "ReadTimeout"
    return f"{what_failed.get(kind, 'could not be asked')} ({type(reason).__name__}: {reason})"


def _result(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    # Undefined arrives as a success without a result.
    result = answer.get("result")
    if not isinstance(result, Mapping):
        what = "undefined on the server; has it loaded the policies?" if result is None else "not an object"
        raise EngineFailure(f"{ENTRYPOINT} is {what}")
    return result


def _revision(answer: Mapping[str, Any]) -> str:
    """The revisions of all bundles on the server, from the provenance of its answer."""
    provenance = answer.get("provenance")
    bundles = provenance.get("bundles") if isinstance(provenance, Mapping) else None
    if not isinstance(bundles, Mapping):
        return NO_BUNDLE
    revisions = [str(entry.get("revision", "")) for _, entry in sorted(bundles.items()) if isinstance(entry, Mapping)]
    return ",".join(revision for revision in revisions if revision) or NO_BUNDLE
