"""``guardrails policy explain``: why a recorded call was decided on as it was, in words."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from guardrails import assembly
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.errors import ConfigError
from guardrails.policy.explain import Reading, readings
from guardrails.record.entries import Entry, read

_MARKS = {True: ("  holds    ", "red"), False: ("  does not ", "green"), None: ("  not asked", "dim")}
_LONG = 200


@click.command()
@click.argument("decision_id")
@click.option("--all", "everything", is_flag=True, help="Also every rule that looked at the call and did not fire.")
@click.option("--format", "fmt", type=click.Choice(["pretty", "json"]), default="pretty", show_default=True)
@click.pass_obj
def explain(config: str | None, decision_id: str, everything: bool, fmt: str) -> None:
    """Say why the call of DECISION_ID (or the beginning of it) was decided on as it was.

    The decision log has what the policies saw; it is put to the policies of this configuration again.
    """
    settings = load(config)
    entry = _entry(settings.log.path, settings.log.keep, decision_id)
    asked = entry.input
    made = assembly.policies(settings)
    found = readings(made, asked) if "schema" in asked else []
    shown = [one for one in found if everything or one.fired]
    if fmt == "json":
        told = {
            "decision_id": entry.decision_id,
            "recorded": {"result": entry.document.get("result"), "revision": entry.revision, "custom": entry.custom},
            "revision": made.revision,
            "rules": [attrs.asdict(one) for one in shown],
        }
        click.echo(json.dumps(told, indent=2))
        return
    out = console()
    _head(out, entry)
    if "schema" not in asked:
        out.print(Text(f"No policy was asked: {entry.why or 'it was not decided by the policies'}"))
        return
    if entry.revision != made.revision:
        out.print(
            Text(f"The policies have changed since ({entry.revision}, now {made.revision}); this is by those of now.")
        )
    for one in shown:
        _reading(out, one, entry.violations)
    if not any(one.fired for one in found):
        out.print(
            Text("No rule speaks against this call." + ("" if everything else " --all shows what they looked at."))
        )


def _entry(path: Path, keep: int, decision_id: str) -> Entry:
    found = {}
    for one in read(path, keep):
        if isinstance(one, Entry) and one.decision_id.startswith(decision_id):
            found[one.decision_id] = one
    if not found:
        raise ConfigError(f"{path}: no decision {decision_id}; `guardrails log` lists them")
    if len(found) > 1:
        raise ConfigError(f"{decision_id} is the beginning of {len(found)} decisions; give more of it")
    return next(iter(found.values()))


def _head(out: Console, entry: Entry) -> None:
    action = entry.action
    out.print(
        Text.assemble(
            (action.upper(), "bold red" if action in ("deny", "confirm") else "bold green"),
            f"  {entry.call_name} in {entry.region}, {entry.timestamp}, by {entry.program} ({entry.person})",
        )
    )


def _reading(out: Console, one: Reading, violations: list[Mapping[str, Any]]) -> None:
    out.print()
    out.print(Text.assemble((one.rule, "bold"), f"  {one.title}", (f"  {_place(one.file)}:{one.line}", "dim")))
    for condition in one.conditions:
        if condition.held and condition.names_only:
            # What it names is told with the other values.
            continue
        mark, style = _MARKS[condition.held]
        saw = "; ".join(f"{name} is {_short(value)}" for name, value in condition.saw.items())
        line = Text.assemble((f"{mark.strip():<9}  ", style), condition.text, (f"   [{saw}]" if saw else "", "dim"))
        _indented(out, line)
    for values in one.bindings if one.fired else ():
        text = ", ".join(f"{name} = {_short(value)}" for name, value in values.items() if name not in _TOLD)
        if text:
            _indented(out, Text(f"with {text}", style="dim"))
    if not one.fired:
        first = next((condition for condition in one.conditions if condition.held is False), None)
        if first is not None:
            out.print(Padding(Text(f"It did not fire: {first.text} did not hold.", style="green"), (0, 0, 0, 2)))
        return
    out.print(
        Padding(Text("The call passes this rule as soon as one of these conditions does not hold."), (0, 0, 0, 2))
    )
    for remediation in dict.fromkeys(str(v.get("remediation")) for v in violations if v.get("rule") == one.rule):
        _indented(out, Text(f"Instead: {remediation}"))


def _indented(out: Console, line: Text) -> None:
    out.print(Padding(line, (0, 0, 0, 2)))


# What a rule says; the violation has it already.
_TOLD = frozenset(("message", "remediation"))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"


def _place(file: str) -> str:
    path = Path(file)
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else file
