"""``%guardrails live|log|check|doctor``: each returns what it shows."""

from __future__ import annotations

import ast
import re
import shlex
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ParamValidationError
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_magic, magics_class

from guardrails import process
from guardrails.aws import call_syntax
from guardrails.aws.clients import make_client
from guardrails.doctor.examine import examine
from guardrails.doctor.page import page as findings_page
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.notebook.card import Cards
from guardrails.record.entries import Entry, read
from guardrails.show import entries
from guardrails.show.page import Page
from guardrails.values import Decision, Facts

_NUMBER = re.compile(r"[1-9][0-9]{0,4}")
_USAGE = """use one of
  %guardrails live [REGION]             which cluster is live, and why
  %guardrails log [NUMBER] [denied]     the last decisions
  %guardrails check ec2.terminate_instances(InstanceIds=ids)
  %guardrails check ec2 TerminateInstances InstanceIds=i-0abc,i-0def
                                        the decision on a call; sends only look-ups
  %guardrails doctor                    whether the guard works here"""


@magics_class
class GuardMagics(Magics):
    """The magic, and what `%unload_ext` needs to undo it: `ours` is true if the extension installed the guard."""

    def __init__(self, shell: Any, cards: Cards, *, ours: bool) -> None:
        super().__init__(shell)
        self.cards = cards
        self.ours = ours

    @line_magic
    def guardrails(self, line: str) -> Any:
        """`%guardrails live`, `%guardrails log`, `%guardrails check CALL`, `%guardrails doctor`."""
        word, _, rest = line.strip().partition(" ")
        commands: Mapping[str, Callable[[Guard, str], Any]] = {
            "live": self._live,
            "log": self._log,
            "check": self._check,
            "doctor": self._doctor,
        }
        if word not in commands:
            raise UsageError(_USAGE)
        guard = process.current()
        if guard is None:
            raise UsageError("the guard is no longer installed; run %reload_ext guardrails")
        try:
            return commands[word](guard, rest.strip())
        except GuardrailsError as error:
            raise UsageError(str(error)) from error

    def _live(self, guard: Guard, region: str) -> Facts:
        return guard.live(make_client("ec2", None, region or None, None))

    def _doctor(self, _: Guard, region: str) -> Page:
        def client(other_region: str) -> Any:
            return make_client("ec2", None, other_region or region or None, None)

        return findings_page(examine(None, time.time(), client))

    def _log(self, guard: Guard, rest: str) -> Page:
        words = rest.split()
        numbers = [int(word) for word in words if _NUMBER.fullmatch(word)]
        if len(numbers) > 1 or [word for word in words if word != "denied" and not _NUMBER.fullmatch(word)]:
            raise UsageError("use %guardrails log [NUMBER] [denied], with NUMBER from 1 to 99999")
        log = guard.settings.log
        decisions: deque[Entry] = deque(maxlen=numbers[0] if numbers else 10)
        for entry in read(log.path, log.keep):
            if isinstance(entry, Entry) and not ("denied" in words and entry.sent):
                decisions.append(entry)
        return entries.page(decisions, str(log.path))

    def _check(self, guard: Guard, call: str) -> Decision:
        if "(" in call.partition("=")[0]:
            return self._python(guard, call)
        try:
            service, operation, *pairs = shlex.split(call)
        except ValueError as error:
            raise UsageError(f"give a call; {_USAGE}") from error
        client = make_client(service, None, None, None)
        return _check(guard, client, *call_syntax.call(client, operation, pairs))

    def _python(self, guard: Guard, call: str) -> Decision:
        """``CLIENT.METHOD(NAME=VALUE, …)``: evaluates the client and the values, but does not make the call."""
        try:
            tree = ast.parse(call, mode="eval").body
        except SyntaxError as error:
            raise UsageError(f"{call}: {error.msg}") from error
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Attribute):
            raise UsageError(f"{call}: give a method call of a client, CLIENT.METHOD(NAME=VALUE, …)")
        if tree.args or any(keyword.arg is None for keyword in tree.keywords):
            raise UsageError(f"{call}: give every parameter as NAME=VALUE")
        client = self._value(tree.func.value)
        if not hasattr(client, "meta") or not hasattr(client.meta, "method_to_api_mapping"):
            kind = type(client).__name__
            raise UsageError(
                f"{ast.unparse(tree.func.value)} is a {kind}, not a boto3 client; call a method of a client"
            )
        params = {str(keyword.arg): self._value(keyword.value) for keyword in tree.keywords}
        return _check(guard, client, call_syntax.operation(client, tree.func.attr), params)

    def _value(self, tree: ast.expr) -> Any:
        code = compile(ast.Expression(tree), "<%guardrails check>", "eval")
        shell: Any = self.shell
        try:
            return eval(code, shell.user_global_ns, shell.user_ns)  # noqa: S307  (the user's own code)
        except Exception as error:
            raise UsageError(f"{ast.unparse(tree)}: {type(error).__name__}: {error}") from error


def _check(guard: Guard, client: Any, operation: str, params: Mapping[str, Any]) -> Decision:
    try:
        return guard.check(client, operation, **params)
    except ParamValidationError as error:
        raise UsageError(f"{operation}: {' '.join(str(error).split())}") from error
