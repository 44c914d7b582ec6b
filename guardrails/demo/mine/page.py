"""What is printed about a rehearsal: each accident with what the configuration says, then what the copy lacks."""

from __future__ import annotations

import json

from attrs import asdict
from rich.console import Console
from rich.text import Text

from guardrails.demo.mine import Answer, Rehearsal
from guardrails.show.printable import printable

_GAPS = 10


def as_json(rehearsal: Rehearsal) -> str:
    """``{"cluster", "live", "answers": [answer], "everyday": answer, "gaps": [str]}``.

    An answer is ``{"title", "verdict", "blocked", "rules", "sentence"}``.
    """
    return json.dumps(asdict(rehearsal), indent=2)


def show(rehearsal: Rehearsal, console: Console) -> None:
    """Print it for people."""
    console.print(Text("Your account, built again in the simulated AWS. Yours was only read.", style="bold"))
    console.print(Text(printable(rehearsal.live)))
    console.print()
    console.print(
        Text(f"Ten accidents that happen to {printable(rehearsal.cluster) or 'nothing: there are no machines'}:")
    )
    for number, answer in enumerate(rehearsal.answers, 1):
        _show(f"{number:>2}. {answer.title}", answer, console)
    console.print()
    console.print(Text("And an everyday call:"))
    _show(f"    {rehearsal.everyday.title}", rehearsal.everyday, console)
    if rehearsal.gaps:
        console.print()
        console.print(Text("Not rebuilt, so not considered:", style="bold"))
        for gap in rehearsal.gaps[:_GAPS]:
            console.print(Text(f"  - {printable(gap)}"))
        if len(rehearsal.gaps) > _GAPS:
            console.print(Text(f"  - and {len(rehearsal.gaps) - _GAPS} more (--format json has all)"))


def _show(title: str, answer: Answer, console: Console) -> None:
    verdict = answer.verdict or "your account has nothing like that"
    style = "bold green" if answer.blocked else "yellow" if answer.verdict else "dim"
    rules = f" ({', '.join(answer.rules)})" if answer.rules else ""
    console.print(Text(printable(title) + ": ").append(verdict + rules, style=style))
    if answer.sentence:
        console.print(Text(f"    {printable(answer.sentence)}", style="dim"))
