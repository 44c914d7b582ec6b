"""Failed look-ups in words."""

from __future__ import annotations

from guardrails.show.failures import failures_sentence
from guardrails.values import LookupFailure


def failed(lookup, code="Timeout", message="no answer", source=""):
    """A look-up that failed; its permission is named as it is."""
    return LookupFailure(lookup, code, message, permission=lookup, source=source)


def test_what_failed_alike_is_said_once():
    """Several that failed in the same way are named in one sentence, with one remedy."""
    said = failures_sentence(map(failed, ("ec2:A", "ec2:B", "ec2:C", "ec2:A")))
    assert said == "the look-ups ec2:A, ec2:B and ec2:C failed with Timeout (no answer); make the call again"


def test_each_missing_permission_is_named():
    """All IAM actions are named, and those that a source alone needs, with the way without it."""
    refused = [failed(name, "AccessDenied", f"not {name}") for name in ("ec2:A", "ec2:B")]
    said = failures_sentence([*refused, failed("ec2:C", "AccessDenied", "not ec2:C", source="eip")])
    assert said == (
        "the look-ups ec2:A and ec2:B failed with AccessDenied (not ec2:A); allow the IAM actions ec2:A and ec2:B; "
        "the look-up ec2:C failed with AccessDenied (not ec2:C); "
        "allow the IAM action ec2:C, or leave eip out of [live] sources"
    )


def test_different_failures_stay_apart():
    """Another code is another sentence, with its own remedy."""
    said = failures_sentence([failed("ec2:A"), failed("ec2:B", "ExpiredToken", "expired")])
    assert said == (
        "the look-up ec2:A failed with Timeout (no answer); make the call again; "
        "the look-up ec2:B failed with ExpiredToken (expired); renew the credentials, and make the call again"
    )
