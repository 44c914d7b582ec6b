"""The embedded engine and OPA servers, asked the same: what a generated rule comes to."""

from __future__ import annotations

import http.client
import json
import math
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import EngineFailure
from tests.support.opa_servers import opa_server

_MAIN = 'package guardrails.main\n\ndecision := {"v": [v | v := data.guardrails.fuzz.v]}\n'
_LARGEST_INTEGER = 2**53
# What OPA makes of %s and something else than a string.
_NOT_A_STRING = re.compile(r"%!s\(|%!d\(")


@frozen
class Answer:
    """What an engine makes of a policy and an input: refused at load, failed, undefined, or a value."""

    kind: str
    value: Any = None

    def __str__(self) -> str:
        return f"{self.kind} {json.dumps(self.value)[:150]}" if self.value is not None else self.kind


UNDEFINED = Answer("undefined")


class Embedded:
    """The engine as the guard uses it, with its lint and its rewriting."""

    name = "embedded"

    def load(self, source: str) -> str:
        """Why the policy is refused; "" where it is not."""
        modules = {"main.rego": _MAIN, "fuzz.rego": source}
        try:
            self._engine = EmbeddedEngine(Bundle(modules, {}, "r"))
        except PolicyError as error:
            return str(error)
        return ""

    def ask(self, document: Any) -> Answer:
        """The value of `v`."""
        try:
            return _value(self._engine.evaluate(document).result["v"])
        except EngineFailure as error:
            return Answer("failed", str(error))


class Server:
    """An OPA server, asked as the guard asks one."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        self._send("PUT", "/v1/policies/main", _MAIN)

    def load(self, source: str) -> str:
        """Why the policy is refused; "" where it is not."""
        answer = self._send("PUT", "/v1/policies/fuzz", source)
        return "; ".join(f"{each['code']}: {each['message']}" for each in answer.get("errors", [])[:1]) or answer.get(
            "message", ""
        )

    def ask(self, document: Any) -> Answer:
        """The value of `v`."""
        path = "/v1/data/guardrails/main/decision?strict-builtin-errors=true"
        answer = self._send("POST", path, json.dumps({"input": document}))
        if "result" not in answer:
            errors = [each.get("message", "") for each in answer.get("errors", [])]
            return Answer("failed", "; ".join([str(answer.get("message")), *errors[:1]]))
        return _value(answer["result"]["v"])

    def _send(self, method: str, path: str, body: str) -> Any:
        try:
            self._connection.request(method, path, body.encode(), {"Content-Type": "text/plain"})
            return json.loads(self._connection.getresponse().read() or b"{}")
        except (http.client.RemoteDisconnected, TimeoutError) as error:
            # Go's HTTP server ends a connection whose handler panics, and lives on.
            self._connection.close()
            return {"message": f"OPA gave no answer: {type(error).__name__}"}


@contextmanager
def servers(programs: list[str], folder: Path) -> Iterator[list[Server]]:
    """A server for each OPA, with a bundle that leaves room for policies beside it."""
    empty = folder / "empty"
    empty.mkdir(exist_ok=True)
    (empty / ".manifest").write_text('{"roots": ["unused"]}')
    with ExitStack() as stack:
        yield [
            Server(stack.enter_context(opa_server(program, empty)), f"OPA {number}")
            for number, program in enumerate(programs)
        ]


def _value(found: list[Any]) -> Answer:
    return Answer("value", found[0]) if found else UNDEFINED


def same(one: Any, other: Any) -> bool:
    """Equal as JSON; what the guide for authors says about numbers is granted."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or math.isclose(one, other, rel_tol=1e-14)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, str) and isinstance(other, str) and _NOT_A_STRING.search(other):
        return True
    if isinstance(one, str) and isinstance(other, int):
        return abs(other) > _LARGEST_INTEGER and one == str(other)
    return type(one) is type(other) and one == other
