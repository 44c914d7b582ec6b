"""Which areas are asked: those where the first line of a rule holds.

A rule adds nothing unless all of its lines hold. An area where no first line holds has nothing to say, and its other
lines need not be looked at. That pays where few lines stand for many rules; elsewhere the rules say so as fast.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from guardrails.evaluate.rego.first_lines import Lines
from guardrails.evaluate.rego.references import Path
from guardrails.evaluate.rego.rewriting import Edit, apply
from guardrails.values import frozen

# A rule that does not hold costs about two lines.
_LINES_OF_A_RULE = 0.5


@frozen
class Gates:
    """What to ask instead of each set, by its name, and the rules that this takes."""

    names: Mapping[str, str]
    rules: Sequence[str]


def gates(asked: Mapping[Path, Lines], new: Mapping[Path, str], edits: Mapping[str, Sequence[Edit]]) -> Gates:
    """`asked` has the first lines of each set, `new` the names of all rules, `edits` what changes in each file."""
    names: dict[str, str] = {}
    rules: list[str] = []
    for path, lines in asked.items():
        name = new[path]
        distinct = dict.fromkeys(_lines(lines, edits))
        if len(distinct) > len(lines) * _LINES_OF_A_RULE:
            continue
        names[name] = f"asked_{name}"
        bodies = []
        for number, line in enumerate(distinct):
            text, loops = line
            if loops:
                # In a rule of its own, which ends at the first that is found.
                rules.append(f"asked_{number}_{name} if {{\n\t{text}\n}}")
                text = f"asked_{number}_{name}"
            bodies.append(f"{name} if {{\n\t{text}\n}}")
        rules.append(f"{names[name]} := {' else := '.join((*bodies, 'set()'))}")
    return Gates(names, rules)


def _lines(lines: Lines, edits: Mapping[str, Sequence[Edit]]) -> Iterator[tuple[str, bool]]:
    """Each line as it is written now, and whether it loops. Comparisons of the same subject become one."""
    compared: dict[str, list[str]] = {}
    for module, line in lines:
        start, end = line.edges
        if line.text:
            subject = apply(edits[module.file], module.source, start, line.subject_end)
            compared.setdefault(subject, []).append(line.text)
        else:
            yield apply(edits[module.file], module.source, start, end), line.loops
    for subject, texts in compared.items():
        # A line each: the embedded engine refuses lines of more than 1,024 columns.
        members = ",\n\t\t".join(dict.fromkeys(texts))
        yield (f"{subject} in {{\n\t\t{members},\n\t}}" if len(texts) > 1 else f"{subject} == {members}"), False
