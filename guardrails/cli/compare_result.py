"""The result of a comparison on a terminal, and as CI reads it."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from guardrails.cli import compare_sources
from guardrails.cli.output_file import writing
from guardrails.evaluate.rego.mistake import Mistake
from guardrails.policy.compare.result import Comparison, Difference
from guardrails.policy.compare.verdicts import ENGINE
from guardrails.show.sentences import counted, listed

_SHOWN = 5


def headline(comparison: Comparison) -> str:
    """The result in one sentence."""
    if not comparison.changed and not comparison.documents:
        return "compare: the same rules and parameters as before"
    tried = f"over {counted(comparison.documents, 'input')}"
    if comparison.is_wider:
        return f"compare: wider than before in {counted(len(comparison.wider), 'rule')}, {tried}"
    if comparison.silent:
        return f"compare: nothing is known about {counted(len(comparison.silent), 'rule')}, not wider otherwise {tried}"
    return f"compare: not wider than before {tried}"


def show(out: Console, comparison: Comparison) -> None:
    """The headline, each rule that is less strict, and what the comparison does not know."""
    color = "red" if comparison.is_wider else "yellow" if comparison.silent else "green"
    out.print(Text(headline(comparison), style=f"bold {color}"))
    for difference in comparison.wider:
        out.print(Text.assemble(("wider     ", "red"), (difference.rule, "bold"), f"  {sentence(difference)}"))
        out.print(Padding(Text(call_of(difference), style="dim"), (0, 0, 0, 10)))
    for difference in comparison.stricter:
        out.print(Text.assemble(("stricter  ", "green"), (difference.rule, "bold"), f"  {sentence(difference)}"))
    if comparison.silent:
        rules = ", ".join(comparison.silent[:_SHOWN])
        more = f" and {len(comparison.silent) - _SHOWN} more" if len(comparison.silent) > _SHOWN else ""
        out.print(
            Text(
                f"Nothing is known about {rules}{more}: changed, but no input shows what the change does.",
                style="yellow",
            )
        )


def nothing_known(rule: str) -> str:
    """What is said of a rule in `silent`."""
    return f"nothing is known about {rule}: it changed, but no input shows what the change does"


def sentence(difference: Difference) -> str:
    """How the decision changes."""
    if difference.rule == ENGINE:
        where = counted(difference.documents, "input")
        return f"the old policies fail on {where}, which blocks the call, and the new ones do not ({difference.now})"
    return f"{difference.was} becomes {difference.now} on {counted(difference.documents, 'input')}"


def call_of(difference: Difference) -> str:
    """The call of the counterexample, for people."""
    call, targets = difference.document.get("call") or {}, difference.document.get("targets") or {}
    glass = difference.document.get("break_glass") or {}
    parts = [
        f"for example {call.get('service')}:{call.get('operation')}",
        f"on {listed(sorted(targets))}" if targets else "",
        f"under a break glass for {listed(glass['rules'])}" if glass.get("rules") else "",
    ]
    return " ".join(part for part in parts if part)


def mistakes(comparison: Comparison) -> list[Mistake]:
    """The rules that are less strict, as `policy check` reports its mistakes, at their places in the new policies."""
    return [
        Mistake(
            *_place(each, comparison.new),
            1,
            each.rule,
            f"{each.rule} is less strict in {comparison.new}: {sentence(each)}, {call_of(each)}",
        )
        for each in comparison.wider
    ]


def notes(comparison: Comparison) -> list[Mistake]:
    """The rules about which nothing is known, at the place of the new policies as a whole."""
    return [Mistake(*_whole(comparison.new), 1, rule, nothing_known(rule)) for rule in comparison.silent]


def _place(difference: Difference, new: str) -> tuple[str, int]:
    """A file within the repository and a line: of the rule, or of the configuration where the rule is shipped."""
    file = compare_sources.in_repository(difference.file, new) if difference.file else ""
    if file and not (os.path.isabs(file) and new.endswith(".toml")):
        return file, difference.line
    return _whole(new)


def _whole(new: str) -> tuple[str, int]:
    some = sorted(map(str, Path(new).rglob("*.rego"))) if Path(new).is_dir() else []
    return compare_sources.in_repository(some[0] if some else new, new), 1


def junit(comparison: Comparison) -> str:
    """One test case for each rule that the differences may reach; those that are less strict fail."""
    wider = {each.rule: each for each in comparison.wider}
    names = sorted({*comparison.affected, *wider}) or ["no rule differs"]
    suite = ET.Element(
        "testsuite", name="guardrails policy compare", tests=str(len(names)), failures=str(len(wider)), errors="0"
    )
    for name in names:
        case = ET.SubElement(suite, "testcase", classname="guardrails.compare", name=name)
        if name in wider:
            failure = ET.SubElement(case, "failure", message=f"{sentence(wider[name])}, {call_of(wider[name])}")
            failure.text = json.dumps(wider[name].document, indent=2)
        elif name in comparison.silent:
            ET.SubElement(case, "skipped", message="no input shows what its change does")
    root = ET.Element("testsuites")
    root.append(suite)
    return ET.tostring(root, encoding="unicode", xml_declaration=True)


def hint(file: Path, comparison: Comparison) -> str:
    """The commands that show what both policies say to a written counterexample."""
    command = f"guardrails policy explain {shlex.quote(str(file))} --policies"
    return f"{file}: try `{command} {shlex.quote(comparison.old)}` and `… --policies {shlex.quote(comparison.new)}`"


def write(folder: Path, differences: Iterable[Difference]) -> Sequence[Path]:
    """Write each counterexample as a file that `policy eval` and `policy explain` take. Raises ConfigError."""
    files = []
    with writing(folder, "name another folder with --write"):
        folder.mkdir(parents=True, exist_ok=True)
        for difference in differences:
            file = folder / f"{''.join(c if c.isalnum() else '-' for c in difference.rule).strip('-')}.json"
            file.write_text(json.dumps(difference.document, indent=2) + "\n", "utf-8")
            files.append(file)
    return files
