"""Runs an approved plan: each call is decided on again, and what is not in the plan is stopped before it is sent.

A planned call may be made as often as it was planned, in any order. Ids that the plan made up stand for what AWS
returned for the call that made them. A call that AWS or the guard refused may be made again. After silence or an error
of the server it may have been done, so only the same request may be sent again, once.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError

from guardrails.classify.catalogue import Catalogue
from guardrails.errors import CallDenied
from guardrails.intercept.judge import Judge
from guardrails.intercept.request.outgoing import Outgoing, of_dict
from guardrails.planning.accounts import Accounts, read_whole
from guardrails.planning.entry import Entry
from guardrails.planning.gates import Outbound, pass_on
from guardrails.planning.progress import Progress
from guardrails.planning.reads import kind_of
from guardrails.planning.sending import watch
from guardrails.show.sentences import paragraph
from guardrails.values import Call, Decision, Violation

RULE = "plan/not-in-plan"


def _things(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What a read describes: the rows of its lists."""
    for rows in answer.values():
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, Mapping):
                yield from row["Instances"] if isinstance(row.get("Instances"), list) else [row]


class Running:
    """The handler of the gates while an approved plan runs."""

    def __init__(self, progress: Progress, judge: Judge, catalogue: Catalogue, accounts: Accounts) -> None:
        self._progress = progress
        self._catalogue = catalogue
        self._accounts = accounts
        self.judge = judge
        self.active = False

    def kind(self, service: str | None, operation: str) -> str:
        """``read``, ``change`` or ``unknown``."""
        return kind_of(self._catalogue, service or "", operation)

    def handle(self, call: Outbound, send: Callable[[dict[str, Any]], Any]) -> Any:
        """A client's call: reads pass, and so does what is in the plan."""
        services, out = self.judge.services, of_dict(call.request)
        model = call.model.service_model
        service = services.of_model(model)
        operation = services.action(service, call.model.name, out)
        if self.kind(service, operation) == "read":
            pass_on(self, call, service, operation, out)
            http, parsed = send(call.request)
            self._progress.recognise(_things(parsed))
            return http, parsed
        context = call.request.get("context") or {}
        origin = self.judge.origin(call.signer, out.url, context, call.credentials)
        made = read_whole(self._accounts, service, operation, model, out, origin)
        entry = None if made.undecodable else self._progress.take(made)
        if entry is None:
            raise self._not_planned(made)
        return self._sent(entry, made, call, send, (service, operation, out))

    def _sent(
        self,
        entry: Entry,
        made: Call,
        call: Outbound,
        send: Callable[[dict[str, Any]], Any],
        what: tuple[str, str, Outgoing],
    ) -> Any:
        pass_on(self, call, *what)
        attempts = watch(call.endpoint, call.request)
        try:
            http, parsed = send(call.request)
        except BaseException as error:
            # Without an attempt, and with a sentence of botocore or the guard, it was not sent.
            if attempts or not isinstance(error, (CallDenied, BotoCoreError)):
                self._not_done(entry, made, attempts or [True])
            else:
                self._not_done(entry, made, [])
            raise
        if http.status_code >= 300:
            self._not_done(entry, made, attempts or [True])
        else:
            self._progress.learn(entry, parsed)
        return http, parsed

    def _not_done(self, entry: Entry, made: Call, attempts: list[bool]) -> None:
        """AWS did not say that it was done. `attempts` are true where it may have been."""
        if any(attempts):
            self._progress.unclear(entry, made)
        else:
            self._progress.give_back(entry, made)

    def refused(self, service: str | None, operation: str, _out: Outgoing, how: str) -> Exception:
        """The exception for a request that no client made as an ordinary call: no plan has it."""
        return self._not_planned(Call(service or "aws", operation or how, {}, "", ""))

    def _not_planned(self, call: Call) -> CallDenied:
        again = self._progress.plan.again
        left = ", ".join(f"{each.number} {each.operation}" for each in self._progress.left()[:3])
        planned = f"the plan goes on with call {left}" if left else "every call of the plan was made already"
        plan = self._progress.plan.short
        why = f"{call.operation} with these parameters is not in the approved plan {plan}: {planned}."
        if self._progress.is_unclear(call):
            why = (
                f"{call.operation} of the approved plan {plan} was sent already, and no answer "
                f"says whether it was done; only the same request, with the same token, may be sent again, once."
            )
        said = Violation(
            RULE,
            call.operation,
            why,
            f"Change the script back, or {again}",
            "deny",
        )
        decision = Decision(str(uuid.uuid4()), "deny", call, (said,), decided_at=time.time())
        return CallDenied(decision, paragraph(decision, time.time()))
