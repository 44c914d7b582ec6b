"""The sink of OPA's decision-log API: gzipped JSON arrays, posted to /logs (openpolicyagent.org, Decision Logs)."""

from __future__ import annotations

import gzip
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import urllib3

from guardrails.config.settings import LogSettings
from guardrails.config.tokens import bearer
from guardrails.errors import ConfigError
from guardrails.record.long_lines import whole
from guardrails.record.sinks.sink import SinkFailure
from guardrails.record.spooled_lines import Position
from guardrails.waiting import http
from guardrails.waiting.deadline import Deadline, within

_CONNECT_S = 3.0
_TIMEOUT_S = 20.0
# Of an answer that says why.
_REASON = 200
_TOO_LARGE = 413
_INVALID = (400, 422)
# So many entries are refused before one is taken: the service refuses all.
_ENOUGH = 10


class OpaService:
    """Posts to `settings.sink`. Redirects and proxies from the environment are not followed."""

    most_lines = 1_000
    most_bytes = 1_000_000

    def __init__(self, settings: LogSettings) -> None:
        self._settings = settings
        self._where = str(settings.sink)
        parts = urlsplit(self._where)
        self._url = parts._replace(path=f"{parts.path.rstrip('/')}/logs").geturl()
        self._pool: Any = None

    def send(self, lines: tuple[bytes, ...], start: Position, /) -> Mapping[int, str]:  # noqa: ARG002
        """Post one array, or halves of it where the service refuses what is in it. Raises SinkFailure.

        An entry that it refuses as invalid counts as refused only if it takes others: else the address may be wrong.
        """
        documents = [whole(json.loads(line)) for line in lines]
        refused: dict[int, str] = {}
        taken, invalid = 0, None
        parts = [(0, len(documents))]
        while parts and (taken or invalid is None or len(refused) < _ENOUGH):
            first, end = parts.pop()
            answer = self._post(documents[first:end])
            if answer.status not in (_TOO_LARGE, *_INVALID):
                self._check(answer)
                taken += end - first
            elif end - first > 1:
                middle = (first + end) // 2
                parts += [(middle, end), (first, middle)]
            else:
                why = "it is too large" if answer.status == _TOO_LARGE else "the service takes others, not this entry"
                refused[first] = f"{self._where} answered {answer.status}: {why}"
                invalid = answer if answer.status in _INVALID else invalid
        if invalid is not None and not taken:
            self._check(invalid)
        return refused

    def try_it(self) -> str:
        """Post an empty array."""
        self._check(self._post([]))
        return f"POST {self._url}"

    def _post(self, documents: list[dict[str, Any]]) -> Any:
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip", **self._authorization()}
        body = gzip.compress(json.dumps(documents).encode(), mtime=0)
        try:
            if self._pool is None:
                self._pool = self._make_pool()
            with within(Deadline(_TIMEOUT_S)):
                return self._pool.request("POST", self._url, body=body, headers=headers, redirect=False, retries=False)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            reason = http.innermost(error)
            way = "set log.ca" if isinstance(reason, ssl.SSLError) else "make it reachable, or correct log.sink"
            # Other errors of values may quote a header.
            quoted = isinstance(reason, ValueError) and not isinstance(reason, OSError)
            why = type(reason).__name__ if quoted else f"{type(reason).__name__}: {reason}"
            raise SinkFailure(f"{self._url} cannot be reached ({why}); {way}") from (None if quoted else error)

    def _check(self, answer: Any) -> None:
        """Raises SinkFailure unless the service has acknowledged."""
        if 200 <= answer.status < 300:
            return
        way = "correct log.sink" if answer.status in range(300, 500) else "repair the service"
        if answer.status in (401, 403):
            way = "set log.token_file or log.token_env to a token that it takes"
        reason = answer.data[:_REASON].decode("utf-8", "replace").strip()
        raise SinkFailure(f"{self._url} answered {answer.status}{f' ({reason})' if reason else ''}; {way}")

    def _authorization(self) -> Mapping[str, str]:
        """Read for each batch: tokens in files are replaced while a process runs."""
        try:
            token = bearer("log", self._settings.token_file, self._settings.token_env)
        except ConfigError as error:
            raise SinkFailure(str(error)) from error
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _make_pool(self) -> Any:
        ca, secure = self._settings.ca, self._url.startswith("https:")
        try:
            context = ssl.create_default_context(cafile=str(ca) if ca else None) if secure else None
        except OSError as error:
            raise SinkFailure(f"log.ca names {ca}, which cannot be read ({error}); name a PEM file") from error
        return http.pools(timeout=urllib3.Timeout(connect=_CONNECT_S, read=_TIMEOUT_S), ssl_context=context)
