"""Failed look-ups in words: which, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable

from guardrails.values import LookupFailure

# What AWS says of credentials that were good before.
_EXPIRED = frozenset(("ExpiredToken", "ExpiredTokenException", "RequestExpired"))
# Its message says what to do; the same call would be denied again.
_TOO_MANY = "TooManyBalancers"


def failure_sentence(failure: LookupFailure) -> str:
    """Which look-up failed, why, and what to do: for a missing permission, the IAM action to allow."""
    return failures_sentence((failure,))


def failures_sentence(failures: Iterable[LookupFailure]) -> str:
    """The same of several: those that failed in the same way are named together, with what AWS said of the first."""
    groups: dict[tuple[str, str], list[LookupFailure]] = {}
    for failure in failures:
        # Which of them a source alone asks is part of what helps where a permission is missing.
        groups.setdefault((failure.code, failure.source if refused(failure) else ""), []).append(failure)
    return "; ".join(map(_together, groups.values()))


def _together(alike: list[LookupFailure]) -> str:
    first = alike[0]
    names = list(dict.fromkeys(failure.lookup for failure in alike))
    which = f"the look-up{'s' * (len(names) > 1)} {_and(names)}"
    return f"{which} failed with {first.code} ({first.message}){_way(alike)}"


def _way(alike: list[LookupFailure]) -> str:
    first = alike[0]
    if refused(first):
        actions = list(dict.fromkeys(failure.permission for failure in alike))
        without = f", or leave {first.source} out of [live] sources" if first.source else ""
        return f"; allow the IAM action{'s' * (len(actions) > 1)} {_and(actions)}{without}"
    if first.code in _EXPIRED:
        return "; renew the credentials, and make the call again"
    return "" if first.code == _TOO_MANY else "; make the call again"


def _and(words: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def refused(failure: LookupFailure) -> bool:
    """True for a missing permission."""
    return "Unauthorized" in failure.code or "AccessDenied" in failure.code
