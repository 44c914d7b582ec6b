"""Where notices go, and which did not arrive."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.config.settings import Settings
from guardrails.doctor.finding import Finding
from guardrails.notify import targets
from guardrails.notify.sender import troubles_file
from guardrails.notify.troubles import Troubles
from guardrails.show.sentences import counted

_NAME = "notices"


def examine(settings: Settings) -> Iterator[Finding]:
    """A finding for each place of `[[notify]]`. Nothing is sent: `guardrails notify test` does that."""
    known = Troubles(troubles_file(settings)).read()
    for place in settings.notify:
        name = targets.name(place)
        facts = {"to": name, "on": list(place.on), **known.get(name, {})}
        if name not in known:
            kinds = ", ".join(kind.replace("_", " ") for kind in place.on)
            yield Finding(_NAME, "ok", f"{name} gets notices of: {kinds}", facts)
            continue
        lost = known[name]
        numbers = f"{counted(lost['failed'], 'notice')} did not arrive, {lost['dropped']:,} dropped"
        sentence = f"{name}: {numbers}, the last at {lost['at']}: {lost['why']}. Try it with `guardrails notify test`"
        yield Finding(_NAME, "note", sentence, facts)
