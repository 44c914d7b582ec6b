"""``guardrails policy explain``: why a recorded call was decided the way it was."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs
import click
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from guardrails import assembly
from guardrails.cli import compare_sources, decisions, input_document, own_policies
from guardrails.cli.options import config_option, format_option, policies_option
from guardrails.cli.show import console
from guardrails.config.load import load
from guardrails.errors import PolicyError
from guardrails.evaluate.bundle import Bundle
from guardrails.evaluate.embedded import EmbeddedEngine
from guardrails.evaluate.engine import EngineFailure
from guardrails.policy.explain import Explanation, explanations
from guardrails.policy.explained_otherwise import Check, checks
from guardrails.record.entries import Entry
from guardrails.record.many_logs import gathered

_MARKS = {True: ("true", "red"), False: ("false", "green"), None: ("skipped", "dim")}
_LONG = 200
# Members of a violation that the output shows anyway.
_SHOWN_ANYWAY = frozenset(("message", "remediation"))


@click.command()
@config_option
@click.argument("decision_id")
@click.option("--all", "everything", is_flag=True, help="Also show the rules that did not fire.")
@policies_option
@format_option
def explain(config: str | None, decision_id: str, *, everything: bool, policies: str | None, fmt: str) -> None:
    """Explain why a recorded call was denied or allowed.

    DECISION_ID is the id or its beginning; `guardrails log` shows it. The decision log has the input that the policies
    saw; the policies of this configuration, or those of --policies, are evaluated on it again. A name with a dot or a
    slash is a file with an input document, such as `guardrails policy compare` writes.
    """
    settings = load(config)
    bundle = assembly.policies(settings) if policies is None else compare_sources.read(policies).bundle
    if set(decision_id) & set("./"):
        entry = _decided_now(Path(decision_id), bundle)
    else:
        with gathered(settings.log, ()) as found:
            entry = decisions.by_id(found.read(), decision_id, decisions.place(settings.log))
    decided = "schema" in entry.input
    every = explanations(bundle, entry.input) if decided else []
    shown = [rule for rule in every if everything or rule.fired]
    others = [*checks(bundle, entry.violations, {rule.rule for rule in every})] if decided else []
    if fmt == "json":
        whole = {
            "decision_id": entry.decision_id,
            "recorded": {"result": entry.document.get("result"), "revision": entry.revision, "custom": entry.custom},
            "revision": bundle.revision,
            "rules": [attrs.asdict(rule) for rule in shown],
            "checks": [{**attrs.asdict(check), "origin": check.origin} for check in others],
        }
        click.echo(json.dumps(whole, indent=2))
        return
    out = console()
    _show_call(out, entry)
    if not decided:
        out.print(Text(f"The policies were not evaluated: {entry.why or 'the guard decided without them'}"))
        return
    if entry.revision != bundle.revision:
        _show_change(out, entry, bundle)
    for rule in shown:
        _show_rule(out, rule, entry.violations)
    _show_checks(out, others)
    if not others and not any(rule.fired for rule in every):
        out.print(Text("No rule fires on this call." + ("" if everything else " --all shows all rules.")))


def _decided_now(file: Path, bundle: Bundle) -> Entry:
    """The input in a file, as if it were decided on now."""
    document = input_document.read_file(file)
    try:
        result = EmbeddedEngine(bundle).evaluate(document).result
    except EngineFailure as error:
        raise PolicyError(f"the policies cannot be evaluated: {error}") from error
    return Entry(
        {
            "decision_id": file.name,
            "timestamp": document.get("time"),
            "bundles": {"guardrails": {"revision": bundle.revision}},
            "input": document,
            "result": result,
        }
    )


def _show_call(out: Console, entry: Entry) -> None:
    out.print(
        Text.assemble(
            (entry.action.upper(), "bold red" if entry.action in ("deny", "confirm") else "bold green"),
            f"  {entry.call_name} in {entry.region}, {entry.timestamp}, by {entry.program} ({entry.person})",
        )
    )


def _show_rule(out: Console, rule: Explanation, violations: Sequence[Mapping[str, Any]]) -> None:
    out.print()
    place = (f"  {own_policies.short_path(rule.file)}:{rule.line}", "dim")
    out.print(Text.assemble((rule.rule, "bold"), f"  {rule.title}", place))
    for condition in rule.conditions:
        if condition.held and condition.names_only:
            # The value that it names is shown with the others below.
            continue
        mark, style = _MARKS[condition.held]
        saw = "; ".join(f"{name} is {_short(value)}" for name, value in condition.saw.items())
        seen = (f"   [{saw}]" if saw else "", "dim")
        _indented(out, Text.assemble((f"{mark:<9}  ", style), condition.text, seen))
    for values in rule.bindings if rule.fired else ():
        text = ", ".join(f"{name} = {_short(value)}" for name, value in values.items() if name not in _SHOWN_ANYWAY)
        if text:
            _indented(out, Text(f"with {text}", style="dim"))
    if not rule.fired:
        first = next((condition for condition in rule.conditions if condition.held is False), None)
        if first is not None:
            _indented(out, Text(f"It did not fire because {first.text} is not true.", style="green"))
        return
    _indented(out, Text("The rule lets the call pass when any of these conditions is not true."))
    for remediation in dict.fromkeys(
        str(each.get("remediation")) for each in violations if each.get("rule") == rule.rule
    ):
        _indented(out, Text(f"Instead: {remediation}"))


def _show_change(out: Console, entry: Entry, bundle: Bundle) -> None:
    changed = f"The policies have changed since ({entry.revision}, now {bundle.revision}); this is the result now."
    out.print(Text(changed))


def _show_checks(out: Console, some: Sequence[Check]) -> None:
    for check in some:
        out.print()
        place = f"  {own_policies.short_path(check.file)}:{check.line}" if check.file else ""
        out.print(Text.assemble((check.rule, "bold"), (place, "dim")))
        for sentence in (check.message, check.origin, f"Instead: {check.remediation}"):
            _indented(out, Text(sentence))


def _indented(out: Console, line: Text) -> None:
    out.print(Padding(line, (0, 0, 0, 2)))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _LONG else f"{text[:_LONG]}…"
