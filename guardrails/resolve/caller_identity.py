"""Who makes a call, by AWS: asked only where a second person is to be told apart."""

from __future__ import annotations

from collections.abc import Mapping

from guardrails.memory import StateUnavailable
from guardrails.memory.approvals import Identity
from guardrails.resolve.lookups import Answering
from guardrails.values import Answer, Lookup, Origin

# It needs no permission.
WHO = Lookup("sts", "GetCallerIdentity", "@")


def account(answers: Mapping[str, Answer]) -> str:
    """The account of the caller, as WHO was answered; "" where it was not."""
    answer = answers.get(WHO.key())
    return str(answer.items[0].get("Account") or "") if answer and answer.items else ""


def of(lookups: Answering, origin: Origin) -> Identity:
    """AWS's user id and ARN for the credentials of a call. Raises StateUnavailable."""
    fetched = lookups.fetch([WHO], origin)
    answer = fetched.answers.get(WHO.key())
    if answer is None or not answer.items or not answer.items[0].get("UserId"):
        why = "; ".join(f"{each.code} ({each.message})" for each in fetched.failures) or "no answer"
        raise StateUnavailable(f"AWS does not say who makes the call: sts:GetCallerIdentity failed with {why}")
    return Identity(str(answer.items[0]["UserId"]), str(answer.items[0].get("Arn", "")))
