"""Whether a blocked call could ask for an approval: the place of the requests, and who this host is there."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.config.settings import Settings
from guardrails.doctor.finding import Finding
from guardrails.memory import StateUnavailable, configured

_ABOUT = "approvals"


def examine(settings: Settings) -> Iterator[Finding]:
    """The folder of this host, or AWS's answer about who uses the shared table; its permissions are tried elsewhere."""
    board = configured.board(settings)
    try:
        board.try_it()
        me = board.me()
    except StateUnavailable as error:
        sentence = f"{error}. Until then no approval can be asked for, given or used; break glass works"
        yield Finding(_ABOUT, "problem", sentence)
        return
    shared = settings.state.enabled and settings.state.store == "dynamodb"
    where = f"the table {settings.state.table}" if shared else str(settings.approval_folder)
    yield Finding(_ABOUT, "ok", f"requests are in {where}, where this is {me.name}", {"place": where, "id": me.id})
