"""A request for approval, the grants that answer it, and its one use; and what a place of them must do.

Who granted is what the place proves, never what the grant says: the partition of a table that IAM let someone write,
or the owner of a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from attrs import asdict, field

from guardrails.values import frozen


@frozen
class Identity:
    """A person or program, as AWS or the host knows it. `others` are further ids of it; `name` is for people.

    In a request, the `id` is what counts: an approval lets only the caller pass whom AWS or the host knows by it. The
    rest is its own word.
    """

    id: str
    name: str
    others: tuple[str, ...] = ()

    @property
    def ids(self) -> frozenset[str]:
        """Every id."""
        return frozenset((self.id, *self.others))

    @property
    def shown(self) -> str:
        """The id, and what it calls itself where that is something else."""
        return self.id if self.name in ("", self.id) else f"{self.id}, which calls itself {self.name}"

    @property
    def names(self) -> frozenset[str]:
        """Every id, and the name: AWS's user id does not say what an IAM user is called, and the ARN does."""
        return self.ids | {self.name}


@frozen
class Request:
    """What is asked, by whom and until when. `document` is what `digest` was made of; `terms` has each rule's `by`.

    `place` is the account, region and operation; `minutes` is how long a grant counts. Times are in seconds since the
    epoch. `leaves` says for each cluster how many machines the call would leave running, and how many ran.
    """

    id: str
    place: str
    digest: str
    document: Mapping[str, Any]
    summary: str
    asked_at: float
    minutes: float
    terms: Mapping[str, tuple[str, ...]]
    asked_by: Identity
    leaves: Mapping[str, tuple[int, int]] = field(factory=dict)

    @property
    def until(self) -> float:
        """It can be approved until then."""
        return self.asked_at + self.minutes * 60

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that block the call."""
        return tuple(sorted(self.terms))

    def written(self) -> str:
        """As text."""
        return json.dumps(asdict(self))


@frozen
class Grant:
    """A yes. `by` and `name` are proven by the place; `reason` is the word of who gave it.

    The name is "" where the place does not prove it. `leaves` is the request's, as they saw it.
    """

    by: str
    name: str
    reason: str
    digest: str
    at: float
    leaves: Mapping[str, tuple[int, int]] = field(factory=dict)

    def written(self) -> str:
        """As text."""
        return json.dumps(asdict(self))


@frozen
class Record:
    """A request, its grants, and the decision that used one; "" where none did."""

    request: Request
    grants: tuple[Grant, ...] = ()
    used_by: str = field(default="", kw_only=True)


class Board(Protocol):
    """Where requests are put up and answered. Every method raises StateUnavailable where the place cannot be used."""

    def me(self) -> Identity:
        """Who this process is, as this place proves it for what it grants."""
        ...

    def try_it(self) -> None:
        """Use it as a request does, and leave nothing behind."""
        ...

    def records(self, place: str, /) -> list[Record]:
        """The requests for an operation in an account and region, the oldest first."""
        ...

    def all(self) -> list[Record]:
        """Every request, the oldest first."""
        ...

    def ask(self, request: Request, /) -> None:
        """Put a request up."""
        ...

    def grant(self, request: Request, grant: Grant, /) -> None:
        """Answer it, as `me`."""
        ...

    def take(self, request: Request, decision_id: str, /) -> bool:
        """Use its grant for this decision. False where another decision did: of two at once, one is first."""
        ...

    def give_back(self, place: str, request_id: str, decision_id: str, /) -> None:
        """Undo what `take` did for this decision, whose call was never sent."""
        ...
