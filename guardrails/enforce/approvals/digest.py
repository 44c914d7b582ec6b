"""What exactly is approved: a document of the call, and its digest.

It has everything that changes what the call does or hits: the operation with all its parameters, the targets with their
clusters, the effects, where it goes, what each rule objects to, and who asks. Left out is what differs each time and
changes nothing: the order of ids, and the tokens that AWS's libraries make up so that a retry counts once.

How many machines run is kept beside it: where more of them run than were shown, the approval still counts.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from guardrails.show import blast_radius
from guardrails.values import Call, Decision

SCHEMA = 1
# Members that botocore's models mark `idempotencyToken`, without those that name something (a test compares them).
TOKENS = frozenset(
    ("CallerReference", "ClientRequestToken", "ClientToken", "ClientTokenId", "CreationToken", "CreatorRequestId",
     "ExecuteToken", "IdempotencyToken", "OperationId", "ProvisionToken", "RequestId", "TerminateToken", "UpdateToken",
     "UpdaterRequestId", "clientRequestToken", "clientToken", "idempotencyToken", "profileToken", "requestId")
)  # fmt: skip
# A password is easy to guess, and the digest is public: each guess takes some time.
_ROUNDS = 100_000
# Longer parameters would fill the place of the requests; of them a digest is kept.
_LONGEST = 8_000


def document(decision: Decision, user: str) -> dict[str, Any]:
    """What is approved if this decision's call is, with `user` as who asks; JSON-safe, without secrets."""
    call = decision.call
    targets = decision.facts.targets if decision.facts else ()
    return {
        "schema": SCHEMA,
        "service": call.service,
        "operation": call.operation,
        "params": _params(call, call.params),
        "hidden": _hidden(call, user),
        "targets": sorted({target.id for target in call.targets}),
        "clusters": {target.id: sorted(target.clusters) for target in targets},
        "effects": sorted(call.effects),
        "region": call.region,
        "account": call.account,
        "rules": blocking(decision),
        "user": user,
    }


def digest(what: Mapping[str, Any]) -> str:
    """SHA-256 of a document, in hexadecimal digits."""
    return hashlib.sha256(canonical(what).encode()).hexdigest()


def canonical(what: object) -> str:
    """The same JSON for the same content."""
    return json.dumps(what, sort_keys=True, separators=(",", ":"), default=str)


def leaves(decision: Decision) -> dict[str, tuple[int, int]]:
    """For each cluster that the call reaches: how many machines it would leave running, and how many run now."""
    reached = (hit for hit in blast_radius.of(decision.input) if hit.touched)
    return {hit.cluster: (hit.running - hit.down, hit.running) for hit in reached}


def worse(now: Mapping[str, tuple[int, int]], approved: Mapping[str, tuple[int, int]]) -> str:
    """What became worse since these were approved, for people; "" where at least as much would remain."""
    fewer = sorted(name for name, (left, _) in now.items() if name in approved and left < approved[name][0])
    if fewer:
        return f"since the approval, fewer machines of {', '.join(fewer)} run"
    more = sorted(now.keys() - approved.keys())
    return f"since the approval, the call reaches {', '.join(more)} as well" if more else ""


def blocking(decision: Decision) -> list[list[str]]:
    """Each rule that blocks the call, or would without the approval, and what it objects to."""
    approved = {rule for approval in decision.input.get("approvals", ()) for rule in approval["rules"]}
    return sorted(
        [one.rule, one.target]
        for one in decision.violations
        if one.action in ("deny", "confirm") or (one.action == "warn" and one.rule in approved)
    )


def _params(call: Call, params: Mapping[str, Any]) -> dict[str, Any]:
    named = {target.id for target in call.targets}
    kept = {name: _sorted(value, named) for name, value in params.items() if name not in TOKENS}
    text = canonical(kept)
    return kept if len(text) <= _LONGEST else {"sha256": hashlib.sha256(text.encode()).hexdigest()}


def _sorted(value: Any, named: set[str]) -> Any:
    """Lists that hold nothing but ids of targets say the same in any order."""
    if isinstance(value, (list, tuple)) and all(isinstance(one, str) and one in named for one in value):
        return sorted(set(value))
    return value


def _hidden(call: Call, user: str) -> str:
    """A digest of what the parameters hide, "" where they hide nothing."""
    if not call.masked:
        return ""
    clear = canonical(_params(call, call.clear_params)).encode()
    return hashlib.pbkdf2_hmac("sha256", clear, f"{call.name} {user}".encode(), _ROUNDS).hex()
