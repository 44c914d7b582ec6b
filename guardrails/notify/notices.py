"""What notices say: a sentence for people, and the same as a document for programs.

They have no parameters of calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardrails.show import blast_radius
from guardrails.show.sentences import effective, paragraph, sentence
from guardrails.values import EMPTY, Caller, Decision, Freeze, frozen, rfc3339

SCHEMA = 1
TITLES = {
    "save": "guardrails blocked a call on something live",
    "approval": "guardrails: a call waits for an approval",
    "break_glass": "guardrails: break glass",
    "freeze": "guardrails: freeze",
    "test": "guardrails: a test notice",
}
# So many ids are named.
_NAMED = 50


@frozen
class Notice:
    """One notice. Those of the same `kind` and `alike` are grouped: it stands for `count` of them, itself included."""

    kind: str
    sentence: str
    at: float
    alike: tuple[object, ...] = ()
    details: Mapping[str, Any] = EMPTY
    count: int = 1

    @property
    def title(self) -> str:
        """What happened, in a few words."""
        return TITLES[self.kind]

    @property
    def text(self) -> str:
        """What happened, for people."""
        if self.count == 1:
            return self.sentence
        return f"{self.sentence} This is the newest of {self.count:,} like it since the last notice."

    def document(self) -> dict[str, Any]:
        """What happened, for programs, JSON-safe."""
        return {
            "schema": SCHEMA,
            "event": self.kind,
            "text": self.text,
            "time": rfc3339(self.at),
            "count": self.count,
            **self.details,
        }


def of_save(decision: Decision) -> Notice | None:
    """A call that was blocked, None where it names nothing live."""
    clusters = live_clusters(decision)
    return _blocked("save", decision, clusters) if clusters else None


def of_approval(decision: Decision) -> Notice | None:
    """What a second person is asked to approve; None where no one is asked."""
    request = decision.approval
    if request is None:
        return None
    asked = (
        f"{sentence(request.summary)} Rules: {', '.join(request.rules)}. If it is right, another person approves it by "
        f"{rfc3339(request.until)[:19]}Z: {request.command}"
    )
    details = {"decision_id": decision.id, "approval": request.document(), **_who(decision.caller)}
    return Notice("approval", _sentence(asked, decision.caller), decision.decided_at, (request.id,), details)


def live_clusters(decision: Decision) -> tuple[str, ...]:
    """The live clusters that the call names, or reaches through what it names; sorted."""
    if decision.facts is None:
        return ()
    live = {*decision.facts.live.clusters} | {each.name for each in decision.facts.clusters if each.live}
    named = {name for target in decision.facts.targets if target.role == "target" for name in target.clusters}
    reached = {hit.cluster for hit in blast_radius.of(decision.input) if hit.live and hit.touched}
    return tuple(sorted((named & live) | reached))


def of_glass(announcement: str, glass: Mapping[str, Any], caller: Caller, now: float) -> Notice:
    """Rules that are set aside; `glass` is `input.break_glass`."""
    alike = (glass["reason"], *glass["rules"], glass["source"])
    return Notice("break_glass", _sentence(announcement, caller), now, alike, {"break_glass": glass, **_who(caller)})


def of_freeze(announcement: str, freezes: Iterable[Freeze], caller: Caller, now: float) -> Notice:
    """A freeze that begins, or those that are lifted."""
    documents = [freeze.document() for freeze in freezes]
    return Notice("freeze", announcement, now, (announcement,), {"freezes": documents, **_who(caller)})


def of_test(caller: Caller, now: float) -> Notice:
    """A notice of nothing, to try whether notices arrive."""
    return Notice(
        "test", _sentence("This is a test of guardrails; nothing has happened.", caller), now, (), _who(caller)
    )


def _blocked(kind: str, decision: Decision, clusters: tuple[str, ...]) -> Notice:
    call, rules = decision.call, sorted({each.rule for each in effective(decision)})
    targets = list(dict.fromkeys(target.id for target in call.targets))
    details = {
        "decision_id": decision.id,
        "service": call.service,
        "operation": call.operation,
        "region": call.region,
        "account": call.account,
        "targets": targets[:_NAMED],
        "targets_total": len(targets),
        "live_clusters": list(clusters),
        "rules": rules,
        "action": decision.action,
        **_who(decision.caller),
    }
    told = _sentence(paragraph(decision, decision.decided_at), decision.caller)
    # Not the targets: a loop names another one each time.
    alike = (call.service, call.operation, call.region, call.account, *rules, None, *clusters)
    return Notice(kind, told, decision.decided_at, alike, details)


def _sentence(text: str, caller: Caller | None) -> str:
    return text if caller is None else f"{text} ({caller.program}, {caller.os_user} on {caller.host})"


def _who(caller: Caller | None) -> dict[str, Any]:
    if caller is None:
        return {}
    return {"caller": {"os_user": caller.os_user, "host": caller.host, "program": caller.program, "pid": caller.pid}}
