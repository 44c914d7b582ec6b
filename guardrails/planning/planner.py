"""Makes a plan: decides on each call that would change something, writes it down, and answers in AWS's place."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import asdict, evolve
from botocore.model import OperationNotFoundError, ServiceModel

from guardrails.enforce.approvals import approvable
from guardrails.errors import CallDenied, NotSentInPlan
from guardrails.intercept.judge import Judge
from guardrails.intercept.request.outgoing import Outgoing
from guardrails.pipeline import Pipeline
from guardrails.planning import dry_runs
from guardrails.planning.accounts import Accounts, read_whole
from guardrails.planning.answers import answer_of
from guardrails.planning.counting import left
from guardrails.planning.deciding import PlannedWorld, decided, pipeline_of
from guardrails.planning.effects import Effect, Planned, effect_of
from guardrails.planning.entry import Entry, Left, Verb
from guardrails.planning.identity import identity_of
from guardrails.planning.journal import Journal
from guardrails.planning.kinds import ENDS, MAKES, noun_of
from guardrails.planning.made_up import MadeUp
from guardrails.planning.planned_ids import is_planned, planned_in
from guardrails.planning.reading import Reading
from guardrails.planning.reads import kind_of
from guardrails.planning.request import Request
from guardrails.planning.verdicts import made_in, only_planned, rules_of, status_of, things_of
from guardrails.resolve.lookups import Answering
from guardrails.resolve.ownership import Ownership
from guardrails.show import blast_radius, code_line
from guardrails.show.blast_radius import Hit
from guardrails.show.sentences import paragraph
from guardrails.values import Call, Decision, Lookup


class Planner:
    """One process's part of a plan. Its calls are those of `journal`."""

    def __init__(self, journal: Journal, judge: Judge, pipeline: Pipeline, lookups: Answering, models: Any) -> None:
        self.journal = journal
        self.judge = judge
        self.options = journal.options
        self._accounts = Accounts(lookups)
        self._world = PlannedWorld(lookups, judge.services, models, lambda: journal.world, self._accounts.of)
        self._named = Ownership.configured(pipeline.settings).named
        self.reading = Reading(journal)
        self._pipeline = pipeline_of(pipeline, self._world, journal.folder)

    def kind(self, service: str | None, operation: str) -> str:
        """``read``, ``change`` or ``unknown``."""
        return kind_of(self._pipeline.catalogue, service or "", operation)

    def request(
        self, model: ServiceModel, operation: str, out: Outgoing, context: Any, signer: Any, credentials: Any = None
    ) -> Request:
        """What is about to be sent, read from the serialized request."""
        service = self.judge.services.of_model(model)
        name = self.judge.services.action(service, operation, out)
        origin = self.judge.origin(signer, out.url, context or {}, credentials)
        call = read_whole(self._accounts, service, name, model, out, origin)
        return Request(service, name, model, out, call, self._pipeline.around.home(call, origin))

    # -- calls that change something -----------------------------------------------------------------------------

    def planned(self, request: Request, aws_says: str = "") -> dict[str, Any]:
        """Decide on a call and write it down. Returns the answer that the script gets.

        `aws_says` is AWS's own word on permissions. Raises CallDenied for a denied call where the plan was asked to.
        """
        line = code_line.calling().partition(": ")[0]
        with self.journal.turn():
            if request.call.account is None:
                self.reading.guessing(
                    "sts:GetCallerIdentity failed, so it is unknown in which account the calls would be made"
                )
            self._world.unsure.clear()
            decision = decided(self._pipeline, request.call, request.origin)
            if self._world.unsure:
                self.reading.guessing(
                    f"{self._world.unsure[0]} may show what an earlier call changed, and the plan does not know it"
                )
            tries = dry_runs.only_tries(request.params)
            effect = Effect() if tries else self._effect(request, decision)
            answer = (tries and self._tried(request)) or self._answer(request, effect)
            entry = evolve(
                self._entry(request, decision, effect), line=line, made=dict(made_in(answer)), aws_says=aws_says
            )
            entry = evolve(entry, dry_run=True, left=(), hits=()) if tries else entry
            noun = noun_of(request.operation)[1]
            place = request.place
            unseen = tuple((service, place, kind) for service, kind in effect.unseen)
            if not effect.known and not only_planned(request.service, request.params):
                unseen += ((request.service, place, noun),)
            self.journal.write(entry, effect.changes, unseen)
        enforced = self._pipeline.settings.mode == "enforce" and self.options.get("stop")
        if decision is not None and entry.status in ("denied", "needs approval") and enforced:
            raise CallDenied(decision, paragraph(decision, time.time()))
        return answer

    def refused(self, service: str | None, operation: str, out: Outgoing, how: str) -> NotSentInPlan:
        """Write down a request that is not a client's ordinary call; the exception to raise."""
        name = operation or f"{out.method} request"
        with self.journal.turn():
            entry = Entry(
                number=len(self.journal.entries) + 1,
                service=service or "aws",
                operation=name,
                region="",
                account=None,
                params={},
                identity="",
                verb="unknown",
                status="denied",
                governed=False,
                pid=os.getpid(),
                at=time.time(),
                reason=f"{how}: the plan has no answer for it, so the script got an error",
                unsent=how,
                line=code_line.calling().partition(": ")[0],
                guess=self._guess(()),
            )
            self.journal.write(entry, (), ((service, "", ""),) if service else ())
        return NotSentInPlan(name, how)

    def _effect(self, request: Request, decision: Decision | None) -> Effect:
        if request.call.undecodable:
            return Effect(known=False)
        find: Callable[[Lookup], tuple[Any, ...]] = lambda lookup: self._world.items(lookup, request.origin)  # noqa: E731
        call = evolve(request.call, service=request.service)
        return effect_of(
            Planned(
                call, request.params, request.model, self.journal.ids, find, lambda: self._account(request, decision)
            )
        )

    def _account(self, request: Request, decision: Decision | None) -> str:
        """The account of a call, for made-up ARNs: by the facts, else by the credentials. "" where AWS does not say."""
        known = request.call.account or (decision.facts.account if decision and decision.facts else None)
        return known or self._accounts.of(request.origin) or ""

    def _tried(self, request: Request) -> dict[str, Any] | None:
        try:
            return dry_runs.verdict(request.service, request.model.operation_model(request.operation))
        except OperationNotFoundError:
            return None

    def _answer(self, request: Request, effect: Effect) -> dict[str, Any]:
        try:
            shape = request.model.operation_model(request.operation).output_shape
        except Exception:
            # An operation that this version of botocore does not know.
            shape = None
        region, service = request.call.region, request.model.signing_name
        made_up = MadeUp(self.journal.ids, service, region, lambda: self._account(request, None))
        ids = None if effect.changes else made_up
        return answer_of(shape, request.params, effect.answer, ids)

    def _entry(self, request: Request, decision: Decision | None, effect: Effect) -> Entry:
        call = decision.call if decision else request.call
        planned = self._uses(request.params)
        targets = decision.facts.targets if decision and decision.facts else ()
        hits = [hit for hit in blast_radius.of(decision.input) if hit.touched] if decision else []
        things = {each.id: each.type for each in call.targets if each.role == "target"} or things_of(effect, planned)
        return Entry(
            number=len(self.journal.entries) + 1,
            service=request.service,
            operation=request.operation,
            region=request.call.region,
            account=request.call.account,
            params=request.call.params,
            identity=identity_of(request.call, {}, time.time()),
            verb=self._verb(request, call),
            status=status_of(decision),
            governed=decision is not None,
            pid=os.getpid(),
            at=time.time(),
            things=things,
            clusters=tuple(dict.fromkeys([*(name for each in targets for name in each.clusters), *self._new(effect)])),
            effects=call.effects,
            rules=rules_of(decision),
            reason=(decision.unavailable or decision.reason) if decision else request.call.undecodable or "",
            left=self._left(request, decision, effect, hits),
            planned=planned,
            guess=self._guess(planned),
            hits=tuple(asdict(hit) for hit in hits),
            terms=approvable(decision) if decision else {},
        )

    def _left(self, request: Request, decision: Decision | None, effect: Effect, hits: list[Hit]) -> tuple[Left, ...]:
        """What runs after the call of each cluster that it touches, as the policies see it, and by its effect."""
        shown = {hit.cluster: Left(hit.cluster, hit.live, hit.running, hit.running - hit.down) for hit in hits}
        live = decision.facts.live.clusters if decision and decision.facts else ()
        find: Callable[[Lookup], tuple[Any, ...]] = lambda lookup: self._world.items(lookup, request.origin)  # noqa: E731
        counted = left(effect, find, self._named, live)
        return (*shown.values(), *(each for each in counted if each.cluster not in shown))

    def _uses(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        """What the call uses of what the plan made: by an id that was made up, or a name that the script gave."""
        named = {name for each in self.journal.entries if each.verb == "create" for name in each.things}
        given = [each for each in params.values() if isinstance(each, str) and each in named]
        return tuple(dict.fromkeys([*planned_in(dict(params)), *given]))

    def _new(self, effect: Effect) -> Iterator[str]:
        """The clusters of new machines, by their tags."""
        for each in effect.changes:
            if each.noun == "Instance" and each.item is not None and is_planned(each.id):
                tags = {str(tag["Key"]): str(tag.get("Value") or "") for tag in each.item.get("Tags") or ()}
                if cluster := self._named(tags):
                    yield cluster

    def _guess(self, planned: tuple[str, ...]) -> str:
        file = self.journal.folder / "guess"
        if file.exists():
            return file.read_text(encoding="utf-8")
        known = {name for _, _, _, name in self.journal.world.things} | {
            each for entry in self.journal.entries for each in entry.made.values()
        }
        lost = [each for each in planned if each not in known and is_planned(each)]
        return f"{', '.join(lost)} is made up, and nothing is known about it" if lost else ""

    def _verb(self, request: Request, call: Call) -> Verb:
        verb = noun_of(request.operation)[0]
        if request.call.undecodable or self.kind(request.service, request.operation) == "unknown":
            return "unknown"
        if verb in ENDS or "terminate" in call.effects:
            return "destroy"
        return "create" if verb in MAKES and request.operation != "RegisterTargets" else "change"
