"""What a kind of entrance is: how its state is read from AWS, and brought into another one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from guardrails.cutover.plan import State

# The client of a service, which the guard judges.
Clients = Callable[[str], Any]


class Kind(Protocol):
    """One kind of entrance; `ids` are AWS's names of them. `read` and `write` raise what botocore raises."""

    def read(self, clients: Clients, ids: Iterable[str], /) -> Mapping[str, State]:
        """The states as they are now. What AWS does not show is missing."""
        ...

    def write(self, clients: Clients, id: str, now: State, wanted: State, /) -> None:  # noqa: A002
        """Bring it from the state `now` into the state `wanted`. At every moment it leads somewhere."""
        ...

    def same(self, one: State, other: State, /) -> bool:
        """Whether users notice no difference."""
        ...

    def ours(self, now: State, states: Sequence[State], /) -> bool:
        """Whether a cutover with these states can have left it like this, so that nothing of others is overwritten."""
        ...
