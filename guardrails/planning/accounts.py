"""Which account a call goes to, asked of AWS once for each credentials."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from botocore.model import ServiceModel

from guardrails.intercept.reading import read_call
from guardrails.intercept.request.outgoing import Outgoing
from guardrails.resolve import caller_identity
from guardrails.resolve.lookups import Answering
from guardrails.values import Call, Origin


class Accounts:
    """The accounts of the credentials that this process uses."""

    def __init__(self, lookups: Answering) -> None:
        self._lookups = lookups
        # With the credentials themselves, so that no others get their id.
        self._known: dict[object, tuple[object, str]] = {}

    def of(self, origin: Origin) -> str | None:
        """The account's number; None where AWS does not say. This also gets credentials that are not there yet."""
        known = self._known.get(origin.identity)
        if known is None:
            account = caller_identity.account(self._lookups.fetch([caller_identity.WHO], origin).answers)
            if not account:
                return None
            known = self._known[origin.identity] = (origin.credentials, account)
        return known[1]


def read_whole(
    accounts: Accounts, service: str, operation: str, model: ServiceModel, out: Outgoing, origin: Origin
) -> Call:
    """The call of a client, with its account and with what it reads from a file."""
    unread = None
    if service != "s3" and hasattr(out.body, "read"):
        content = _content(out.body)
        unread = "its content comes from a stream, which can be read only once" if content is None else None
        out = out._replace(body=content or b"")
    call = read_call(service, operation, lambda: model, out, origin, presigned=False)
    return evolve(call, account=accounts.of(origin), undecodable=call.undecodable or unread)


def _content(stream: Any) -> bytes | None:
    """All of a file, which stays where it was; None where it cannot go back."""
    try:
        place = stream.tell()
        content = stream.read()
        stream.seek(place)
    except (AttributeError, OSError, ValueError):
        return None
    return content.encode() if isinstance(content, str) else bytes(content)
