"""What ``%load_ext guardrails`` and ``%unload_ext guardrails`` do."""

from __future__ import annotations

import time
from typing import Any

from guardrails import process
from guardrails.aws.clients import make_client
from guardrails.errors import GuardrailsError
from guardrails.guard import Guard
from guardrails.notebook.card import Cards
from guardrails.notebook.magic import GuardMagics
from guardrails.show.failures import failures_sentence
from guardrails.show.printable import printable
from guardrails.show.sentences import live_sentence, sentence


def load(shell: Any) -> None:
    """Install the guard, and print in one line which cluster is live. Raises ConfigError or PolicyError."""
    ours = process.current() is None
    guard = process.install()
    cards = Cards(shell)
    cards.install()
    shell.register_magics(GuardMagics(shell, cards, ours=ours))
    line = printable(f"guardrails is on (mode {guard.settings.mode}). {_live(guard)}")
    print(line)  # noqa: T201  (the cell's output)


def unload(shell: Any) -> None:
    """Undo `load`; a guard that was installed before it stays."""
    magics = shell.magics_manager.registry.pop(GuardMagics.__name__, None)
    if magics is None:
        return
    shell.magics_manager.magics["line"].pop("guardrails", None)
    magics.cards.uninstall()
    if magics.ours:
        process.uninstall()


def _live(guard: Guard) -> str:
    """Which cluster is live and why, in the session's account and region; if that is not known, why not."""
    try:
        facts = guard.live(make_client("ec2", None, None, None))
    except GuardrailsError as error:
        return f"The live cluster is not known yet: {sentence(str(error))}"
    if facts.failures:
        return sentence(
            f"The live cluster is not known: {failures_sentence(facts.failures)}; until it is, "
            "every call that could hurt a cluster is blocked"
        )
    return sentence(live_sentence(facts.live, time.time()))
